import { describe, expect, test } from 'vitest'
import { readRecord } from '../../src/log/record.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { collect } from '../support/outcome.ts'
import { create, reopen } from '../support/store.ts'

describe('Group commit', () => {
  test('makes one write of a burst, with one commit and one record a session', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    db.writes.length = 0
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => store.save(`s${n % 10}`, n)))
    expect(db.writes).toHaveLength(1)
    expect(db.written('c')).toHaveLength(1)
    expect(db.written('t')).toHaveLength(10)
    expect(db.writes[0]!.puts.size).toBe(11)
  })

  test('takes all that gathers while a write is under way into the next one', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    db.writes.length = 0
    const release = db.hold()
    const first = store.save('a', 0)
    await new Promise(resolve => setImmediate(resolve))
    const rest = Array.from({ length: 50 }, (_, n) => store.save('a', n))
    await new Promise(resolve => setImmediate(resolve))
    expect(db.writes).toHaveLength(0)
    release()
    await Promise.all([first, ...rest])
    expect(db.writes).toHaveLength(2)
  })

  test('resolves all promises of a commit, each with a place of its own', async () => {
    const store = await create<number>({ db: new ObservedLevel() })
    const receipts = await Promise.all(Array.from({ length: 100 }, (_, n) => store.save('a', n)))
    expect(new Set(receipts.map(receipt => receipt.hash)).size).toBe(100)
    expect(receipts.map(receipt => receipt.version)).toEqual(receipts.map((_, n) => n + 1))
  })

  test('takes up a save that is made right after an acknowledgement', async () => {
    const store = await create<number>({ db: new ObservedLevel() })
    let chain: Promise<unknown> = Promise.resolve()
    for (let n = 0; n < 500; n++) chain = chain.then(() => store.save('a', n))
    await chain
    let callbacks = 0
    await new Promise<void>(resolve => {
      const again = () => (++callbacks === 500 ? resolve() : void store.save('b', callbacks).then(again))
      again()
    })
    expect([store.version('a'), store.version('b')]).toEqual([500, 499])
  })

  test('keeps the order of 64 callers who each await their own, and of positions', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    const caller = async (id: string) => {
      for (let n = 1; n <= 20; n++) expect(await store.save(id, n)).toMatchObject({ version: n })
    }
    await Promise.all(Array.from({ length: 64 }, (_, n) => caller(`s${n}`)))
    const events = await collect(store.events())
    expect(events.map(event => event.position)).toEqual(Array.from({ length: 1_280 }, (_, n) => n + 1))
    expect(db.written('c').length).toBeLessThan(100)
  })

  test('writes 100,000 saves of one burst without losing one', async () => {
    const db = new ObservedLevel()
    const store = await create<number>({ db, pendingBytesMax: 2 ** 40 })
    let settled = 0
    for (let n = 0; n < 100_000; n++) store.save(`s${n % 100}`, n).then(() => settled++)
    await store.flush()
    expect(settled).toBe(100_000)
    const reopened = await reopen(store)
    for (let n = 0; n < 100; n++) expect(reopened.get(`s${n}`)).toBe(99_900 + n)
  })
})

test('A record holds consecutive events of one session, each beside the hash of the one before', async () => {
  const db = new ObservedLevel()
  const store = await create<number>({ db })
  db.writes.length = 0
  const receipts = await Promise.all([
    store.save('a', 1),
    store.save('b', 1),
    store.save('a', 2),
    store.save('a', 3),
  ])
  const records = [...db.writes[0]!.puts].filter(([key]) => key.startsWith('t'))
  const [ofA, ofB] = records.map(([, bytes], index) =>
    readRecord({ sessionId: index === 0 ? 'a' : 'b', firstVersion: 1, bytes }),
  )
  expect(ofA!.map(event => [event.version, event.position, event.hash])).toEqual([
    [1, 1, receipts[0]!.hash],
    [2, 3, receipts[2]!.hash],
    [3, 4, receipts[3]!.hash],
  ])
  expect(ofA!.map(event => event.previousHash)).toEqual([
    '0'.repeat(64),
    receipts[0]!.hash,
    receipts[2]!.hash,
  ])
  expect(ofB!.map(event => [event.version, event.position])).toEqual([[1, 2]])
})
