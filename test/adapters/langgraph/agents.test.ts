/** Agents of LangGraph itself, whose threads are kept in a store. */
import { Command } from '@langchain/langgraph'
import { describe, expect, test } from 'vitest'
import type { ThreadState } from '../../../src/adapters/langgraph/thread-state.ts'
import { SessionlogSaver } from '../../../src/adapters/langgraph.ts'
import { collect } from '../../support/outcome.ts'
import { create, reopen, temporary } from '../../support/store.ts'
import { approval, shop, thread } from './graph.ts'

const SESSION = 'langgraph/t'

/** Each checkpoint is on the disk before the next step begins, so that no task's writes come before it. */
const sync = (thread_id: string) => ({ ...thread(thread_id), durability: 'sync' as const })

async function start() {
  const store = await create<ThreadState>()
  const saver = new SessionlogSaver({ store })
  return { store, saver, agent: shop(saver) }
}

describe('on the thread of an agent', () => {
  test('blame names the nodes', async () => {
    const { store, agent } = await start()
    await agent.invoke({ log: ['tea'] }, sync('t'))
    const total = await collect(store.blame(SESSION, '/values/total'))
    expect(total.map(({ actor, after }) => [actor, after])).toEqual([[{ id: 'price', type: 'node' }, 2]])
    const leaves = await store.blame(SESSION)
    const who = ['/values/log/0', '/values/log/1', '/values/log/2', '/values/log/3'].map(
      pointer => leaves.get(pointer)?.actor,
    )
    expect(who).toEqual(['__start__', 'plan', 'price', 'book'].map(id => ({ id, type: 'node' })))
    expect(leaves.get('/values/log/3')?.reason).toBe('loop, step 3')
    const booked = await collect(store.audit({ actor: 'book' }))
    expect(booked.map(({ type, reason }) => [type, reason])).toEqual([
      ['wrote', 'to log'],
      ['checkpointed', 'loop, step 3'],
    ])
  })

  test('bisect finds the step that broke it, and LangGraph goes on from the one before', async () => {
    const { store, agent } = await start()
    await agent.invoke({ log: ['tea'] }, sync('t'))
    await agent.invoke({ log: ['milk'] }, sync('t'))
    const found = await store.bisect(SESSION, ({ values = {} }) => (values.total as number) < 0)
    expect(found.event.actor).toEqual({ id: 'price', type: 'node' })
    const { parent, id } = found.after!.checkpoint!
    expect(found.event.causationId).toBe(parent)
    const broken = await agent.getState({ configurable: { thread_id: 't', checkpoint_id: id } })
    expect(broken.values.total).toBe(-1)
    const before = await agent.getState({ configurable: { thread_id: 't', checkpoint_id: parent } })
    expect([before.values.total, before.next]).toEqual([2, ['price']])
    const mended = await agent.updateState(before.config, { total: 6 }, 'price')
    const { total, log } = await agent.invoke(null, mended)
    expect([total, log.at(-1)]).toEqual([6, 'booked 6'])
  })

  test('replay goes through the checkpoints in order, and revert takes the thread back', async () => {
    const { store, agent } = await start()
    await agent.invoke({ log: ['tea'] }, sync('t'))
    const steps: unknown[] = []
    await store.replay(SESSION).forEach(({ event, after }) => {
      if (event.type === 'checkpointed') steps.push((after as ThreadState).values?.log)
    })
    const log = ['tea', 'planned', 'priced', 'booked 2']
    expect(steps).toEqual([[], log.slice(0, 1), log.slice(0, 2), log.slice(0, 3), log])
    const { version } = (await store.bisect(SESSION, ({ values }) => values?.total === 2)).event
    await store.revert(SESSION, { version, reason: 'booked twice' })
    const back = await agent.getState(thread('t'))
    expect([back.values.log, back.next]).toEqual([log.slice(0, 3), ['book']])
    expect((await agent.invoke(null, sync('t'))).log).toEqual(log)
    expect(await collect(agent.getStateHistory(thread('t')))).toHaveLength(5)
  })

  test('a fork of the session is a thread of its own, with all that came before', async () => {
    const { store, agent } = await start()
    await agent.invoke({ log: ['tea'] }, sync('t'))
    const { version } = (await store.bisect(SESSION, ({ values }) => values?.total === 2)).event
    await store.fork(SESSION, 'langgraph/copy', { version })
    expect((await agent.getState(thread('copy'))).next).toEqual(['book'])
    const old = await collect(agent.getStateHistory(thread('copy')))
    await agent.invoke({ log: ['milk'] }, sync('copy'))
    const all = await collect(agent.getStateHistory(thread('copy')))
    const known = all.slice(-old.length)
    expect(old.length).toBe(4)
    expect(known.map(({ values, metadata }) => [values, metadata])).toEqual(
      old.map(({ values, metadata }) => [values, metadata]),
    )
    expect((await agent.getState(thread('t'))).values.log).toEqual(['tea', 'planned', 'priced', 'booked 2'])
    await store.fork('langgraph/copy', 'langgraph/again', { version: store.version('langgraph/copy') })
    await agent.invoke({ log: ['mug'] }, sync('again'))
    expect(
      (await collect(agent.getStateHistory(thread('again')))).slice(-all.length).map(({ values }) => values),
    ).toEqual(all.map(({ values }) => values))
  })
})

describe('an agent', () => {
  test('goes back in time, and both ways stay', async () => {
    const { agent, saver } = await start()
    await agent.invoke({ log: ['tea'] }, sync('t'))
    const history = await collect(agent.getStateHistory(thread('t')))
    const planned = history.find(({ next }) => next[0] === 'price')!
    const forked = await agent.updateState(planned.config, { log: ['sugar'] })
    expect((await agent.invoke(null, forked)).log).toEqual(['tea', 'planned', 'sugar', 'priced', 'booked 3'])
    const rerun = await agent.invoke(null, planned.config)
    expect(rerun.log).toEqual(['tea', 'planned', 'priced', 'booked 2'])
    for (const { config, values } of history) expect((await agent.getState(config)).values).toEqual(values)
    const parents = (await collect(saver.list(thread('t')))).map(
      ({ parentConfig }) => parentConfig?.configurable?.checkpoint_id,
    )
    expect(parents.filter(id => id === planned.config.configurable!.checkpoint_id).length).toBeGreaterThan(1)
  })

  test('copies a checkpoint, also the first', async () => {
    const { agent } = await start()
    await agent.invoke({ log: ['tea'] }, sync('t'))
    const history = await collect(agent.getStateHistory(thread('t')))
    for (const { config, values, next } of history) {
      const copy = await agent.getState(await agent.updateState(config, null, '__copy__'))
      expect([copy.values, copy.next, copy.metadata?.source]).toEqual([values, next, 'fork'])
    }
  })

  test('is interrupted in a subgraph, and goes on after the store was opened again', async () => {
    const store = await create<ThreadState>()
    const first = approval(new SessionlogSaver({ store }))
    await first.invoke({ log: ['tea'] }, thread('t'))
    const asked = await first.getState(thread('t'), { subgraphs: true })
    const inside = asked.tasks[0]!.state as {
      values: { log: string[] }
      config: { configurable: { checkpoint_ns: string } }
    }
    expect([asked.next, inside.values.log]).toEqual([['review'], ['tea', 'drafted']])
    const { checkpoint_ns } = inside.config.configurable
    expect(store.get(SESSION)!.subgraphs![checkpoint_ns]!.values!.log).toEqual(['tea', 'drafted'])

    const again = await reopen(store)
    const saver = new SessionlogSaver({ store: again })
    const second = approval(saver)
    const { log } = await second.invoke(new Command({ resume: 'yes' }), thread('t'))
    expect(log).toEqual(['tea', 'tea', 'drafted', 'answered yes', 'sent'])
    expect(again.get(SESSION)!.subgraphs![checkpoint_ns]!.values).toBeUndefined()
    const kept = await collect(saver.list({ configurable: { thread_id: 't', checkpoint_ns } }))
    expect(kept[0]!.checkpoint.channel_values.log).toEqual(['tea', 'drafted', 'answered yes'])
    expect(kept.length).toBeGreaterThan(2)
  })

  test.each(['sync', 'async', 'exit'] as const)('keeps all of a run with durability %s', async durability => {
    const { agent, store } = await start()
    await agent.invoke({ log: ['tea'] }, { ...thread('t'), durability })
    const history = await collect(agent.getStateHistory(thread('t')))
    expect(history).toHaveLength(durability === 'exit' ? 1 : 5)
    expect(history[0]!.values.log).toEqual(['tea', 'planned', 'priced', 'booked 2'])
    expect((await store.verify()).ok).toBe(true)
  })

  test('is driven by two processes on one thread, each of which sees what the other did', async () => {
    const dir = temporary()
    const owner = shop(new SessionlogSaver({ store: await create({ dir }) }))
    const store = await create<ThreadState>({ dir, role: 'follower' })
    const follower = shop(new SessionlogSaver({ store }))
    const log: string[] = []
    for (const [agent, word] of [
      [owner, 'a'],
      [follower, 'b'],
      [owner, 'c'],
      [follower, 'd'],
    ] as const) {
      const answer = await agent.invoke({ log: [word] }, sync('t'))
      log.push(word, 'planned', 'priced', `booked ${answer.total}`)
      expect(answer.log).toEqual(log)
    }
    const both = await Promise.all(
      [owner, follower].map(agent => collect(agent.getStateHistory(thread('t')))),
    )
    expect(both[0]!.map(({ values }) => values)).toEqual(both[1]!.map(({ values }) => values))
    expect(both[0]).toHaveLength(20)
  })
})
