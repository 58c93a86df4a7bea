import {
  compareWritesSortKeys,
  type PendingWrite,
  type SerializerProtocol,
  WRITES_IDX_MAP,
  writesSortKey,
} from '@langchain/langgraph-checkpoint'
import { type Encoded, encode } from './encoding.ts'

/** What one task wrote to a channel. */
export interface TaskWrite {
  readonly channel: string
  readonly value: Encoded
  /** The task's path, where it was told: writes are applied in the order of these. */
  readonly path?: string
}

/** The writes of a checkpoint's tasks, by task and by their place among its writes: below zero for special channels. */
export type Writes = Readonly<Record<string, Readonly<Record<string, TaskWrite>>>>

export const NO_WRITES: Writes = Object.freeze({})

/** One task's writes. The values are encoded at once. */
export async function encodeWrites(
  serde: SerializerProtocol,
  writes: readonly PendingWrite[],
  taskId: string,
  path: string | undefined,
): Promise<Writes> {
  const encoded = writes.map(async ([channel, value], index) => {
    const place = Object.hasOwn(WRITES_IDX_MAP, channel) ? WRITES_IDX_MAP[channel]! : index
    const write: TaskWrite = { channel, value: await encode(serde, value), ...(path && { path }) }
    return [String(place), write] as const
  })
  return { [taskId]: Object.fromEntries(await Promise.all(encoded)) }
}

/** Both: of a write that came before the first counts, of one to a special channel (a place below zero) the last. */
export function mergeWrites(before: Writes, after: Writes): Writes {
  const merged = Object.entries(after).map(([task, writes]) => {
    const known = Object.hasOwn(before, task) ? before[task]! : {}
    const news = Object.entries(writes).filter(([place]) => Number(place) < 0 || !Object.hasOwn(known, place))
    return [task, { ...known, ...Object.fromEntries(news) }] as const
  })
  return { ...before, ...Object.fromEntries(merged) }
}

/** In the order in which a run applies them. */
export function inOrder(writes: Writes): (TaskWrite & { readonly task: string })[] {
  const all = Object.entries(writes).flatMap(([task, places]) =>
    Object.entries(places).map(([place, write]) => ({
      key: writesSortKey(write.path ?? '', task, Number(place)),
      write: { ...write, task },
    })),
  )
  return all.sort((a, b) => compareWritesSortKeys(a.key, b.key)).map(({ write }) => write)
}
