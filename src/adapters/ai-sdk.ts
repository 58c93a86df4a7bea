import { randomUUID } from 'node:crypto'
import type { UIMessage } from 'ai'
import { type Actor, type ExpectedVersion, type Receipt, SessionlogError } from '../index.ts'
import {
  type ActorOption,
  type AnyStore,
  actorOf,
  checkNames,
  checkStore,
  wrongOption,
} from './adapter-options.ts'

/** The state of a chat. */
export interface ChatState<Message extends UIMessage = UIMessage> {
  messages: Message[]
  /** Of the stream that a client may resume; null where there is none. */
  activeStreamId: string | null
}

/** A chat as it is: a copy. `version` goes to `saveChat` as `expectedVersion`, where nobody may have been in between. */
export interface Chat<Message extends UIMessage = UIMessage> extends ChatState<Message> {
  id: string
  version: number
}

export interface ChatStoreOptions {
  store: AnyStore
  /** Put before each chat's id, where the store holds other sessions beside. Default: nothing. */
  prefix?: string
  /** Makes the ids of new chats. Default: random UUIDs. */
  generateId?: () => string
  /** Who is named where a call names nobody. */
  actor?: ActorOption<[chatId: string]>
}

/** What to save: `id` and `chatId` are the same. What is left out stays as it is. */
export interface ChatToSave<Message extends UIMessage = UIMessage> {
  id?: string
  chatId?: string
  messages?: readonly Message[]
  activeStreamId?: string | null
  actor?: Actor
  reason?: string
  /** Of the chat: `readChat` says it. Default: the last save wins. */
  expectedVersion?: ExpectedVersion
}

export interface ChatStore<Message extends UIMessage = UIMessage> {
  /** Begins an empty chat; resolves to its id. */
  createChat(): Promise<string>
  /** The messages; `SESSIONLOG_SESSION_NOT_FOUND` where there is no chat. */
  loadChat(id: string): Promise<Message[]>
  /** The messages, the active stream and the version; `SESSIONLOG_SESSION_NOT_FOUND` where there is no chat. */
  readChat(id: string): Promise<Chat<Message>>
  /** Saves, as JSON. Begins a chat that never was; one that was deleted is `SESSIONLOG_SESSION_NOT_FOUND`. */
  saveChat(chat: ChatToSave<Message>): Promise<Receipt>
  /** The stream to resume, or null: also where there is no chat. */
  activeStreamId(id: string): Promise<string | null>
  /** Ends the chat's stream if that is still the active one; whether it was. */
  endStream(id: string, streamId: string): Promise<boolean>
  /** Ends the chat; its history stays. */
  deleteChat(id: string, options?: { actor?: Actor; reason?: string }): Promise<void>
}

const TO_SAVE = ['id', 'chatId', 'messages', 'activeStreamId', 'actor', 'reason', 'expectedVersion']

/**
 * The functions of the Vercel AI SDK's convention for keeping chats (its guides "Chatbot Message Persistence" and
 * "Chatbot Resume Streams"), over a store: of whole arrays that are saved, the log has what changed.
 */
export function createChatStore<Message extends UIMessage = UIMessage>(
  options: ChatStoreOptions,
): ChatStore<Message> {
  checkNames(options, ['store', 'prefix', 'generateId', 'actor'])
  const { store, prefix = '', generateId = randomUUID, actor } = options
  checkStore(store)
  if (typeof prefix !== 'string') throw wrongOption('prefix must be a string', 'prefix')

  const keyOf = (id: unknown): string => {
    if (typeof id !== 'string' || id === '') throw wrongOption('A chat has an id that is not empty', 'id')
    return prefix + id
  }
  const said = (type: string, id: string, given: { actor?: Actor; reason?: string } = {}) => ({
    type,
    ...(given.actor === undefined ? actorOf(actor, id) : { actor: given.actor }),
    ...(given.reason !== undefined && { reason: given.reason }),
  })
  /** What any process was told is here once this resolves. */
  const find = async (id: string): Promise<ChatState<Message> | undefined> => {
    const key = keyOf(id)
    await store.catchUp()
    const state = store.get(key)
    return state === undefined ? undefined : checkChat(state, key)
  }

  const chats: ChatStore<Message> = {
    async createChat() {
      const id = generateId()
      await store.save(keyOf(id), emptyChat(), { ...said('chat_created', id), expectedVersion: 0 })
      return id
    },

    async loadChat(id) {
      return (await chats.readChat(id)).messages
    },

    async readChat(id) {
      const state = await find(id)
      if (state === undefined) throw notFound(keyOf(id))
      return { id, ...structuredClone(state), version: store.version(keyOf(id)) }
    },

    async saveChat(chat) {
      checkNames(chat, TO_SAVE)
      const { id = '', chatId = id, messages, activeStreamId, expectedVersion } = chat
      if (id !== '' && id !== chatId) throw wrongOption('id and chatId are not the same', 'chatId')
      const key = keyOf(chatId)
      if (messages !== undefined && !Array.isArray(messages))
        throw wrongOption('messages must be an array', 'messages')
      if (activeStreamId != null && typeof activeStreamId !== 'string')
        throw wrongOption('activeStreamId must be a string or null', 'activeStreamId')
      const next = jsonOf(messages)
      const fill = (state: ChatState) => {
        if (next !== undefined) state.messages = next
        if (activeStreamId !== undefined) state.activeStreamId = activeStreamId
        return state
      }
      const facts = said('chat_saved', chatId, chat)
      const expected = expectedVersion === undefined ? facts : { ...facts, expectedVersion }
      if (store.version(key) === 0) {
        const begun = store.save(key, fill(emptyChat()), { expectedVersion: 0, ...expected })
        const receipt = await (expectedVersion === undefined ? begun.catch(unlessConflict) : begun)
        if (receipt !== undefined) return receipt
        // Another process has begun it, which is here by now.
      }
      return store.edit(key, draft => void fill(checkChat(draft, key)), expected)
    },

    async activeStreamId(id) {
      return (await find(id))?.activeStreamId ?? null
    },

    async endStream(id, streamId) {
      for (;;) {
        const state = await find(id)
        if (state === undefined || state.activeStreamId !== streamId) return false
        const key = keyOf(id)
        const options = { ...said('stream_ended', id), expectedVersion: store.version(key) }
        const end = (draft: ChatState) => {
          draft.activeStreamId = null
        }
        if ((await store.edit(key, end, options).catch(unlessConflict)) !== undefined) return true
      }
    },

    async deleteChat(id, given = {}) {
      checkNames(given, ['actor', 'reason'])
      if ((await store.delete(keyOf(id), said('chat_deleted', id, given))) === undefined) await store.flush()
    },
  }
  return chats
}

function emptyChat(): ChatState<never> {
  return { messages: [], activeStreamId: null }
}

/** What the store has under the id of a chat may be something else. */
function checkChat<State extends ChatState>(state: State, key: string): State {
  if (Array.isArray(state.messages)) return state
  throw new SessionlogError('SESSIONLOG_INVALID_STATE', `Session '${key}' is no chat`, { sessionId: key })
}

/** As a client would get it: what JSON leaves out is left out, a `Date` is its text. */
function jsonOf<T>(value: T): T {
  return value === undefined ? value : JSON.parse(JSON.stringify(value))
}

/** Undefined where somebody else was first. */
function unlessConflict(error: unknown): undefined {
  if ((error as { code?: string }).code !== 'SESSIONLOG_VERSION_CONFLICT') throw error
}

function notFound(key: string): SessionlogError {
  return new SessionlogError('SESSIONLOG_SESSION_NOT_FOUND', `There is no chat '${key}'`, { sessionId: key })
}
