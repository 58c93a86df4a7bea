import { isDeepStrictEqual } from 'node:util'
import type { RunnableConfig } from '@langchain/core/runnables'
import {
  BaseCheckpointSaver,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointListOptions,
  type CheckpointMetadata,
  type CheckpointTuple,
  getCheckpointId,
  type PendingWrite,
} from '@langchain/langgraph-checkpoint'
import { SessionlogError, SessionlogTypeError, type WriteOptions } from '../index.ts'
import {
  nodesActor,
  nodesBetween,
  nodesOfPath,
  optionsOf,
  type ThreadActor,
  type ThreadWrite,
} from './langgraph/author.ts'
import { encodeValues } from './langgraph/channel-values.ts'
import { decode, encode } from './langgraph/encoding.ts'
import { checkOptions, type SessionlogSaverOptions, type ThreadStore } from './langgraph/options.ts'
import { Thread } from './langgraph/thread.ts'
import {
  type CheckpointHead,
  type CheckpointRecord,
  own,
  type Standing,
  type ThreadState,
  withCheckpoint,
  withWrites,
} from './langgraph/thread-state.ts'
import { configOf, tupleOf } from './langgraph/tuple.ts'
import { encodeWrites } from './langgraph/writes.ts'

export type { ThreadActor, ThreadWrite } from './langgraph/author.ts'
export type { SessionlogSaverOptions, ThreadStore } from './langgraph/options.ts'

/**
 * Keeps the checkpoints of LangGraph's threads in a sessionlog store: each thread is a session, each checkpoint and each
 * task's writes an event. The contract is that of `BaseCheckpointSaver`, `@langchain/langgraph-checkpoint` 1.2. Wrong
 * arguments are a `TypeError` with `SESSIONLOG_INVALID_ARGUMENT`; a checkpoint that is there and can't be read is an
 * error (`SESSIONLOG_CORRUPTION`, `_VERSION_NOT_FOUND` once it was pruned), and whatever `save` refuses is refused.
 */
export class SessionlogSaver extends BaseCheckpointSaver {
  readonly #store: ThreadStore
  readonly #prefix: string
  readonly #actor: ThreadActor

  constructor(options: SessionlogSaverOptions) {
    super(options?.serde)
    const { store, prefix = 'langgraph/', actor = nodesActor } = checkOptions(options)
    this.#store = store
    this.#prefix = prefix
    this.#actor = actor
  }

  /** The id of a thread's session: what `history`, `blame`, `bisect`, `replay` and `fork` are asked about. */
  sessionId(threadId: string): string {
    if (typeof threadId !== 'string' || threadId === '')
      throw new SessionlogTypeError('thread_id must be a string that is not empty', 'thread_id')
    return `${this.#prefix}${threadId}`
  }

  /** The checkpoint that the config names; the thread's latest where it names none. */
  override async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
    const { thread_id: threadId } = config.configurable ?? {}
    if (threadId === undefined) return undefined
    const session = this.sessionId(threadId)
    const namespace = namespaceIn(config)
    await this.#catchUp()
    const thread = this.#thread(session)
    const id = getCheckpointId(config) || thread?.latest(namespace)
    if (thread === undefined || id === undefined) return undefined
    const key = { namespace, id }
    const record = await thread.record(key)
    return record && tupleOf(this, { thread, threadId, key, record })
  }

  /** Checkpoints, the latest first; without a `thread_id` those of all threads. */
  override async *list(
    config: RunnableConfig,
    { before, limit, filter }: CheckpointListOptions = {},
  ): AsyncGenerator<CheckpointTuple> {
    const { thread_id: threadId, checkpoint_ns: namespace } = config.configurable ?? {}
    const [id, end] = [getCheckpointId(config), before && getCheckpointId(before)]
    await this.#catchUp()
    const threadIds = threadId === undefined ? this.#threadIds() : [threadId as string]
    const all = threadIds.flatMap(threadId => {
      const thread = this.#thread(this.sessionId(threadId))
      return thread === undefined ? [] : thread.keys().map(key => ({ thread, threadId, key }))
    })
    const wanted = all.filter(
      ({ key }) =>
        (namespace === undefined || key.namespace === namespace) &&
        (id === '' || key.id === id) &&
        (!end || key.id < end),
    )
    wanted.sort((a, b) => (a.key.id < b.key.id ? 1 : a.key.id > b.key.id ? -1 : 0))
    let left = limit ?? Number.POSITIVE_INFINITY
    for (const { thread, threadId, key } of wanted) {
      if (left <= 0) return
      const record = (await thread.record(key))!
      const metadata = (await decode(this.serde, record.metadata)) as Record<string, unknown>
      const fits = ([name, value]: [string, unknown]) => isDeepStrictEqual(own(metadata, name), value)
      if (!Object.entries(filter ?? {}).every(fits)) continue
      left--
      yield tupleOf(this, { thread, threadId, key, record })
    }
  }

  /** Makes a checkpoint its namespace's current one, durably. Of its values, all that are new to the thread are kept. */
  override async put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig> {
    const { thread_id: threadId } = config.configurable ?? {}
    const session = this.sessionId(threadId)
    const namespace = namespaceIn(config)
    const parent = getCheckpointId(config) || undefined
    const { channel_values: given, ...rest } = checkpoint
    const head: CheckpointHead = structuredClone({ ...rest, ...(parent !== undefined && { parent }) })
    const thread = this.#thread(session)
    const parentKey = parent === undefined ? undefined : { namespace, id: parent }
    const current = parentKey && thread?.current(parentKey)
    // All of it is read before anything is waited for: the caller may go on changing its values.
    const [values, described] = await Promise.all([
      encodeValues(this.serde, given, { head, newVersions, thread, namespace, current }),
      encode(this.serde, metadata),
    ])
    // Only who did it depends on the parent: where that can't be read, the checkpoint is kept all the same.
    const before = current ?? (await (parentKey && thread?.record(parentKey))?.catch(() => undefined))
    const { source, step } = metadata
    const nodes = source === 'input' ? [] : nodesBetween(before?.checkpoint, head.versions_seen)
    const write = { kind: 'checkpoint', threadId, namespace, nodes, source, step, config } as const
    const options = {
      type: 'checkpointed',
      reason: `${source}, step ${step}`,
      ...(parent !== undefined && { causationId: parent }),
    }
    const record: CheckpointRecord = { checkpoint: head, metadata: described, values }
    await this.#change(write, options, standing => withCheckpoint(standing, namespace, record))
    return configOf(threadId, { namespace, id: checkpoint.id })
  }

  /** Keeps what a task wrote on top of a checkpoint, durably. What it wrote there before stays as it was. */
  override async putWrites(
    config: RunnableConfig,
    writes: PendingWrite[],
    taskId: string,
    taskPath?: string,
  ): Promise<void> {
    const { thread_id: threadId } = config.configurable ?? {}
    this.sessionId(threadId)
    const namespace = namespaceIn(config)
    const id = getCheckpointId(config)
    if (!id) throw new SessionlogTypeError('putWrites() needs a checkpoint_id', 'checkpoint_id')
    const encoded = await encodeWrites(this.serde, writes, taskId, taskPath)
    const channels = [...new Set(writes.map(([channel]) => channel))]
    const options = { type: 'wrote', reason: `to ${channels.join(', ')}`, causationId: id }
    const write = { kind: 'writes', threadId, namespace, nodes: nodesOfPath(taskPath), config } as const
    await this.#change(write, options, standing => withWrites(standing, namespace, id, encoded))
  }

  /** Ends the thread. Its history stays, as that of any session does, until a policy says otherwise. */
  override async deleteThread(threadId: string): Promise<void> {
    const write = { kind: 'delete', threadId, namespace: '', nodes: [] } as const
    const options = optionsOf(this.#actor, write, { reason: 'deleteThread' })
    await this.#store.delete(this.sessionId(threadId), options)
  }

  /** Who asks a follower for the latest gets what anybody had recorded by then, not what this process has heard of. */
  async #catchUp(): Promise<void> {
    if (this.#store.status !== 'failed') await this.#store.catchUp()
  }

  #threadIds(): string[] {
    const sessions = [...this.#store.ids()].filter(id => id.startsWith(this.#prefix) && id !== this.#prefix)
    return sessions.map(id => id.slice(this.#prefix.length))
  }

  #thread(session: string): Thread | undefined {
    const { state } = this.#standing(session)
    return state && new Thread(this.#store, session, state)
  }

  #standing(session: string): Standing {
    const state = this.#store.get(session) as ThreadState | undefined
    if (state !== undefined && state?.langgraph?.format !== 1) {
      const message = `Session '${session}' holds no thread of LangGraph that this version knows`
      throw new SessionlogError('SESSIONLOG_FORMAT_UNSUPPORTED', message, { sessionId: session })
    }
    return { session, version: this.#store.version(session), state }
  }

  /** Pointers name versions, so each change says which one it makes; where another was first, it is made again. */
  async #change(
    write: ThreadWrite,
    more: WriteOptions,
    next: (standing: Standing) => ThreadState,
  ): Promise<void> {
    const session = this.sessionId(write.threadId)
    const options = optionsOf(this.#actor, write, more)
    for (;;) {
      const standing = this.#standing(session)
      try {
        await this.#store.save(session, next(standing), { ...options, expectedVersion: standing.version })
        return
      } catch (error) {
        // Also of one that was made on another write of this process, which was refused.
        if ((error as Partial<SessionlogError>).code !== 'SESSIONLOG_VERSION_CONFLICT') throw error
        await this.#store.catchUp()
      }
    }
  }
}

function namespaceIn(config: RunnableConfig): string {
  const namespace: unknown = config.configurable?.checkpoint_ns ?? ''
  if (typeof namespace === 'string') return namespace
  throw new SessionlogTypeError('checkpoint_ns must be a string', 'checkpoint_ns')
}
