import {
  Agent,
  type AgentInputItem,
  isRunContextAwareSession,
  isSessionHistoryRewriteAwareSession,
  isSessionHistoryTransactionAwareSession,
  MemorySession,
  type Model,
  type ModelRequest,
  type RunContextAwareSession,
  Runner,
  type Session,
  type SessionHistoryRewriteAwareSession,
  type SessionHistoryTransactionAwareSession,
  tool,
  Usage,
} from '@openai/agents-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type AgentHistory, SessionlogSession } from '../../../src/adapters/openai-agents.ts'
import { type SessionStore, VersionConflictError } from '../../../src/index.ts'
import { inChild } from '../../support/child.ts'
import { killAfter } from '../../support/killed-module.ts'
import { codeOf, collect } from '../../support/outcome.ts'
import { create, directoryOf, reopen, temporary } from '../../support/store.ts'
import { StoreProcess } from '../../support/workers.ts'

type Transaction = Parameters<SessionlogSession['applyHistoryTransaction']>[0]

const user = (text: string): AgentInputItem => ({ type: 'message', role: 'user', content: text })
const call = (callId: string, args: string): AgentInputItem & { type: 'function_call' } => ({
  type: 'function_call',
  callId,
  name: 'look',
  arguments: args,
  status: 'completed',
})
const append = (operationId: string, ...items: AgentInputItem[]): Transaction => ({
  operationId,
  transaction: { type: 'append_items', items },
})
const replace = (operationId: string, expectedSuffix: AgentInputItem[], replacement: AgentInputItem[]) => ({
  operationId,
  transaction: { type: 'replace_suffix' as const, expectedSuffix, replacement },
})

async function open(sessionId = 'chat') {
  const store = await create<AgentHistory>()
  return { store, session: new SessionlogSession({ store, sessionId, actor: 'ada' }) }
}

async function types(store: SessionStore<AgentHistory>, id = 'chat'): Promise<string[]> {
  return (await collect(store.history(id))).map(event => event.type)
}

test('it is a Session of the SDK, by its types and by its own guards', async () => {
  const { session } = await open()
  session satisfies Session
  session satisfies RunContextAwareSession
  session satisfies SessionHistoryRewriteAwareSession
  session satisfies SessionHistoryTransactionAwareSession
  expect(isRunContextAwareSession(session)).toBe(true)
  expect(isSessionHistoryRewriteAwareSession(session)).toBe(true)
  expect(isSessionHistoryTransactionAwareSession(session)).toBe(true)
  expect(await session.getSessionId()).toBe('chat')
})

describe('as MemorySession does', () => {
  const items = fc.array(
    fc.oneof(
      fc.constantFrom('a', 'b', 'ü\ud800').map(user),
      fc.tuple(fc.constantFrom('c1', 'c2'), fc.constantFrom('1', '2')).map(([id, args]) => call(id, args)),
      fc.uint8Array({ maxLength: 3 }).map(bytes => ({ ...user('b'), providerData: { bytes } })),
      fc.constant({
        ...user('n'),
        providerData: { zero: -0, not: undefined, ['__proto__']: { deep: [null] } },
      }),
    ),
    { maxLength: 3 },
  )
  const operationId = fc.constantFrom('1', '2', '__proto__', 'x'.repeat(2000))
  const operations = fc.array(
    fc.oneof(
      { arbitrary: items.map(given => ['addItems', given] as const), weight: 3 },
      fc.constant(['popItem'] as const),
      { arbitrary: fc.constant(['clearSession'] as const), weight: 1 },
      fc
        .option(fc.integer({ min: -1, max: 5 }), { nil: undefined })
        .map(limit => ['getItems', limit] as const),
      fc
        .tuple(operationId, items)
        .map(([id, given]) => ['applyHistoryTransaction', append(id, ...given)] as const),
      fc
        .tuple(operationId, fc.nat(3), items, fc.boolean())
        .map(([id, count, given, wrong]) => ['replaceSuffix', id, count, given, wrong] as const),
      fc
        .tuple(fc.constantFrom('c1', 'c2', 'c3'), fc.constantFrom('3', '4'))
        .map(([id, args]) => ['rewrite', id, args] as const),
      fc.constant(['reopen'] as const),
    ),
    { maxLength: 15 },
  )

  test('any operations give the same answers, refusals and items, also of a store that was reopened', async () => {
    let store = await create<AgentHistory>()
    let runs = 0
    await fc.assert(
      fc.asyncProperty(operations, async list => {
        const sessionId = `chat-${runs++}`
        const model = new MemorySession({ sessionId })
        let session = new SessionlogSession({ store, sessionId })
        for (const operation of list) {
          if (operation[0] === 'reopen') {
            store = await reopen(store)
            session = new SessionlogSession({ store, sessionId })
            continue
          }
          const known = await model.getItems()
          const run = async (target: MemorySession | SessionlogSession): Promise<unknown> => {
            if (operation[0] === 'replaceSuffix') {
              const [, id, count, given, wrong] = operation
              const suffix = known.slice(Math.max(known.length - count, 0)).map(reordered)
              return target.applyHistoryTransaction(
                replace(id, wrong ? [...suffix, user('?')] : suffix, given),
              )
            }
            if (operation[0] === 'rewrite') {
              const replacement = call(operation[1], operation[2])
              const mutation = { type: 'replace_function_call' as const, callId: operation[1], replacement }
              return target.applyHistoryMutations({ mutations: [mutation] })
            }
            const method = target[operation[0]] as (arg?: unknown) => Promise<unknown>
            return method.call(target, operation[1])
          }
          const [expected, actual] = await Promise.all(
            [model, session].map(target =>
              run(target).then(
                answer => ({ answer }),
                () => 'refused',
              ),
            ),
          )
          expect(actual).toStrictEqual(expected)
          expect(await session.getItems()).toStrictEqual(await model.getItems())
        }
      }),
      { numRuns: 150 },
    )
    expect((await store.verify()).problems).toEqual([])
  })

  test('what goes in and what comes out is a copy', async () => {
    const { session } = await open()
    const given = [call('c1', 'before')]
    const added = session.addItems(given)
    given[0]!.arguments = 'after'
    await added
    const [item] = (await session.getItems()) as [(typeof given)[0]]
    item!.arguments = 'mine'
    expect(await session.getItems()).toEqual([call('c1', 'before')])
    const popped = (await session.popItem()) as typeof item
    popped!.arguments = 'mine, too'
    expect(popped).toEqual(call('c1', 'mine, too'))
  })
})

/** The same item with its keys in another order. */
function reordered(item: AgentInputItem): AgentInputItem {
  return Object.fromEntries(Object.entries(item).reverse()) as AgentInputItem
}

describe('a transaction', () => {
  test('is applied once, also after a reopen, and is one event with its operation', async () => {
    const { store, session } = await open()
    await session.applyHistoryTransaction(append('op', user('a'), user('b')))
    await session.applyHistoryTransaction(append('op', user('a'), reordered(user('b'))))
    const again = await reopen(store)
    const later = new SessionlogSession({ store: again, sessionId: 'chat' })
    await later.applyHistoryTransaction(append('op', user('a'), user('b')))
    expect(await later.getItems()).toEqual([user('a'), user('b')])
    const events = await collect(again.history('chat'))
    expect(events).toMatchObject([{ type: 'history_transacted', data: { operationId: 'op' }, actor: 'ada' }])
  })

  test('of a known id with other content changes nothing', async () => {
    const { store, session } = await open()
    await session.applyHistoryTransaction(append('op', user('a')))
    expect(await codeOf(() => session.applyHistoryTransaction(append('op', user('b'))))).toBe(
      'SESSIONLOG_EVENT_ID_REUSED',
    )
    expect(await session.getItems()).toEqual([user('a')])
    expect(store.version('chat')).toBe(1)
  })

  test('that expects another suffix changes nothing, and its id may be used again', async () => {
    const { session } = await open()
    await session.addItems([user('a')])
    const wrong = replace('op', [user('b')], [])
    await expect(session.applyHistoryTransaction(wrong)).rejects.toBeInstanceOf(VersionConflictError)
    expect(await codeOf(() => session.applyHistoryTransaction(wrong))).toBe('SESSIONLOG_VERSION_CONFLICT')
    await session.applyHistoryTransaction(replace('op', [user('a')], [user('c')]))
    expect(await session.getItems()).toEqual([user('c')])
  })

  test.each([
    [{ operationId: ' ', transaction: { type: 'append_items', items: [] } }, 'operationId'],
    [{ operationId: 'op', transaction: { type: 'other' } }, 'transaction/type'],
    [{ operationId: 'op', transaction: { type: 'append_items', items: 'x' } }, 'transaction'],
  ])('%# that is none is refused', async (args, path) => {
    const { session } = await open()
    await expect(session.applyHistoryTransaction(args as never)).rejects.toMatchObject({
      code: 'SESSIONLOG_INVALID_ARGUMENT',
      path,
    })
  })
})

test('what cannot be kept is refused with its path, and nothing changes', async () => {
  const { store, session } = await open()
  const item = { ...user('a'), providerData: { at: /x/ } }
  await expect(session.addItems([item as never])).rejects.toMatchObject({
    code: 'SESSIONLOG_INVALID_STATE',
    path: '/items/0/providerData/at',
  })
  expect(store.version('chat')).toBe(0)
})

test('calls that nobody awaits happen in their order, each visible at once', async () => {
  const { store, session } = await open()
  const calls = [session.addItems([user('a')]), session.addItems([user('b')]), session.popItem()]
  expect(store.get('chat')?.items).toEqual([user('a')])
  await Promise.all([...calls, session.addItems([user('c')])])
  expect(await session.getItems()).toEqual([user('a'), user('c')])
})

test('a compaction replaces the history in one event, and the ids of transactions stay known', async () => {
  const { store, session } = await open()
  await session.applyHistoryTransaction(append('op', user('a'), user('b')))
  const marker: AgentInputItem = { type: 'compaction', encrypted_content: 'x' } as never
  await session.replaceHistoryWithCompaction([marker, user('b')])
  await session.applyHistoryTransaction(append('op', user('a'), user('b')))
  expect(await session.getItems()).toEqual([marker, user('b')])
  expect(await types(store)).toEqual(['history_transacted', 'history_compacted'])
})

test('clearing keeps the history, and clears once', async () => {
  const { store, session } = await open()
  await session.addItems([user('a')])
  await session.clearSession()
  await session.clearSession()
  expect(await session.getItems()).toEqual([])
  expect(store.has('chat')).toBe(false)
  expect(await types(store)).toEqual(['items_added', 'session_cleared'])
  expect(await store.stateAt('chat', { version: 1 })).toEqual({ items: [user('a')] })
})

test('a session of other things is not taken for an empty history', async () => {
  const store = await create<object>()
  await store.save('cart', { total: 1 })
  const session = new SessionlogSession({ store, sessionId: 'cart' })
  expect(await codeOf(() => session.getItems())).toBe('SESSIONLOG_INVALID_STATE')
  expect(await codeOf(() => session.addItems([user('a')]))).toBe('SESSIONLOG_INVALID_STATE')
  expect(store.get('cart')).toEqual({ total: 1 })
})

test.each([
  [{}, 'store'],
  [{ store: {} }, 'store'],
  [null, 'options'],
  [{ stroe: 1 }, 'stroe'],
])('wrong options are refused: %j', (options, path) => {
  expect(() => new SessionlogSession(options as never)).toThrow(
    expect.objectContaining({ code: 'SESSIONLOG_INVALID_ARGUMENT', path }),
  )
})

/** A model that says what the script has next, and keeps what it was asked. */
class ScriptedModel implements Model {
  readonly asked: ModelRequest[] = []
  readonly #script: AgentInputItem[]

  constructor(...script: AgentInputItem[]) {
    this.#script = script
  }

  async getResponse(request: ModelRequest) {
    this.asked.push(structuredClone({ input: request.input }) as ModelRequest)
    const item = this.#script.shift()
    if (item === undefined) throw new Error('The line is dead')
    return { usage: new Usage(), output: [item as never] }
  }

  // biome-ignore lint/correctness/useYield: nobody streams.
  async *getStreamedResponse(): AsyncGenerator<never> {
    throw new Error('Nobody streams here')
  }
}

const says = (text: string): AgentInputItem => ({
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text }],
})

test('the SDK runs an agent over it: crashed in the middle, the next run knows all that was said', async () => {
  const { store } = await open()
  const look = tool({
    name: 'look',
    description: 'Looks into the tea caddy.',
    parameters: z.object({}),
    execute: async () => '3 bags',
  })
  const actor = (runContext?: { context: unknown }) => (runContext?.context as { user: string }).user
  const runner = new Runner({ tracingDisabled: true })
  const run = async (model: Model, store: SessionStore<AgentHistory>, input: string) => {
    const agent = new Agent({ name: 'host', model, tools: [look] })
    const session = new SessionlogSession({ store, sessionId: 'chat', actor })
    return runner.run(agent, input, { session, context: { user: 'ada' } })
  }
  const first = await run(new ScriptedModel(call('c1', '{}'), says('There are 3.')), store, 'How much tea?')
  expect(first.finalOutput).toBe('There are 3.')
  await expect(run(new ScriptedModel(call('c2', '{}')), store, 'And now?')).rejects.toThrow('dead')

  const again = await reopen(store)
  const left = again.get('chat')!.items
  const model = new ScriptedModel(says('Still 3.'))
  const second = await run(model, again, 'Hello?')
  expect(second.finalOutput).toBe('Still 3.')
  expect(model.asked[0]!.input).toEqual([...left, user('Hello?')])
  expect(left.map(item => item.type)).toEqual(
    expect.arrayContaining(['message', 'function_call', 'function_call_result']),
  )
  const [blamed] = await collect(again.blame('chat', '/items/0'))
  expect(blamed).toMatchObject({ actor: 'ada', version: 1 })
  expect((await again.verify()).problems).toEqual([])
})

const CHILD = (dir: string) => `
  import { openStore } from '/src/index.ts'
  import { SessionlogSession } from '/src/adapters/openai-agents.ts'
  const store = await openStore({ dir: ${JSON.stringify(dir)}, compactEvery: 0 })
  const session = new SessionlogSession({ store, sessionId: 'chat', actor: 'child' })
  const user = text => ({ type: 'message', role: 'user', content: text })
  const append = (operationId, ...items) => ({ operationId, transaction: { type: 'append_items', items } })
`

test('two processes: each item and each operation is there once, and each sees what the other was told', async () => {
  const { store, session } = await open()
  const child = inChild(`${CHILD(directoryOf(store as never))}
    for (let n = 0; n < 30; n++) {
      await session.addItems([user('child ' + n)])
      await session.applyHistoryTransaction(append('op ' + n, user('op ' + n)))
    }
    await session.addItems([user('to pop')])
    const items = (await session.getItems()).map(item => item.content)
    console.log(JSON.stringify({ items, known: store.version('chat') }))
    await store.close()`)
  for (let n = 0; n < 30; n++) {
    await session.addItems([user(`here ${n}`)])
    await session.applyHistoryTransaction(append(`op ${n}`, user(`op ${n}`)))
  }
  const { code, stdout, stderr } = await child
  expect(stderr).toBe('')
  expect(code).toBe(0)
  const texts = (await session.getItems()).map(item => (item as { content: string }).content)
  const numbered = (name: string) => Array.from({ length: 30 }, (_, n) => `${name} ${n}`)
  const all = ['child', 'here', 'op'].flatMap(numbered)
  expect(JSON.parse(stdout).items.slice(0, -1)).toEqual(expect.arrayContaining(numbered('child')))
  expect([...texts].sort()).toEqual([...all, 'to pop'].sort())
  expect(texts.filter(text => text.startsWith('child'))).toEqual(numbered('child'))
  const actors = new Set((await collect(store.history('chat'))).map(event => event.actor))
  expect(actors).toEqual(new Set(['ada', 'child']))
})

test('two processes pop: each item is given out once', async () => {
  const { store, session } = await open()
  await session.addItems(Array.from({ length: 40 }, (_, n) => user(String(n))))
  const pop = `
    const popped = []
    for (let item = await session.popItem(); item; item = await session.popItem()) popped.push(item.content)
    console.log(JSON.stringify(popped))
    await store.close()`
  const children = [0, 1].map(() => inChild(CHILD(directoryOf(store as never)) + pop))
  const popped: string[] = []
  for (let item = await session.popItem(); popped.length < 10; item = await session.popItem())
    popped.push((item as { content: string }).content)
  if (popped.length > 10) throw new Error('Popped too often')
  const outcomes = await Promise.all(children)
  for (const { stdout, stderr } of outcomes) {
    expect(stderr).toBe('')
    popped.push(...(JSON.parse(stdout) as string[]))
  }
  expect(new Set(popped).size).toBe(popped.length)
  expect(await session.getItems()).toEqual([])
})

test('a process that is killed leaves every item that was acknowledged', async () => {
  const dir = temporary()
  const printed = await killAfter<{ n: number }>(
    25,
    `${CHILD(dir)}
    for (let n = 0; ; n++) {
      if (n % 2) await session.addItems([user('n' + n)])
      else await session.applyHistoryTransaction(append('op' + n, user('n' + n)))
      console.log(JSON.stringify({ n }))
    }`,
  )
  const store = await create<AgentHistory>({ dir })
  const session = new SessionlogSession({ store, sessionId: 'chat' })
  const last = printed.at(-1)!.n
  const before = (await session.getItems()).length
  expect(before).toBeGreaterThanOrEqual(last + 1)
  // Whether the one under way was recorded nobody knows: trying again does it once.
  for (let n = 0; n < before; n += 2) await session.applyHistoryTransaction(append(`op${n}`, user(`n${n}`)))
  const items = await session.getItems()
  expect(items).toEqual(Array.from({ length: before }, (_, n) => user(`n${n}`)))
  expect((await store.verify()).problems).toEqual([])
})

describe('a follower that has not heard yet', () => {
  async function both() {
    const { store, session } = await open()
    await session.addItems([user('a'), user('b')])
    const dir = directoryOf(store as never)
    const follower = await create<AgentHistory>({ dir, role: 'follower' })
    return { session, follower, followed: new SessionlogSession({ store: follower, sessionId: 'chat' }) }
  }

  test('reads what was acknowledged', async () => {
    const { session, follower, followed } = await both()
    await session.addItems([user('c')])
    expect(follower.get('chat')?.items).toHaveLength(2)
    expect(await followed.getItems()).toHaveLength(3)
  })

  test('compares a suffix, and the id of an operation, with what was acknowledged', async () => {
    const { session, follower, followed } = await both()
    await session.addItems([user('c')])
    expect(follower.get('chat')?.items).toHaveLength(2)
    const operation = replace('op', [user('b'), user('c')], [user('d')])
    await followed.applyHistoryTransaction(operation)
    await session.applyHistoryTransaction(operation)
    expect(await session.getItems()).toEqual([user('a'), user('d')])
    expect(await session.popItem()).toEqual(user('d'))
    await followed.applyHistoryTransaction(operation)
    expect(await followed.getItems()).toEqual([user('a')])
  })

  test('refuses what does not fit what another process did at the same time', async () => {
    const { session, followed } = await both()
    const outcomes = await Promise.all([
      codeOf(() => followed.applyHistoryTransaction(replace('op', [user('b')], [user('c')]))),
      session.addItems([user('d')]),
    ])
    expect(outcomes[0]).toBe('SESSIONLOG_VERSION_CONFLICT')
    expect(await followed.getItems()).toEqual([user('a'), user('b'), user('d')])
  })

  test('pops another item than who pops at the same time, and adds what was given', async () => {
    const { session, followed } = await both()
    const popped = await Promise.all([followed.popItem(), session.popItem()])
    expect(popped).toEqual([user('a'), user('b')])
    const given = [call('c1', 'before')]
    const added = [followed.addItems(given), session.addItems([user('c')])]
    given[0]!.arguments = 'after'
    await Promise.all(added)
    expect(await session.getItems()).toEqual(expect.arrayContaining([call('c1', 'before'), user('c')]))
  })
})

test('an owner that is killed takes nothing with it: its follower goes on, and each operation is there once', async () => {
  const dir = temporary()
  const owner = await StoreProcess.open(dir)
  const store = await create<AgentHistory>({ dir })
  expect((await store.stats()).role).toBe('follower')
  const session = new SessionlogSession({ store, sessionId: 'chat' })
  await session.addItems([user('first')])
  const operations = Array.from({ length: 40 }, (_, n) => append(`op ${n}`, user(`op ${n}`)))
  const done = operations.map(operation => session.applyHistoryTransaction(operation))
  await done[0]
  await owner.kill()
  await Promise.all(done)
  for (const operation of operations) await session.applyHistoryTransaction(operation)
  expect((await store.stats()).role).toBe('owner')
  expect(await session.getItems()).toEqual([user('first'), ...operations.map((_, n) => user(`op ${n}`))])
  expect((await store.verify()).problems).toEqual([])
})
