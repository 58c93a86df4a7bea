/** The saver against LangGraph's own `MemorySaver`: whatever is done to both, both answer the same. */
import { type CheckpointTuple, MemorySaver, uuid6 } from '@langchain/langgraph-checkpoint'
import { expect, test } from 'vitest'
import { SessionlogSaver } from '../../../src/adapters/langgraph.ts'
import { Chance } from '../../support/chance.ts'
import { collect } from '../../support/outcome.ts'
import { create, reopen } from '../../support/store.ts'
import { at, checkpointOf, loop } from './support.ts'

const NAMESPACES = ['', 'sub:1', 'sub:1|deep:2', 'other:3']
const THREADS = ['a', 'b', 'with a space/and a slash']
const CHANNELS = ['messages', 'draft', '__interrupt__', '__error__', '__resume__', 'constructor2']

const inOneOrder = (tuples: CheckpointTuple[]) =>
  tuples.map(tuple => [JSON.stringify(tuple.config), tuple] as const).sort(([a], [b]) => (a < b ? -1 : 1))

test.each([1, 2, 3, 4, 5, 6])('answers as MemorySaver does, with chance %i', async seed => {
  const chance = new Chance(seed)
  const model = new MemorySaver()
  let store = await create()
  let saver = new SessionlogSaver({ store })
  const ids = Array.from({ length: 12 }, (_, index) => uuid6(index))
  const of = <T>(list: readonly T[]) => list[chance.below(list.length)]!
  let done = 0
  const both = async (task: (saver: MemorySaver | SessionlogSaver) => Promise<unknown>) => {
    await task(model)
    await task(saver)
    done++
  }
  for (let round = 0; round < 120; round++) {
    const [thread, namespace, id] = [of(THREADS), of(NAMESPACES), of(ids)]
    if (chance.once(2)) {
      const values = {
        messages: Array.from({ length: chance.below(4) }, (_, n) => `${round}.${n}`),
        [of(['x', 'y'])]: round,
      }
      const checkpoint = { ...checkpointOf(values, { messages: round }), id }
      const parent = chance.once(3) ? undefined : of(ids)
      await both(each =>
        each.put(at(thread, parent, namespace), checkpoint, loop(round), checkpoint.channel_versions),
      )
    } else if (chance.once(25)) await both(each => each.deleteThread(thread))
    else {
      const writes = Array.from({ length: 1 + chance.below(3) }, (_, n): [string, unknown] => [
        of(CHANNELS),
        [round, n],
      ])
      const [task, path] = [
        of(['t1', 't2', 't3']),
        of([undefined, '~__pregel_pull, agent', '~__pregel_pull, tools']),
      ]
      await both(each => each.putWrites(at(thread, id, namespace), writes, task, path))
    }
    if (chance.once(40)) {
      store = await reopen(store)
      saver = new SessionlogSaver({ store })
    }
    for (const wanted of [
      at(thread, id, namespace),
      at(thread, undefined, namespace),
      at(of(THREADS), of(ids), of(NAMESPACES)),
    ])
      expect(await saver.getTuple(wanted)).toEqual(await model.getTuple(wanted))
  }
  expect(done).toBe(120)
  for (const config of [{}, at('a'), { configurable: { thread_id: 'b' } }]) {
    const options = { before: at('a', ids[9]), filter: { source: 'loop' } }
    expect(inOneOrder(await collect(saver.list(config)))).toEqual(
      inOneOrder(await collect(model.list(config))),
    )
    expect(inOneOrder(await collect(saver.list(config, options)))).toEqual(
      inOneOrder(await collect(model.list(config, options))),
    )
  }
  expect((await store.verify()).ok).toBe(true)
})
