import { join } from 'node:path'
import { type Checkpoint, emptyCheckpoint, type PendingWrite, uuid6 } from '@langchain/langgraph-checkpoint'
import { ClassicLevel } from 'classic-level'
import { expect } from 'vitest'
import type { SessionlogSaver } from '../../../src/adapters/langgraph.ts'

export const at = (thread_id: string, checkpoint_id?: string, checkpoint_ns = '') => ({
  configurable: { thread_id, checkpoint_ns, ...(checkpoint_id && { checkpoint_id }) },
})

let made = 0

/** A checkpoint with a new id, greater than those before. Each value has version 1 unless it is told. */
export function checkpointOf(
  channel_values: Record<string, unknown>,
  versions: Record<string, number> = {},
): Checkpoint {
  const ones = Object.fromEntries(Object.keys(channel_values).map(name => [name, 1]))
  return {
    ...emptyCheckpoint(),
    id: uuid6(made++),
    channel_values,
    channel_versions: { ...ones, ...versions },
  }
}

export const loop = (step: number) => ({ source: 'loop' as const, step, parents: {} })

/** Puts a checkpoint of which all values are new; answers with its id. */
export async function put(
  saver: Pick<SessionlogSaver, 'put'>,
  thread: string,
  values: Record<string, unknown>,
  { parent, namespace = '', step = 0 }: { parent?: string; namespace?: string; step?: number } = {},
): Promise<string> {
  const checkpoint = checkpointOf(values)
  await saver.put(at(thread, parent, namespace), checkpoint, loop(step), checkpoint.channel_versions)
  return checkpoint.id
}

/** The values of a checkpoint, or of the latest. */
export async function valuesAt(saver: SessionlogSaver, thread: string, id?: string, namespace = '') {
  return (await saver.getTuple(at(thread, id, namespace)))?.checkpoint.channel_values
}

/** The writes of a checkpoint, or of the latest. */
export async function writesAt(saver: SessionlogSaver, thread: string, id?: string, namespace = '') {
  return (await saver.getTuple(at(thread, id, namespace)))?.pendingWrites
}

export const write = (channel: string, value: unknown): PendingWrite => [channel, value]

/** Changes a letter in each event that holds a text, in the log of a store that is closed. */
export async function damage(dir: string, text: string): Promise<void> {
  const db = new ClassicLevel<Buffer, Buffer>(join(dir, 'log'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  let found = 0
  for await (const [key, value] of db.iterator()) {
    const place = value.indexOf(text)
    if (place < 0 || !/^[st]/.test(key.toString('latin1'))) continue
    value[place]! ^= 1
    await db.put(key, value)
    found++
  }
  await db.close()
  expect(found).toBeGreaterThan(0)
}
