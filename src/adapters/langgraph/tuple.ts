import type { RunnableConfig } from '@langchain/core/runnables'
import {
  type BaseCheckpointSaver,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
  maxChannelVersion,
  TASKS,
} from '@langchain/langgraph-checkpoint'
import { decode, decodeAll } from './encoding.ts'
import type { CheckpointKey, Thread } from './thread.ts'
import type { CheckpointRecord } from './thread-state.ts'
import { inOrder } from './writes.ts'

/** A checkpoint that was found, and where. */
export interface Found {
  readonly thread: Thread
  readonly threadId: string
  readonly key: CheckpointKey
  readonly record: CheckpointRecord
}

/** What LangGraph is given: everything in it is new, and may be changed. */
export async function tupleOf(
  saver: BaseCheckpointSaver,
  { thread, threadId, key, record }: Found,
): Promise<CheckpointTuple> {
  const { serde } = saver
  const { parent, ...head } = record.checkpoint
  const checkpoint = { ...structuredClone(head), channel_values: await decodeAll(serde, record.values) }
  const parentKey = parent === undefined ? undefined : { ...key, id: parent }
  if (checkpoint.v < 4 && parentKey !== undefined)
    await addSends(saver, checkpoint as Checkpoint, thread, parentKey)
  const writes = inOrder(await thread.writes(key)).map(
    async ({ task, channel, value }): Promise<[string, string, unknown]> => [
      task,
      channel,
      await decode(serde, value),
    ],
  )
  return {
    config: configOf(threadId, key),
    checkpoint: checkpoint as Checkpoint,
    metadata: (await decode(serde, record.metadata)) as CheckpointMetadata,
    pendingWrites: await Promise.all(writes),
    ...(parentKey !== undefined && { parentConfig: configOf(threadId, parentKey) }),
  }
}

export function configOf(threadId: string, { namespace, id }: CheckpointKey): RunnableConfig {
  return { configurable: { thread_id: threadId, checkpoint_ns: namespace, checkpoint_id: id } }
}

/** Before format 4 of checkpoints, what was sent to nodes lay with the parent's writes. */
async function addSends(
  saver: BaseCheckpointSaver,
  checkpoint: Checkpoint,
  thread: Thread,
  parent: CheckpointKey,
): Promise<void> {
  const sends = inOrder(await thread.writes(parent)).filter(({ channel }) => channel === TASKS)
  checkpoint.channel_values[TASKS] = await Promise.all(sends.map(({ value }) => decode(saver.serde, value)))
  const versions = Object.values(checkpoint.channel_versions)
  const version = versions.length > 0 ? maxChannelVersion(...versions) : saver.getNextVersion(undefined)
  checkpoint.channel_versions[TASKS] = version
}
