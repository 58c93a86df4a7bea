import { rmSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generateKey, provesConsistency, verifyCheckpoint } from '../../src/index.ts'
import { signCheckpoint } from '../../src/proof/checkpoint.ts'
import { verifyProof } from '../../src/proof/verify.ts'
import { spell } from '../state/exact.ts'
import { codeOf, failureOf } from '../support/outcome.ts'
import { everything, sized } from '../support/states.ts'
import { create, directoryOf, reopen, temporary } from '../support/store.ts'

const { skey, vkey } = generateKey('records.example')
const given: string[] = []
const options = { signingKey: skey, onCheckpoint: (note: string) => void given.push(note), compactEvery: 0 }

async function makeStore() {
  const store = await create<unknown>(options)
  for (let n = 1; n <= 12; n++) {
    await store.save('a', n % 5 === 0 ? everything() : sized(100 + 30 * n), {
      actor: 'ann',
      reason: `step ${n}`,
    })
    void store.save(`other-${n % 3}`, n)
    if (n === 7) await store.delete('a', { actor: 'ann' })
  }
  await store.flush()
  return store
}

describe('prove()', () => {
  test('proves every version with its state to whoever has the key, and nothing else', async () => {
    let store = await makeStore()
    const origin = `sessionlog/${store.origin}`
    for (const step of ['as saved', 'compacted', 'reopened']) {
      if (step === 'compacted') await store.compact()
      if (step === 'reopened') store = await reopen(store, { ...options, rebuild: true })
      for (let version = 1; version <= store.version('a'); version++) {
        const proved = verifyProof(await store.prove('a', version), vkey, origin)
        expect(proved).toMatchObject({ origin, sessionId: 'a', version, actor: 'ann', size: 25 })
        expect(spell(proved.state), `${step} ${version}`).toBe(spell(await store.stateAt('a', { version })))
      }
    }
    expect(await codeOf(() => store.prove('a', 99))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect(await codeOf(() => store.prove('a', 0))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    const other = generateKey('records.example').vkey
    const file = await store.prove('a', 3)
    expect(await codeOf(async () => verifyProof(file, other, origin))).toBe('SESSIONLOG_PROOF_INVALID')
    expect(await codeOf(async () => verifyProof(file, vkey, 'sessionlog/another'))).toBe(
      'SESSIONLOG_PROOF_INVALID',
    )
  })

  test('needs a key, and takes none that is not one', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    for (const call of [() => store.checkpoint(), () => store.prove('a', 1)])
      expect(await failureOf(call)).toMatchObject({ code: 'SESSIONLOG_INVALID_ARGUMENT', path: 'signingKey' })
    expect(await codeOf(() => create({ signingKey: vkey }))).toMatch(/^SESSIONLOG_/)
  })
})

describe('checkpoint()', () => {
  test('signs origin, size and root, what was saved right before included', async () => {
    const store = await create<number>(options)
    store.save('a', 1)
    const { origin, size, root } = verifyCheckpoint(await store.checkpoint(), vkey)
    expect({ origin, size }).toEqual({ origin: `sessionlog/${store.origin}`, size: 1 })
    expect((await store.verify()).root).toBe(root)
  })

  test('is given out at the end of each compaction', async () => {
    const store = await makeStore()
    given.length = 0
    const { position, root } = await store.compact()
    expect(given.map(note => verifyCheckpoint(note, vkey))).toMatchObject([{ size: position, root }])
  })
})

describe('proveConsistency()', () => {
  test('between any two checkpoints shows that nothing was rewritten', async () => {
    const store = await makeStore()
    const first = await store.checkpoint()
    await store.save('a', 'more')
    const second = await store.checkpoint()
    const { oldSize, newSize, oldRoot, newRoot, ...rest } = await store.proveConsistency(first, second)
    expect([oldSize, newSize]).toEqual([25, 26])
    expect([oldRoot, newRoot]).toEqual([first, second].map(note => verifyCheckpoint(note, vkey).root))
    expect(provesConsistency({ oldSize, newSize, oldRoot, newRoot, ...rest })).toBe(true)
    for (let size = 0; size <= 26; size++)
      expect(provesConsistency(await store.proveConsistency(size))).toBe(true)
    expect(await codeOf(() => store.proveConsistency(27))).toBe('SESSIONLOG_EVENTS_MISSING')
    expect(await codeOf(() => store.proveConsistency(3, 2))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    expect(await codeOf(() => store.proveConsistency(1, 27))).toBe('SESSIONLOG_EVENTS_MISSING')
  })
})

describe('proveConsistency() of a checkpoint', () => {
  test('is refused by a store that is another, or was rewritten', async () => {
    const store = await makeStore()
    const checkpoint = await store.checkpoint()
    const other = await makeStore()
    expect(await codeOf(() => other.proveConsistency(checkpoint))).toBe('SESSIONLOG_EVENTS_MISSING')
    const { origin, size } = verifyCheckpoint(checkpoint, vkey)
    const made = signCheckpoint({ origin, size, root: 'ab'.repeat(32) }, skey)
    const failure = await failureOf(() => store.proveConsistency(made))
    expect(failure).toMatchObject({ code: 'SESSIONLOG_EVENTS_MISSING' })
    expect(String(failure)).toContain('are not those')
  })
})

describe('onCheckpoint', () => {
  test('may ask the store, and close it', async () => {
    const proved: number[] = []
    const store = await create<number>({
      signingKey: skey,
      compactEvery: 0,
      onCheckpoint: async note => {
        proved.push((await store.proveConsistency(0, note)).newSize)
        await store.close()
      },
    })
    await store.save('a', 1)
    await store.compact()
    expect(proved).toEqual([1])
    expect(store.status).toBe('closed')
  })

  test('without a key is refused: it would never be called', async () => {
    expect(await failureOf(() => create({ onCheckpoint: () => {} }))).toMatchObject({ path: 'signingKey' })
  })
})

test('what reads before it writes says that the store was closed meanwhile', async () => {
  for (const turns of [0, 1, 2, 3, 5, 8, 13]) {
    const store = await makeStore()
    const calls = [
      store.prove('a', 5),
      store.revert('a', { version: 2 }),
      store.fork('a', 'new', { version: 2 }),
    ]
    const outcomes = Promise.allSettled(calls)
    for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
    await store.close()
    for (const outcome of await outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'SESSIONLOG_NOT_OPEN' })
  }
})

describe('verify() against a checkpoint', () => {
  test('finds a log that was rolled back, with everything in its directory', async () => {
    const store = await makeStore()
    const before = temporary()
    await store.close()
    await cp(directoryOf(store as never), before, { recursive: true })
    const later = await create<unknown>({ ...options, dir: directoryOf(store as never) })
    await later.save('a', 'later')
    const checkpoint = await later.checkpoint()
    expect(await later.verify({ checkpoint, key: vkey })).toMatchObject({ ok: true })
    await later.close()
    // Log, snapshots and witness of before: nothing in the directory knows of more.
    const old = await create<unknown>({ ...options, dir: before })
    expect(await old.verify()).toMatchObject({ ok: true })
    const { ok, problems } = await old.verify({ checkpoint, key: vkey })
    expect({ ok, problems }).toMatchObject({ ok: false, problems: [{ code: 'SESSIONLOG_EVENTS_MISSING' }] })
    // And the same number of other events.
    await old.save('a', 'something else')
    expect(await old.verify()).toMatchObject({ ok: true })
    expect((await old.verify({ checkpoint, key: vkey })).problems).toMatchObject([
      { code: 'SESSIONLOG_EVENTS_MISSING', message: expect.stringContaining('are not those') },
    ])
  })

  test('finds a log that was swapped for another', async () => {
    const store = await makeStore()
    const checkpoint = await store.checkpoint()
    const other = await makeStore()
    expect((await other.verify({ checkpoint, key: vkey })).problems).toMatchObject([
      { code: 'SESSIONLOG_EVENTS_MISSING', message: expect.stringContaining('The checkpoint is of') },
    ])
    rmSync(join(directoryOf(other as never), 'sessions_v3'), { recursive: true, force: true })
  })

  test('believes none that the key has not signed', async () => {
    const store = await makeStore()
    const checkpoint = await store.checkpoint()
    const other = generateKey('records.example').vkey
    expect(await codeOf(() => store.verify({ checkpoint, key: other }))).toBe('SESSIONLOG_PROOF_INVALID')
    for (const options of [{ checkpoint }, { key: vkey }, { checkpoint: 5, key: vkey }])
      expect(await codeOf(() => store.verify(options as never))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })
})
