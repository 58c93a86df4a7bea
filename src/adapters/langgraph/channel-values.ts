import type { ChannelVersions, SerializerProtocol } from '@langchain/langgraph-checkpoint'
import { type Encoded, encode } from './encoding.ts'
import type { Thread } from './thread.ts'
import { type CheckpointHead, type CheckpointRecord, own } from './thread-state.ts'

/** Where a checkpoint is put. */
export interface Setting {
  readonly head: CheckpointHead
  /** The channels that changed since the parent. */
  readonly newVersions: ChannelVersions | undefined
  readonly thread: Thread | undefined
  readonly namespace: string
  /** The parent, where that is its namespace's current checkpoint. */
  readonly current: CheckpointRecord | undefined
}

/**
 * The values of a checkpoint's channels, encoded at once. One that did not change is taken over from the parent. One
 * without a parent, and not said to be new, counts only where a checkpoint of the thread has it (a copy of the first
 * checkpoint is such a one): so the contract's own tests ask.
 */
export async function encodeValues(
  serde: SerializerProtocol,
  given: Readonly<Record<string, unknown>>,
  setting: Setting,
): Promise<Record<string, Encoded>> {
  const entries = Object.entries(given).map(async ([channel, value]) => {
    const known = knownValue(channel, setting)
    if (known !== undefined) return [[channel, known.value] as const]
    const encoded = await encode(serde, value)
    return (await counts(channel, setting)) ? [[channel, encoded] as const] : []
  })
  return Object.fromEntries((await Promise.all(entries)).flat())
}

function isNew(channel: string, { head, newVersions }: Setting): boolean {
  if (newVersions === undefined || own(head.channel_versions, channel) === undefined) return true
  return Object.hasOwn(newVersions, channel)
}

function knownValue(channel: string, setting: Setting): { value: Encoded } | undefined {
  const { head, current } = setting
  if (current === undefined || isNew(channel, setting)) return undefined
  return has(current, channel, head.channel_versions[channel])
    ? { value: current.values[channel] }
    : undefined
}

async function counts(channel: string, setting: Setting): Promise<boolean> {
  const { head, thread, namespace } = setting
  if (head.parent !== undefined || isNew(channel, setting)) return true
  for (const key of thread?.keys() ?? []) {
    if (key.namespace !== namespace) continue
    // Where a checkpoint can't be read, it may have had the value: better one too many.
    const record = await thread!.record(key).catch(() => undefined)
    if (record === undefined || has(record, channel, head.channel_versions[channel])) return true
  }
  return false
}

function has({ checkpoint, values }: CheckpointRecord, channel: string, version: unknown): boolean {
  return Object.hasOwn(values, channel) && own(checkpoint.channel_versions, channel) === version
}
