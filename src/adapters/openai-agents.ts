import { createHash, randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type {
  AgentInputItem,
  RunContext,
  RunContextAwareSession,
  SessionHistoryMutation,
  SessionHistoryRewriteArgs,
  SessionHistoryRewriteAwareSession,
  SessionHistoryTransactionArgs,
  SessionHistoryTransactionAwareSession,
} from '@openai/agents-core'
import { SessionlogError, VersionConflictError } from '../index.ts'
import {
  type ActorOption,
  type AnyStore,
  actorOf,
  checkNames,
  checkStore,
  wrongOption,
} from './adapter-options.ts'
import { canonicalText } from './canonical-text.ts'

/** The state of a session of agents. */
export interface AgentHistory {
  items: AgentInputItem[]
  /** Of each transaction applied since the last clear, by `op:` and its id: the SHA-256 of what it said. */
  operations?: Record<string, string>
}

type Context = RunContext<unknown>

export interface SessionlogSessionOptions {
  store: AnyStore
  /** The id in the store. Default: a random UUID. */
  sessionId?: string
  /** Who is named by the events; a function is given the run's context, where a run does it. */
  actor?: ActorOption<[runContext: Context | undefined]>
}

type Recipe = (draft: AgentHistory) => void

/**
 * A `Session` of the OpenAI Agents SDK (the contract is that of `Session` and its `…Aware` kinds in
 * `@openai/agents-core`; `MemorySession` is the model). What a method changes is one event, or none. Reads and checks
 * see all that any process has had acknowledged. Rejects with what the store's writes reject with;
 * `applyHistoryTransaction` with `SESSIONLOG_EVENT_ID_REUSED` and `SESSIONLOG_VERSION_CONFLICT`, too.
 */
export class SessionlogSession
  implements RunContextAwareSession, SessionHistoryRewriteAwareSession, SessionHistoryTransactionAwareSession
{
  readonly acceptsRunContext = true
  readonly #store: AnyStore
  readonly #id: string
  readonly #actor: SessionlogSessionOptions['actor']

  constructor(options: SessionlogSessionOptions) {
    checkNames(options, ['store', 'sessionId', 'actor'])
    const { store, sessionId = randomUUID(), actor } = options
    checkStore(store)
    if (typeof sessionId !== 'string' || sessionId === '')
      throw wrongOption('sessionId must be a string that is not empty', 'sessionId')
    this.#store = store
    this.#id = sessionId
    this.#actor = actor
  }

  async getSessionId(): Promise<string> {
    return this.#id
  }

  /** Copies: the caller may change them. */
  async getItems(limit?: number): Promise<AgentInputItem[]> {
    await this.#store.catchUp()
    const { items } = this.#history()
    if (limit === undefined) return structuredClone(items)
    return limit <= 0 ? [] : structuredClone(items.slice(Math.max(items.length - limit, 0)))
  }

  async addItems(items: AgentInputItem[], runContext?: Context): Promise<void> {
    const added = structuredClone(items)
    if (added.length === 0) return
    // Whatever was added by others meanwhile, these come after it: nothing is expected.
    await this.#change('items_added', runContext, () => appending(added), 'any')
  }

  async popItem(runContext?: Context): Promise<AgentInputItem | undefined> {
    let popped: AgentInputItem | undefined
    await this.#change('item_popped', runContext, ({ items }) => {
      popped = items.at(-1)
      return popped && (draft => void draft.items.pop())
    })
    return structuredClone(popped)
  }

  /** Ends the session's state, the ids of its transactions with it; the history stays in the log. */
  async clearSession(runContext?: Context): Promise<void> {
    const deleted = this.#store.delete(this.#id, this.#said('session_cleared', runContext))
    if ((await deleted) === undefined) await this.#store.flush()
  }

  async applyHistoryMutations({ mutations }: SessionHistoryRewriteArgs): Promise<void> {
    const given = structuredClone(mutations)
    await this.#change('history_rewritten', undefined, ({ items }) => {
      const next = given.reduce(mutated, items)
      return next === items ? undefined : replacing(next)
    })
  }

  /** In one event: there is no moment in which the history is gone. */
  async replaceHistoryWithCompaction(items: AgentInputItem[], runContext?: Context): Promise<void> {
    const next = structuredClone(items)
    await this.#change('history_compacted', runContext, () => replacing(next))
  }

  async applyHistoryTransaction(args: SessionHistoryTransactionArgs, runContext?: Context): Promise<void> {
    const { operationId, transaction } = checkTransaction(args)
    const key = `op:${operationId}`
    const digest = createHash('sha256').update(canonicalText(transaction)).digest('base64url')
    const decide = ({ items, operations }: AgentHistory) => {
      const applied = operations?.[key]
      if (applied === digest) return undefined
      if (applied !== undefined) throw this.#refused('SESSIONLOG_EVENT_ID_REUSED', OTHER_CONTENT, operationId)
      const { expected, added } = effectOf(transaction)
      const start = items.length - expected.length
      if (start < 0 || !isDeepStrictEqual(structuredClone(items.slice(start)), expected))
        throw new VersionConflictError(this.#id, OTHER_SUFFIX, this.#store.version(this.#id))
      return (draft: AgentHistory) => {
        for (const _ of expected) draft.items.pop()
        appending(added)(draft)
        draft.operations ??= {}
        draft.operations[key] = digest
      }
    }
    await this.#change('history_transacted', runContext, decide, undefined, { operationId })
  }

  /**
   * Records what `decide` makes of the history. Where it makes nothing, or refuses, that is said again once all that
   * was acknowledged is here and on the disk: this process may not have heard of it yet.
   */
  async #change(
    type: string,
    runContext: Context | undefined,
    decide: (history: AgentHistory) => Recipe | undefined,
    expectation?: 'any',
    data?: object,
  ): Promise<void> {
    const store = this.#store
    const said = { ...this.#said(type, runContext), ...(data && { data }) }
    for (let caughtUp = false; ; ) {
      const expectedVersion = store.version(this.#id)
      let recipe: Recipe | undefined
      try {
        recipe = decide(this.#history())
      } catch (error) {
        if (caughtUp) throw error
      }
      if (recipe === undefined && caughtUp) return
      if (recipe === undefined) {
        await store.flush()
        caughtUp = true
        continue
      }
      try {
        const exists = store.has(this.#id)
        const options = exists && expectation ? said : { ...said, expectedVersion }
        await (exists
          ? store.edit(this.#id, draft => void recipe(draft), options)
          : store.save(this.#id, begun(recipe), options))
        return
      } catch (error) {
        // Another process was first: what it did is here by now.
        const { code } = error as { code?: string }
        if (code !== 'SESSIONLOG_VERSION_CONFLICT' && code !== 'SESSIONLOG_SESSION_NOT_FOUND') throw error
      }
    }
  }

  #history(): AgentHistory {
    const state = (this.#store.get(this.#id) ?? { items: [] }) as AgentHistory
    if (!Array.isArray(state.items))
      throw this.#refused('SESSIONLOG_INVALID_STATE', 'is not the history of an agent')
    return state
  }

  #said(type: string, runContext: Context | undefined) {
    return { type, ...actorOf(this.#actor, runContext) }
  }

  #refused(code: SessionlogError['code'], message: string, operationId?: string): SessionlogError {
    const operation = operationId === undefined ? '' : `: operation '${operationId}'`
    return new SessionlogError(code, `Session '${this.#id}' ${message}${operation}`, { sessionId: this.#id })
  }
}

const OTHER_CONTENT = 'has applied a transaction of that id with other content'
const OTHER_SUFFIX = 'to end with what the transaction replaces'

function begun(recipe: Recipe): AgentHistory {
  const history: AgentHistory = { items: [] }
  recipe(history)
  return history
}

function appending(added: AgentInputItem[]): Recipe {
  return draft => {
    for (const item of added) draft.items.push(item)
  }
}

function replacing(items: AgentInputItem[]): Recipe {
  return draft => {
    draft.items = items
  }
}

/** The first call of that id gives way to the replacement, later ones go. */
function mutated(items: AgentInputItem[], mutation: SessionHistoryMutation): AgentInputItem[] {
  if (mutation.type !== 'replace_function_call') return items
  const { callId, replacement } = mutation
  const isIt = (item: AgentInputItem) => item.type === 'function_call' && item.callId === callId
  const first = items.findIndex(isIt)
  if (first < 0) return items
  return items.flatMap((item, index) => (index === first ? [replacement] : isIt(item) ? [] : [item]))
}

function effectOf(transaction: SessionHistoryTransactionArgs['transaction']) {
  return transaction.type === 'append_items'
    ? { expected: [], added: transaction.items }
    : { expected: transaction.expectedSuffix, added: transaction.replacement }
}

/** A copy of what was checked. */
function checkTransaction(args: SessionHistoryTransactionArgs): SessionHistoryTransactionArgs {
  const { operationId, transaction } = structuredClone(args)
  if (typeof operationId !== 'string' || operationId.trim() === '')
    throw wrongOption('operationId must be a string that is not empty', 'operationId')
  const type = (transaction as { type?: unknown } | undefined)?.type
  if (type !== 'append_items' && type !== 'replace_suffix')
    throw wrongOption(`There is no transaction of type ${String(type)}`, 'transaction/type')
  const { expected, added } = effectOf(transaction)
  if (!Array.isArray(expected) || !Array.isArray(added))
    throw wrongOption('A transaction has arrays of items', 'transaction')
  return { operationId, transaction }
}
