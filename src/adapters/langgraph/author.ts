import type { RunnableConfig } from '@langchain/core/runnables'
import type { Actor, WriteOptions } from '../../index.ts'
import type { CheckpointHead } from './thread-state.ts'

/** What is about to be recorded of a thread. */
export interface ThreadWrite {
  readonly kind: 'checkpoint' | 'writes' | 'delete'
  readonly threadId: string
  /** The `checkpoint_ns`: empty for the graph itself. */
  readonly namespace: string
  /** The nodes that did it, as far as the graph says. */
  readonly nodes: readonly string[]
  /** Of a checkpoint: `input`, `loop`, `update` or `fork`. */
  readonly source?: string
  readonly step?: number
  /** What the graph was called with; not there for a delete. */
  readonly config?: RunnableConfig
}

/** Who an event is by: always the same, or told for each. Undefined leaves it to `withContext`. */
export type ThreadActor = Actor | ((write: ThreadWrite) => Actor | undefined)

/** The nodes that ran; else what the checkpoint came from, such as an input. */
export function nodesActor({ nodes, source }: ThreadWrite): Actor | undefined {
  if (nodes.length > 0) return { id: nodes.join('+'), type: 'node' }
  return source === undefined ? { id: 'langgraph' } : { id: source, type: 'source' }
}

/** What the event says beside the state. */
export function optionsOf(actor: ThreadActor, write: ThreadWrite, more: WriteOptions): WriteOptions {
  const who = typeof actor === 'function' ? actor(write) : actor
  return { ...more, ...(who !== undefined && { actor: who }) }
}

/** The nodes that ran between two checkpoints: those that have seen other versions of channels since. */
export function nodesBetween(
  before: CheckpointHead | undefined,
  after: CheckpointHead['versions_seen'],
): string[] {
  if (before === undefined) return []
  const seen = before.versions_seen
  const isNews = ([node, versions]: [string, Readonly<Record<string, unknown>>]) =>
    Object.entries(versions).some(([channel, version]) => seen[node]?.[channel] !== version)
  return Object.entries(after)
    .filter(entry => !INTERNAL.includes(entry[0]) && isNews(entry))
    .map(([node]) => node)
}

const INTERNAL = ['__input__', '__interrupt__']

/** The node that a task path names, as `~__pregel_pull, agent` does. */
export function nodesOfPath(path: string | undefined): string[] {
  const node = /^~__pregel_pull, (.+)$/.exec(path ?? '')?.[1]
  return node === undefined ? [] : [node]
}
