import { firstValueFrom, map, take, toArray } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { inChild } from '../support/child.ts'
import { create } from '../support/store.ts'

describe('watch()', () => {
  test('tells of the state now, then of each change at once', async () => {
    const store = await create<number>()
    store.save('a', 1)
    const seen: unknown[] = []
    store.watch('a').subscribe(state => seen.push(state))
    expect(seen).toEqual([1])
    store.save('a', 2)
    expect(seen).toEqual([1, 2])
    store.delete('a')
    store.save('b', 9)
    store.edit('b', n => n)
    store.save('a', 3)
    expect(seen).toEqual([1, 2, undefined, 3])
    await store.flush()
    expect(seen).toEqual([1, 2, undefined, 3])
  })

  test('tells of undefined where there is no session yet', async () => {
    const store = await create<number>()
    const seen = firstValueFrom(store.watch('a').pipe(take(2), toArray()))
    store.save('a', 1)
    expect(await seen).toEqual([undefined, 1])
  })

  test('tells each who subscribes of the state at that moment', async () => {
    const store = await create<number>()
    const watch = store.watch('a')
    const seen: unknown[] = []
    for (let n = 1; n <= 3; n++) {
      store.save('a', n)
      watch.pipe(take(1)).subscribe(state => seen.push(state))
    }
    expect(seen).toEqual([1, 2, 3])
  })

  test('completes at once for who subscribes when the store is closed', async () => {
    const store = await create<number>()
    await store.save('a', 1)
    const watch = store.watch('a')
    const { commits } = store
    await store.close()
    const ended: string[] = []
    watch.subscribe({ next: () => ended.push('state'), complete: () => ended.push('watch') })
    commits.subscribe({ complete: () => ended.push('commits') })
    expect(ended).toEqual(['watch', 'commits'])
  })

  test('stops telling who has unsubscribed', async () => {
    const store = await create<number>()
    const seen: unknown[] = []
    const subscription = store.watch('a').subscribe(state => seen.push(state))
    const other: unknown[] = []
    store.watch('a').subscribe(state => other.push(state))
    store.save('a', 1)
    subscription.unsubscribe()
    store.save('a', 2)
    expect(seen).toEqual([undefined, 1])
    expect(other).toEqual([undefined, 1, 2])
  })

  test('keeps the order for all, where a watcher saves in the middle', async () => {
    const store = await create<number>()
    const first: unknown[] = []
    const second: unknown[] = []
    store.watch('a').subscribe(state => {
      first.push(state)
      if (state !== undefined && state < 4) store.save('a', state + 1)
    })
    store.watch('a').subscribe(state => second.push(state))
    store.save('a', 1)
    expect(first).toEqual([undefined, 1, 2, 3, 4])
    expect(second).toEqual([undefined, 1, 2, 3, 4])
    await store.flush()
    expect(await store.verify()).toMatchObject({ ok: true, position: 4 })
  })

  test('tells of a change that a watcher makes when it is told of the first state', async () => {
    const store = await create<number>()
    const seen: unknown[] = []
    store.watch('a').subscribe(state => {
      if ((state ?? 0) < 3) store.save('a', (state ?? 0) + 1)
      seen.push(state)
    })
    expect(seen).toEqual([undefined, 1, 2, 3])
  })

  test('never tells a new watcher of what was before, also in the middle of telling', async () => {
    const store = await create<number>()
    const late: unknown[] = []
    store.watch('a').subscribe(state => {
      if (state !== 1) return
      store.save('a', 2)
      store.save('a', 3)
      store.watch('a').subscribe(each => late.push(each))
      store.save('a', 4)
    })
    store.save('a', 1)
    expect(late).toEqual([3, 4])
  })

  test('goes on for others where one watcher throws, and the save goes through', async () => {
    const store = await create<number>()
    const seen: unknown[] = []
    store.watch('a').subscribe(() => {
      throw new Error('subscriber')
    })
    store
      .watch('a')
      .pipe(
        map(state => {
          if (state === 1) throw new Error('operator')
          return state
        }),
      )
      .subscribe(() => {
        throw new Error('behind an operator')
      })
    store.watch('a').subscribe(state => seen.push(state))
    expect(await store.save('a', 1)).toMatchObject({ version: 1 })
    expect(await store.save('a', 2)).toMatchObject({ version: 2 })
    expect(seen).toEqual([undefined, 1, 2])
  })
})

const throwing = `
  import { MemoryLevel } from 'memory-level'
  import { openStore } from '/src/index.ts'
  import { filter, map, share } from 'rxjs'
  const told = []
  const logger = { debug() {}, info() {}, warn() {}, error: ({ err }) => told.push(err.message ?? err.code) }
  const store = await openStore({ db: new MemoryLevel(), logger })
  const boom = () => { throw new Error('boom') }
  const seen = []
`

test('A subscriber that throws does not take the process down, nor stop others, whatever it is', async () => {
  const { code, stdout, stderr } = await inChild(`${throwing}
    for (const source of [store.commits, store.watch('a')]) {
      source.subscribe(boom)
      source.subscribe({ next: boom, error: boom, complete: boom })
      source.pipe(map(x => x)).subscribe(boom)
      source.pipe(filter(() => true), map(x => x), share()).subscribe(boom)
      source.pipe(map(boom)).subscribe({})
      source.pipe(map(boom)).subscribe({ error: boom })
      source.pipe(map(boom)).subscribe()
      source.subscribe({ complete: boom })
    }
    store.commits.subscribe(events => seen.push(events[0].position))
    store.watch('a').subscribe(state => seen.push('state ' + state))
    const turns = async () => {
      for (let n = 0; n < 5; n++) await new Promise(resolve => setImmediate(resolve))
    }
    const receipts = [await store.save('a', 1), await store.save('a', 2)]
    await turns()
    await store.close()
    await turns()
    console.log(JSON.stringify([seen, receipts.map(receipt => receipt.version), new Set(told).size]))
  `)
  expect([code, stderr]).toEqual([0, ''])
  expect(JSON.parse(stdout)).toEqual([['state undefined', 'state 1', 1, 'state 2', 2], [1, 2], 1])
})
