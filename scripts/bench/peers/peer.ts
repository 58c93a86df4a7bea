import type { Save } from '../workload.ts'

/** What every store in the bench can do: ours too. Promises resolve when the saves are durable, not before. */
export interface Peer {
  /** All of these saves, none awaited before the next: resolves when the last one is durable. */
  burst(saves: readonly Save[]): Promise<void>
  /** One save. Many callers may be inside at once. */
  single(save: Save): Promise<void>
  /** How long the callers' making of states took since the last call, in ms: where that has to happen in between. */
  takeMakingMs?(): number
  close(): Promise<void>
}

export interface PeerKind {
  /** As it stands in the table. */
  readonly name: string
  /** What reaches the disk for a save: a ready-made event of 200 bytes, or the whole state, encoded by the peer. */
  readonly payload: 'event' | 'state'
  /** `dir` exists and is empty. Throws {@link PeerAbsent} where the peer can't run here. */
  open(dir: string): Promise<Peer>
}

/** The peer isn't installed, or not for this machine: its rows say so and stay empty. */
export class PeerAbsent extends Error {
  override readonly name = 'PeerAbsent'
}

/** A burst for a store whose saves are acknowledged one by one: none awaited before the next, then all. */
export async function together(
  saves: readonly Save[],
  single: (save: Save) => Promise<unknown>,
): Promise<void> {
  const acknowledged = new Array<Promise<unknown>>(saves.length)
  for (let at = 0; at < saves.length; at++) acknowledged[at] = single(saves[at]!)
  await Promise.all(acknowledged)
}
