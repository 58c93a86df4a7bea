import { concatMap, Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { gatherWhileBusy } from '../../src/log/group.ts'
import { Chance } from '../support/chance.ts'

/** A consumer that is busy with each group for as long as `work` takes. */
function consume(work: (group: readonly number[]) => Promise<void>, max = 4096) {
  const source = new Subject<number>()
  const idle = new Subject<void>()
  const groups: (readonly number[])[] = []
  source
    .pipe(
      gatherWhileBusy(idle, max),
      concatMap(group => {
        groups.push(group)
        return work(group)
      }),
    )
    .subscribe(() => idle.next())
  return { source, groups, taken: () => groups.flat() }
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

describe('gatherWhileBusy()', () => {
  test('hands on what came in one tick as one group', async () => {
    const { source, groups } = consume(async () => {})
    for (const n of upTo(100)) source.next(n)
    await turn()
    expect(groups).toEqual([upTo(100)])
  })

  test('gathers while the consumer is busy', async () => {
    let finish = () => {}
    const { source, groups } = consume(() => new Promise(resolve => (finish = resolve)))
    source.next(0)
    await turn()
    for (const n of [1, 2, 3]) {
      source.next(n)
      await turn()
    }
    expect(groups).toEqual([[0]])
    finish()
    await turn()
    await turn()
    expect(groups).toEqual([[0], [1, 2, 3]])
  })

  test.each([1, 7, 42])('loses nothing and keeps the order under random busy times, seed %s', async seed => {
    const chance = new Chance(seed)
    const busy = async () => {
      for (let turns = chance.below(4); turns > 0; turns--) await (chance.once(2) ? turn() : undefined)
    }
    const { source, taken } = consume(busy, 16)
    let next = 0
    while (next < 5_000) {
      for (let burst = chance.below(40); burst > 0; burst--) source.next(next++)
      if (chance.once(2)) await busy()
    }
    while (taken().length < next) await turn()
    expect(taken()).toEqual(upTo(next))
  })

  test('loses nothing of a backlog of 100,000, and hands it on in groups of at most so many', async () => {
    const { source, groups, taken } = consume(async () => {}, 4096)
    for (const n of upTo(100_000)) source.next(n)
    while (taken().length < 100_000) await turn()
    expect(taken()).toEqual(upTo(100_000))
    expect(Math.max(...groups.map(group => group.length))).toBe(4096)
  })

  test('loses nothing where the consumer is done at once, each time', async () => {
    const { source, taken } = consume(() => Promise.resolve())
    for (const n of upTo(3_000)) {
      source.next(n)
      if (n % 3 === 0) await Promise.resolve()
    }
    while (taken().length < 3_000) await turn()
    expect(taken()).toEqual(upTo(3_000))
  })

  test('does not stall a value that comes right after a group is done', async () => {
    const { source, taken } = consume(async group => {
      const last = group.at(-1)!
      // As a caller does whose save was acknowledged and who saves again at once.
      queueMicrotask(() => last < 1_000 && source.next(last + 1))
      if (last % 3 === 0) await turn()
    })
    source.next(0)
    while (taken().length <= 1_000) await turn()
    expect(taken()).toEqual(upTo(1_001))
  })

  test('takes values that come while it hands on', async () => {
    const { source, taken } = consume(async group => {
      if (group[0]! < 50) source.next(group[0]! + 1)
    })
    source.next(0)
    while (taken().length <= 50) await turn()
    expect(taken()).toEqual(upTo(51))
  })
})
