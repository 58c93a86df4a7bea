import { DeltaSnapshot, JsonPlusSerializer, type SerializerProtocol } from '@langchain/langgraph-checkpoint'
import { describe, expect, test } from 'vitest'
import type { ThreadState } from '../../../src/adapters/langgraph/thread-state.ts'
import { SessionlogSaver } from '../../../src/adapters/langgraph.ts'
import { type Actor, withContext } from '../../../src/index.ts'
import { codeOf, collect, failureOf } from '../../support/outcome.ts'
import { create, directoryOf, reopen, temporary } from '../../support/store.ts'
import { at, checkpointOf, damage, loop, put, valuesAt, write, writesAt } from './support.ts'

async function start(options: Partial<ConstructorParameters<typeof SessionlogSaver>[0]> = {}) {
  const store = await create<ThreadState>()
  return { store, saver: new SessionlogSaver({ store, ...options }) }
}

const stateOf = (state: unknown) => state as ThreadState

describe('a checkpoint', () => {
  test('is an event, with who, why and after what, and values that can be read', async () => {
    const { store, saver } = await start()
    const first = await put(saver, 't', { text: 'tea' }, { step: 3 })
    await put(saver, 't', { text: 'tea, milk' }, { parent: first, step: 4 })
    const events = await collect(store.history('langgraph/t'))
    expect(events.map(({ type, reason, causationId }) => [type, reason, causationId])).toEqual([
      ['checkpointed', 'loop, step 3', undefined],
      ['checkpointed', 'loop, step 4', first],
    ])
    expect(store.get('langgraph/t')!.values).toEqual({ text: 'tea, milk' })
    const change = { op: 'replace', path: '/values/text', value: 'tea, milk' }
    expect(events[1]!.changes).toContainEqual(change)
  })

  test('is recorded as what changed, never as the whole state again', async () => {
    const { store, saver } = await start()
    const ids = [await put(saver, 't', { a: 1 })]
    for (let n = 1; n < 4; n++) {
      await saver.putWrites(at('t', ids.at(-1)), [write('a', n)], 'x')
      ids.push(await put(saver, 't', { a: 1, n }, { parent: ids.at(-1)! }))
      await saver.putWrites(at('t', ids[0]), [write('late', n)], `late ${n}`)
      await put(saver, 't', { b: n }, { namespace: `sub:${n}` })
    }
    const events = (await collect(store.history('langgraph/t'))).slice(1)
    expect(events).toHaveLength(12)
    for (const { changes } of events) expect(changes.map(({ path }) => path)).not.toContain('')
  })

  test('costs the state an entry once there is a later one, and is still there', async () => {
    const { store, saver } = await start()
    const ids = [await put(saver, 't', { text: 'x'.repeat(10_000), n: 0 })]
    for (let n = 1; n <= 50; n++)
      ids.push(await put(saver, 't', { text: 'y'.repeat(10_000), n }, { parent: ids.at(-1)! }))
    const state = store.get('langgraph/t')
    expect(JSON.stringify(state).length).toBeLessThan(10_000 + 51 * 60 + 1_000)
    for (const [n, id] of ids.entries()) expect((await valuesAt(saver, 't', id))!.n).toBe(n)
    for (const name of Object.getOwnPropertyNames(Object.prototype))
      expect(await saver.getTuple(at('t', name))).toBeUndefined()
  })

  test('lies where the log has always had it', async () => {
    const { store, saver } = await start()
    for (const [n, id] of ['a', '1ef4f797-8335-6428-8001-8a1503f9b875', 'z'].entries())
      await saver.put(at('t'), { ...checkpointOf({}), id }, loop(n), {})
    expect(store.get('langgraph/t')).toMatchObject({
      langgraph: { format: 1, session: 'langgraph/t' },
      checkpoint: { id: 'z' },
      older: { p41: { a: 1 }, p32: { '1ef4f797-8335-6428-8001-8a1503f9b875': 2 } },
    })
  })

  test('comes back as the serde gives it, from memory and from the log', async () => {
    const { store, saver } = await start()
    const rich = {
      map: new Map([['a', new Set([1])]]),
      nothing: undefined,
      error: new Error('no'),
      bytes: new Uint8Array([0, 255]),
      delta: new DeltaSnapshot([1]),
      nested: { bytes: new Uint8Array([7]), type: 'json' },
      text: '\u{1f600} \ud800',
    }
    const id = await put(saver, 't', { ...rich, one: rich })
    const model = new JsonPlusSerializer()
    const expected: Record<string, unknown> = {}
    for (const [key, value] of Object.entries({ ...rich, one: rich }))
      expected[key] = await model.loadsTyped(...(await model.dumpsTyped(value)))
    expect(await valuesAt(saver, 't')).toEqual(expected)
    await put(saver, 't', {}, { parent: id })
    const again = new SessionlogSaver({ store: await reopen(store) })
    expect(await valuesAt(again, 't', id)).toEqual(expected)
  })

  test('gives a serde the very bytes that it gave, JSON or not', async () => {
    const given = [
      '{"n":12345678901234567890}',
      '{ "a": 1 }',
      '-0',
      '\ufeff{}',
      'no JSON',
      '{"b":1,"a":"\ufffd"}',
      'null',
      '{"__proto__":1}',
      '{"2":1,"1":2}',
    ]
    const invalid = Buffer.from([0x22, 0xff, 0x22])
    const serde: SerializerProtocol = {
      dumpsTyped: async value => [
        'json',
        value === 'invalid'
          ? invalid
          : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
      ],
      loadsTyped: async (_, data) => Buffer.from(data as Uint8Array).toString('latin1'),
    }
    const { saver } = await start({ serde })
    await put(saver, 't', Object.fromEntries(given.map((text, n) => [`v${n}`, text])))
    const expected = given.map((text, n) => [`v${n}`, Buffer.from(text).toString('latin1')])
    expect(await valuesAt(saver, 't')).toEqual(Object.fromEntries(expected))
    await put(saver, 'u', { invalid: 'invalid' })
    expect(await valuesAt(saver, 'u')).toEqual({ invalid: invalid.toString('latin1') })
  })

  test("is what the caller had at the call, and what is given out is the caller's own", async () => {
    const { saver } = await start()
    const checkpoint = checkpointOf({ list: [1] })
    const saved = saver.put(at('t'), checkpoint, loop(0), checkpoint.channel_versions)
    ;(checkpoint.channel_values.list as number[]).push(2)
    checkpoint.channel_versions.list = 9
    await saved
    const tuple = (await saver.getTuple(at('t')))!
    expect([tuple.checkpoint.channel_values.list, tuple.checkpoint.channel_versions.list]).toEqual([[1], 1])
    ;(tuple.checkpoint.channel_values.list as number[]).push(3)
    tuple.checkpoint.channel_versions.list = 7
    expect((await saver.getTuple(at('t')))!.checkpoint).toMatchObject({
      channel_values: { list: [1] },
      channel_versions: { list: 1 },
    })
  })

  test('takes from its parent what did not change, and from the caller what the parent has not', async () => {
    const { saver } = await start()
    const first = await put(saver, 't', { same: 'kept', other: 'old' })
    const second = checkpointOf({ same: 'not looked at', other: 'given', late: 'given' }, { other: 2 })
    await saver.put(at('t', first), second, loop(1), {})
    const expected = { same: 'kept', other: 'given', late: 'given' }
    expect(await valuesAt(saver, 't')).toEqual(expected)
    const third = checkpointOf({ same: 'looked at', nobody: 'said so' }, { nobody: 3 })
    await saver.put(at('t'), third, loop(2), {})
    expect(await valuesAt(saver, 't')).toEqual({ same: 'looked at' })
  })

  test('keeps names that JavaScript gives a meaning', async () => {
    const { saver, store } = await start()
    const names = ['__proto__', 'constructor', 'toString']
    const odd = (value: unknown) => Object.fromEntries(names.map(name => [name, value]))
    for (const name of names) {
      const id = await put(saver, name, odd(name), { namespace: name })
      await saver.putWrites(at(name, id, name), [write('constructor', 1), write('__proto__', 2)], name)
      await put(saver, name, odd(0), { namespace: name, parent: id })
      const again = new SessionlogSaver({ store })
      expect(Object.entries((await valuesAt(again, name, id, name))!)).toEqual(names.map(key => [key, name]))
      expect(await writesAt(again, name, id, name)).toEqual([
        [name, 'constructor', 1],
        [name, '__proto__', 2],
      ])
      expect(await valuesAt(again, name)).toBeUndefined()
      expect(await valuesAt(again, name, 'toString')).toBeUndefined()
    }
    expect(Object.keys({})).toEqual([])
  })
})

describe('writes', () => {
  test('are kept once a task and place, but the last of a special channel', async () => {
    const { saver } = await start()
    const id = await put(saver, 't', {})
    await saver.putWrites(at('t', id), [write('a', 1), write('__interrupt__', 'first')], 'task')
    await saver.putWrites(
      at('t', id),
      [write('a', 2), write('__interrupt__', 'second'), write('b', 3)],
      'task',
    )
    expect(await writesAt(saver, 't')).toEqual([
      ['task', '__interrupt__', 'second'],
      ['task', 'a', 1],
      ['task', 'b', 3],
    ])
  })

  test('belong to their checkpoint, whether they come before it or after a later one', async () => {
    const { saver, store } = await start()
    const [first, second] = [checkpointOf({}), checkpointOf({})]
    await saver.putWrites(at('t', first.id), [write('a', 'early')], 't1')
    expect(await saver.getTuple(at('t', first.id))).toBeUndefined()
    await saver.put(at('t'), first, loop(0), {})
    await saver.put(at('t', first.id), second, loop(1), {})
    await saver.putWrites(at('t', first.id), [write('a', 'late')], 't2')
    expect(store.get('langgraph/t')!.late).toMatchObject({ id: first.id })
    await saver.putWrites(at('t', second.id), [write('b', 1)], 't1')
    const again = new SessionlogSaver({ store: await reopen(store) })
    expect(await writesAt(again, 't', first.id)).toEqual([
      ['t1', 'a', 'early'],
      ['t2', 'a', 'late'],
    ])
    expect(await writesAt(again, 't')).toEqual([['t1', 'b', 1]])
  })

  test('of many callers at once are all kept, in two processes', async () => {
    const dir = temporary()
    const owner = await create<ThreadState>({ dir })
    const follower = await create<ThreadState>({ dir, role: 'follower' })
    const savers = [owner, follower].map(store => new SessionlogSaver({ store }))
    const id = await put(savers[0]!, 't', {})
    const tasks = Array.from({ length: 40 }, (_, n) => `task ${String(n).padStart(2, '0')}`)
    await Promise.all(tasks.map((task, n) => savers[n % 2]!.putWrites(at('t', id), [write('a', n)], task)))
    const expected = tasks.map((task, n) => [task, 'a', n])
    for (const saver of savers) expect(await writesAt(saver, 't')).toEqual(expected)
    const ids = await Promise.all(tasks.map((_, n) => put(savers[n % 2]!, 't', { n }, { parent: id })))
    for (const saver of savers)
      for (const [n, each] of ids.entries()) expect(await valuesAt(saver, 't', each)).toEqual({ n })
    expect(await collect(savers[1]!.list(at('t')))).toHaveLength(41)
    expect(owner.version('langgraph/t')).toBe(81)
  })
})

describe('a thread', () => {
  test('that was deleted is gone, begins again, and has its history', async () => {
    const { saver, store } = await start()
    const id = await put(saver, 't', { n: 1 })
    await put(saver, 'other', { n: 2 })
    await saver.deleteThread('t')
    await saver.deleteThread('never')
    expect([await saver.getTuple(at('t')), await saver.getTuple(at('t', id))]).toEqual([undefined, undefined])
    expect((await collect(saver.list({}))).map(({ config }) => config.configurable!.thread_id)).toEqual([
      'other',
    ])
    const next = await put(saver, 't', { n: 3 })
    expect((await collect(saver.list(at('t')))).map(({ checkpoint }) => checkpoint.id)).toEqual([next])
    expect((await collect(store.history('langgraph/t'))).map(({ type }) => type)).toEqual([
      'checkpointed',
      'deleted',
      'checkpointed',
    ])
    expect(stateOf(await store.stateAt('langgraph/t', { version: 1 })).values).toEqual({ n: 1 })
  })

  test('shares a store with others, and is taken for none of them', async () => {
    const { store, saver } = await start()
    await store.save('t', { cart: [] } as never)
    const other = new SessionlogSaver({ store, prefix: 'agents:' })
    await put(saver, 't', { n: 1 })
    await put(other, 't', { n: 2 })
    expect([await valuesAt(saver, 't'), await valuesAt(other, 't')]).toEqual([{ n: 1 }, { n: 2 }])
    expect(await collect(saver.list({}))).toHaveLength(1)
    await store.save('langgraph/cart', { items: [] } as never)
    expect(await codeOf(() => saver.getTuple(at('cart')))).toBe('SESSIONLOG_FORMAT_UNSUPPORTED')
    expect(await codeOf(() => put(saver, 'cart', {}))).toBe('SESSIONLOG_FORMAT_UNSUPPORTED')
    expect(await codeOf(() => collect(saver.list({})))).toBe('SESSIONLOG_FORMAT_UNSUPPORTED')
    expect(store.get('langgraph/cart')).toEqual({ items: [] })
  })

  test('can be sent as a bundle, and is whole under another name', async () => {
    const { saver, store } = await start()
    const ids = [await put(saver, 't', { n: 0 })]
    for (let n = 1; n < 4; n++) ids.push(await put(saver, 't', { n }, { parent: ids.at(-1)! }))
    const file = `${temporary()}/thread.slog`
    await store.exportBundle('langgraph/t', { file })
    const elsewhere = await create<ThreadState>()
    await elsewhere.importBundle(file, { as: 'langgraph/theirs' })
    const there = new SessionlogSaver({ store: elsewhere })
    await put(there, 'theirs', { n: 9 }, { parent: ids.at(-1)! })
    for (const [n, id] of ids.entries()) expect(await valuesAt(there, 'theirs', id)).toEqual({ n })
  })

  test('without the pruned part of its history says so', async () => {
    const store = await create<ThreadState>({ prune: { keepLast: 2 } })
    const saver = new SessionlogSaver({ store })
    const ids = [await put(saver, 't', { n: 0 })]
    for (let n = 1; n < 30; n++)
      ids.push(await put(saver, 't', { n, text: 'x'.repeat(n) }, { parent: ids.at(-1)! }))
    await store.archive({ keepLast: 2 })
    expect((await store.prune()).events).toBeGreaterThan(0)
    expect(await codeOf(() => saver.getTuple(at('t', ids[0])))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect(await codeOf(() => collect(saver.list(at('t'))))).toBe('SESSIONLOG_VERSION_NOT_FOUND')
    expect((await valuesAt(saver, 't'))!.n).toBe(29)
    expect(await valuesAt(saver, 't', await put(saver, 't', { n: 30 }, { parent: ids[0]! }))).toEqual({
      n: 30,
    })
  })

  test('whose log is damaged says so where it is, and nowhere else', async () => {
    const { saver, store } = await start()
    const ids = [await put(saver, 't', { text: 'UNIQUE-MARK' })]
    for (let n = 1; n < 4; n++)
      ids.push(await put(saver, 't', { text: `${n}`.repeat(40) }, { parent: ids.at(-1)! }))
    await store.compact()
    await store.close()
    await damage(directoryOf(store as never), 'UNIQUE-MARK')
    const again = new SessionlogSaver({ store: await reopen(store) })
    expect(await codeOf(() => again.getTuple(at('t', ids[0])))).toBe('SESSIONLOG_CORRUPTION')
    expect(await codeOf(() => collect(again.list(at('t'))))).toBe('SESSIONLOG_CORRUPTION')
    expect((await valuesAt(again, 't'))!.text).toBe('3'.repeat(40))
    await put(again, 't', { text: 'goes on' }, { parent: ids[0]! })
    expect((await valuesAt(again, 't'))!.text).toBe('goes on')
  })
})

describe('who did it', () => {
  test('is what the option says, or the context where it says nothing', async () => {
    const told: unknown[] = []
    const actor = (each: {
      kind: string
      nodes: readonly string[]
      config?: { configurable?: Record<string, unknown> }
    }): Actor | undefined => {
      told.push([each.kind, each.nodes])
      return each.config?.configurable?.user as string | undefined
    }
    const { store, saver } = await start({ actor })
    const checkpoint = checkpointOf({})
    await saver.put({ configurable: { thread_id: 't', user: 'ada' } }, checkpoint, loop(0), {})
    await withContext({ actor: 'bob' }, () =>
      saver.putWrites(at('t', checkpoint.id), [write('a', 1)], 'x', '~__pregel_pull, agent'),
    )
    await withContext({ actor: 'eve' }, () => saver.deleteThread('t'))
    expect((await collect(store.history('langgraph/t'))).map(event => event.actor)).toEqual([
      'ada',
      'bob',
      'eve',
    ])
    expect(told).toEqual([
      ['checkpoint', []],
      ['writes', ['agent']],
      ['delete', []],
    ])
  })

  test('is always told where the store asks for actors and reasons', async () => {
    const store = await create<ThreadState>({ requireActor: true, requireReason: true })
    const saver = new SessionlogSaver({ store })
    const id = await put(saver, 't', {})
    await saver.putWrites(at('t', id), [write('a', 1)], 'x')
    await saver.deleteThread('t')
    expect(store.version('langgraph/t')).toBe(3)
  })
})

test('wrong arguments are named', async () => {
  const { store, saver } = await start()
  const wrong: [() => unknown, string][] = [
    [() => new SessionlogSaver(undefined as never), 'options'],
    [() => new SessionlogSaver({ store: {} as never }), 'store'],
    [() => new SessionlogSaver({ store, prefix: 1 as never }), 'prefix'],
    [() => new SessionlogSaver({ store, actor: 1 as never }), 'actor'],
    [() => saver.put({ configurable: {} }, checkpointOf({}), loop(0), {}), 'thread_id'],
    [() => saver.getTuple({ configurable: { thread_id: 7 } }), 'thread_id'],
    [async () => new SessionlogSaver({ store, prefx: 'a' } as never), 'prefx'],
    [() => saver.deleteThread(''), 'thread_id'],
    [() => saver.getTuple({ configurable: { thread_id: 't', checkpoint_ns: 7 } }), 'checkpoint_ns'],
    [() => saver.putWrites(at('t'), [write('a', 1)], 'x'), 'checkpoint_id'],
    [() => saver.put(at('x'.repeat(1020)), checkpointOf({}), loop(0), {}), 'sessionId'],
  ]
  for (const [call, path] of wrong)
    expect(await failureOf(call)).toMatchObject({
      name: 'SessionlogTypeError',
      code: 'SESSIONLOG_INVALID_ARGUMENT',
      path,
    })
  expect(store.position).toBe(0)
})

test('a store that is closed is so for the saver, too', async () => {
  const { store, saver } = await start()
  await store.close()
  expect(await codeOf(() => saver.getTuple(at('t')))).toBe('SESSIONLOG_NOT_OPEN')
  expect(await codeOf(() => put(saver, 't', {}))).toBe('SESSIONLOG_NOT_OPEN')
})
