import {
  convertToModelMessages,
  readUIMessageStream,
  simulateReadableStream,
  streamText,
  type UIMessage,
  validateUIMessages,
} from 'ai'
import { MockLanguageModelV3 } from 'ai/test'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type ChatState, type ChatStore, createChatStore } from '../../../src/adapters/ai-sdk.ts'
import type { SessionStore } from '../../../src/index.ts'
import { inChild } from '../../support/child.ts'
import { killAfter } from '../../support/killed-module.ts'
import { codeOf, collect } from '../../support/outcome.ts'
import { create, directoryOf, reopen, temporary } from '../../support/store.ts'

const says = (id: string, text: string, role: UIMessage['role'] = 'user'): UIMessage => ({
  id,
  role,
  parts: [{ type: 'text', text }],
})

async function open() {
  const store = await create<ChatState>()
  return { store, chats: createChatStore({ store, actor: 'app' }) }
}

/** A model that says these words, one by one. `hang` leaves the stream open after the last one. */
function scripted(words: readonly string[], hang = false) {
  const deltas = words.map(delta => ({ type: 'text-delta' as const, id: 't', delta }))
  const tokens = { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 }
  const end = [
    { type: 'text-end' as const, id: 't' },
    {
      type: 'finish' as const,
      finishReason: { unified: 'stop' as const, raw: undefined },
      usage: { inputTokens: tokens, outputTokens: { total: 1, text: 1, reasoning: 0 } },
    },
  ]
  const start = [
    { type: 'stream-start' as const, warnings: [] },
    { type: 'text-start' as const, id: 't' },
  ]
  return new MockLanguageModelV3({
    doStream: async ({ abortSignal }) => {
      if (!hang) return { stream: simulateReadableStream({ chunks: [...start, ...deltas, ...end] }) }
      const stream = new ReadableStream({
        start(controller) {
          for (const chunk of [...start, ...deltas]) controller.enqueue(chunk)
          abortSignal?.addEventListener('abort', () => controller.error(abortSignal.reason))
        },
      })
      return { stream }
    },
  })
}

/** What the SDK's guide has a server do with a message that came in. */
async function answer(
  chats: ChatStore,
  id: string,
  message: UIMessage,
  model: MockLanguageModelV3,
  signal?: AbortSignal,
) {
  const messages = await validateUIMessages({ messages: [...(await chats.loadChat(id)), message] })
  await chats.saveChat({ id, messages, activeStreamId: null, actor: 'ada' })
  const result = streamText({
    model,
    messages: await convertToModelMessages(messages),
    ...(signal && { abortSignal: signal }),
    onError: () => {},
  })
  const finished: Promise<unknown>[] = []
  let count = 0
  const stream = result.toUIMessageStream({
    originalMessages: messages,
    generateMessageId: () => `answer to ${message.id}${count++ ? '!' : ''}`,
    onFinish: ({ messages }) => {
      finished.push(chats.saveChat({ chatId: id, messages, activeStreamId: null, actor: 'model' }))
    },
  })
  await chats.saveChat({ id, activeStreamId: `stream of ${message.id}` })
  return { stream, finished }
}

async function drain(stream: ReadableStream): Promise<void> {
  for await (const _ of stream as unknown as AsyncIterable<unknown>);
}

test('a chat goes through the SDK: asked, streamed, saved, loaded, validated, and it says who said what', async () => {
  const { store, chats } = await open()
  const id = await chats.createChat()
  const { stream, finished } = await answer(chats, id, says('q1', 'Tea?'), scripted(['Yes', ', ', 'please.']))
  expect(await chats.activeStreamId(id)).toBe('stream of q1')
  await drain(stream)
  await Promise.all(finished)
  expect(finished).toHaveLength(1)
  expect(await chats.activeStreamId(id)).toBe(null)

  const again = await reopen(store)
  const messages = await createChatStore({ store: again }).loadChat(id)
  expect(await validateUIMessages({ messages })).toEqual(messages)
  expect(messages.map(message => [message.role, message.parts.at(-1)])).toEqual([
    ['user', { type: 'text', text: 'Tea?' }],
    ['assistant', expect.objectContaining({ type: 'text', text: 'Yes, please.' })],
  ])
  const events = await collect(again.history(id))
  expect(events.map(event => [event.type, event.actor])).toEqual([
    ['chat_created', 'app'],
    ['chat_saved', 'ada'],
    ['chat_saved', 'app'],
    ['chat_saved', 'model'],
  ])
  expect(JSON.stringify(events.at(-1)!.changes)).not.toContain('Tea?')
  expect(await collect(again.blame(id, '/messages/1'))).toMatchObject([{ actor: 'model' }])
  expect((await again.verify()).problems).toEqual([])
})

test('an answer that was cut off is kept as far as it came, and the next request goes on from it', async () => {
  const { store, chats } = await open()
  const id = await chats.createChat()
  const stop = new AbortController()
  const { stream, finished } = await answer(
    chats,
    id,
    says('q1', 'Tea?'),
    scripted(['Yes', ', '], true),
    stop.signal,
  )
  let heard = ''
  for await (const message of readUIMessageStream({ stream })) {
    heard = message.parts.map(part => (part.type === 'text' ? part.text : '')).join('')
    if (heard === 'Yes, ') stop.abort()
  }
  await Promise.all(finished)
  expect(heard).toBe('Yes, ')

  const later = createChatStore({ store: await reopen(store) })
  expect(await later.activeStreamId(id)).toBe(null)
  const model = scripted(['With milk.'])
  const next = await answer(later, id, says('q2', 'Go on.'), model)
  await drain(next.stream)
  await Promise.all(next.finished)
  expect(JSON.stringify(model.doStreamCalls[0]!.prompt)).toContain('Yes, ')
  expect((await later.loadChat(id)).map(message => message.id)).toEqual([
    'q1',
    'answer to q1',
    'q2',
    'answer to q2',
  ])
})

describe('two tabs', () => {
  test('that save what each of them knows: the last wins, and the log has both', async () => {
    const { store, chats } = await open()
    const id = await chats.createChat()
    await Promise.all([
      chats.saveChat({ id, messages: [says('a', 'from a')], actor: 'tab a' }),
      chats.saveChat({ id, messages: [says('b', 'from b')], actor: 'tab b' }),
    ])
    expect(await chats.loadChat(id)).toEqual([says('b', 'from b')])
    expect(await store.stateAt(id, { version: 2 })).toMatchObject({ messages: [says('a', 'from a')] })
  })

  test('that say which version they know: one of them is told, reads again, and nothing is overwritten', async () => {
    const { chats } = await open()
    const id = await chats.createChat()
    const add = async (name: string): Promise<number> => {
      for (let tries = 1; ; tries++) {
        const { messages, version } = await chats.readChat(id)
        try {
          await chats.saveChat({ id, messages: [...messages, says(name, name)], expectedVersion: version })
          return tries
        } catch (error) {
          expect((error as { code: string }).code).toBe('SESSIONLOG_VERSION_CONFLICT')
        }
      }
    }
    expect(Math.max(...(await Promise.all(['a', 'b', 'c'].map(add))))).toBeGreaterThan(1)
    expect((await chats.loadChat(id)).map(message => message.id).sort()).toEqual(['a', 'b', 'c'])
  })

  test('one that stops a stream does not end a newer one', async () => {
    const { chats } = await open()
    const id = await chats.createChat()
    await chats.saveChat({ id, activeStreamId: 'old' })
    const outcomes = [chats.endStream(id, 'old'), chats.saveChat({ id, activeStreamId: 'new' })]
    expect(await outcomes[0]).toBe(false)
    expect(await chats.activeStreamId(id)).toBe('new')
    expect(await Promise.all([chats.endStream(id, 'new'), chats.endStream(id, 'new')])).toContain(true)
    expect(await chats.activeStreamId(id)).toBe(null)
    expect(await chats.endStream('nobody', 'x')).toBe(false)
  })
})

describe('a chat', () => {
  test('that nobody knows is refused by reading, begun by saving, and has no stream', async () => {
    const { chats } = await open()
    expect(await codeOf(() => chats.loadChat('new'))).toBe('SESSIONLOG_SESSION_NOT_FOUND')
    expect(await chats.activeStreamId('new')).toBe(null)
    await chats.saveChat({ chatId: 'new', messages: [says('q', 'Hi')], expectedVersion: 0 })
    expect(await chats.readChat('new')).toEqual({
      id: 'new',
      messages: [says('q', 'Hi')],
      activeStreamId: null,
      version: 1,
    })
    expect(await codeOf(() => chats.saveChat({ id: 'newer', expectedVersion: 3 }))).toBe(
      'SESSIONLOG_VERSION_CONFLICT',
    )
  })

  test('that was deleted is not brought back by a stream that ends later', async () => {
    const { store, chats } = await open()
    const id = await chats.createChat()
    await chats.deleteChat(id, { actor: 'ada', reason: 'enough' })
    await chats.deleteChat(id)
    const late = chats.saveChat({ chatId: id, messages: [says('q', 'Hi')] })
    expect(await codeOf(() => late)).toBe('SESSIONLOG_SESSION_NOT_FOUND')
    expect(store.has(id)).toBe(false)
    expect(await collect(store.history(id))).toMatchObject([
      { type: 'chat_created' },
      { type: 'chat_deleted', actor: 'ada', reason: 'enough' },
    ])
  })

  test('stands beside other sessions, which are not taken for chats', async () => {
    const store = await create<object>()
    await store.save('cart', { total: 1 })
    const chats = createChatStore({
      store,
      prefix: 'chat/',
      generateId: () => '1',
      actor: id => `owner of ${id}`,
    })
    expect(await chats.createChat()).toBe('1')
    expect([...store.ids()]).toEqual(['cart', 'chat/1'])
    expect(await collect(store.history('chat/1'))).toMatchObject([{ actor: 'owner of 1' }])
    expect(await codeOf(() => chats.createChat())).toBe('SESSIONLOG_VERSION_CONFLICT')
    const all = createChatStore({ store })
    expect(await codeOf(() => all.loadChat('cart'))).toBe('SESSIONLOG_INVALID_STATE')
    expect(await codeOf(() => all.saveChat({ id: 'cart', messages: [] }))).toBe('SESSIONLOG_INVALID_STATE')
    expect(store.get('cart')).toEqual({ total: 1 })
  })

  test('what comes out is what JSON says of what went in, and a copy', async () => {
    const { chats } = await open()
    const data = fc.record({
      metadata: fc.oneof(
        fc.jsonValue(),
        fc.constant({ at: new Date(0), gone: undefined, list: [undefined], not: Number.NaN, zero: -0 }),
      ),
      parts: fc.array(fc.record({ type: fc.constant('data-x' as const), data: fc.jsonValue() })),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(data, { maxLength: 4 }),
        fc.array(data, { maxLength: 4 }),
        async (...saves) => {
          for (const save of saves) {
            const messages = save.map((each, n) => ({
              ...each,
              id: String(n),
              role: 'user' as const,
            })) as UIMessage[]
            const text = JSON.stringify(messages)
            const saved = chats.saveChat({ id: 'c', messages })
            messages.length = 0
            await saved
            const loaded = await chats.loadChat('c')
            expect(loaded).toStrictEqual(JSON.parse(text))
            for (const message of loaded) message.parts.length = 0
            expect(await chats.loadChat('c')).toStrictEqual(JSON.parse(text))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('what was saved passes the validation of its metadata', async () => {
    const { chats } = await open()
    const metadata = { at: new Date(0).toISOString(), tokens: 3 }
    await chats.saveChat({ id: 'c', messages: [{ ...says('q', 'Hi'), metadata }] })
    const metadataSchema = z.object({ at: z.iso.datetime(), tokens: z.number() })
    const messages = await chats.loadChat('c')
    expect(await validateUIMessages({ messages, metadataSchema })).toEqual(messages)
  })
})

test.each([
  [(chats: ChatStore) => chats.saveChat({ messages: [] }), 'id'],
  [(chats: ChatStore) => chats.saveChat({ id: 'a', chatId: 'b' }), 'chatId'],
  [(chats: ChatStore) => chats.saveChat({ id: 'a', messages: {} as never }), 'messages'],
  [(chats: ChatStore) => chats.saveChat({ id: 'a', activeStreamId: 1 as never }), 'activeStreamId'],
  [(chats: ChatStore) => chats.saveChat({ id: 'a', message: [] } as never), 'message'],
  [(chats: ChatStore) => chats.loadChat(''), 'id'],
  [async () => createChatStore({} as never), 'store'],
  [async () => createChatStore({ store: await create(), prefix: 5 } as never), 'prefix'],
  [async (_: ChatStore) => createChatStore({ actr: 1 } as never), 'actr'],
])('a wrong argument is refused: %#', async (call, path) => {
  const { store, chats } = await open()
  await expect(call(chats)).rejects.toMatchObject({ code: 'SESSIONLOG_INVALID_ARGUMENT', path })
  expect(store.position).toBe(0)
})

const CHILD = (dir: string) => `
  import { openStore } from '/src/index.ts'
  import { createChatStore } from '/src/adapters/ai-sdk.ts'
  const store = await openStore({ dir: ${JSON.stringify(dir)}, compactEvery: 0 })
  const chats = createChatStore({ store, actor: 'child' })
  const says = text => ({ id: text, role: 'user', parts: [{ type: 'text', text }] })
  const add = async (id, text) => {
    for (;;) {
      const { messages, version } = await chats.readChat(id)
      try {
        return await chats.saveChat({ id, messages: [...messages, says(text)], expectedVersion: version })
      } catch (error) {
        if (error.code !== 'SESSIONLOG_VERSION_CONFLICT') throw error
      }
    }
  }
`

test('two processes add to one chat, each on what the other was told', async () => {
  const { store, chats } = await open()
  const id = await chats.createChat()
  const child = inChild(`${CHILD(directoryOf(store as SessionStore<never>))}
    for (let n = 0; n < 20; n++) await add(${JSON.stringify(id)}, 'child ' + n)
    await store.close()`)
  for (let n = 0; n < 20; ) {
    const { messages, version } = await chats.readChat(id)
    const message = says(`here ${n}`, `here ${n}`)
    const saved = chats.saveChat({ id, messages: [...messages, message], expectedVersion: version })
    if ((await codeOf(() => saved.then(() => Promise.reject({ code: 'saved' })))) === 'saved') n++
  }
  const { code, stderr } = await child
  expect(stderr).toBe('')
  expect(code).toBe(0)
  const ids = (await chats.loadChat(id)).map(message => message.id)
  expect(ids).toHaveLength(40)
  expect(ids.filter(each => each.startsWith('child'))).toEqual(
    Array.from({ length: 20 }, (_, n) => `child ${n}`),
  )
})

test('a follower that has not heard yet reads what was acknowledged, and saves onto it', async () => {
  const { store, chats } = await open()
  const dir = directoryOf(store as SessionStore<never>)
  const follower = await create<ChatState>({ dir, role: 'follower' })
  const followed = createChatStore({ store: follower })
  await chats.saveChat({ id: 'c', messages: [says('a', 'a')] })
  expect(follower.has('c')).toBe(false)
  await followed.saveChat({ id: 'c', activeStreamId: 's' })
  expect(await chats.readChat('c')).toMatchObject({ messages: [says('a', 'a')], activeStreamId: 's' })
  const outcomes = [followed.endStream('c', 's'), chats.saveChat({ id: 'c', activeStreamId: 'new' })]
  await Promise.all(outcomes)
  expect(await followed.endStream('c', 's')).toBe(false)
  expect(await chats.activeStreamId('c')).toBe('new')
  await chats.saveChat({ id: 'c', messages: [says('b', 'b')] })
  expect(await followed.loadChat('c')).toEqual([says('b', 'b')])
})

test('a follower ends a stream only if nobody has begun another one meanwhile', async () => {
  const { store, chats } = await open()
  const follower = await create<ChatState>({
    dir: directoryOf(store as SessionStore<never>),
    role: 'follower',
  })
  await chats.saveChat({ id: 'c', activeStreamId: 'old' })
  await follower.flush()
  // Where the follower knows of it no more than this, whatever it waits for.
  const catchUp = follower.catchUp.bind(follower)
  let begun: Promise<unknown> | undefined
  follower.catchUp = async () => {
    await catchUp()
    begun ??= chats.saveChat({ id: 'c', activeStreamId: 'new' })
  }
  expect(await createChatStore({ store: follower }).endStream('c', 'old')).toBe(false)
  await begun
  expect(await chats.activeStreamId('c')).toBe('new')
})

test('a process that is killed in the middle of a stream leaves all that was acknowledged', async () => {
  const dir = temporary()
  const printed = await killAfter<{ n: number }>(
    12,
    `${CHILD(dir)}
    await chats.saveChat({ id: 'c', messages: [says('0')], activeStreamId: 'stream' })
    for (let n = 1; ; n++) {
      await add('c', String(n))
      console.log(JSON.stringify({ n }))
    }`,
  )
  const store = await create<ChatState>({ dir })
  const chats = createChatStore({ store })
  const ids = (await chats.loadChat('c')).map(message => message.id)
  expect(ids.length).toBeGreaterThanOrEqual(printed.at(-1)!.n + 1)
  expect(ids).toEqual(Array.from(ids, (_, n) => String(n)))
  expect(await chats.activeStreamId('c')).toBe('stream')
  expect(await chats.endStream('c', 'stream')).toBe(true)
  expect((await store.verify()).problems).toEqual([])
})
