import type { Bench, Bound, Measure } from '../measure.ts'
import { PeerAbsent, type PeerKind } from '../peers/peer.ts'
import { alternate, type Side } from '../rounds.ts'
import { sessionlog } from '../sessionlog.ts'
import { start, type Worker } from '../sides.ts'
import { type Origin, Workload } from '../workload.ts'

export interface AgainstPeer {
  readonly measure: string
  readonly kind: PeerKind
  readonly side: (worker: Worker) => Side
  readonly must?: Bound
  readonly note?: string
  readonly sessions?: number
  readonly origin?: Origin
}

/** Saves a second: ours and a peer's in turn, each in a new store. */
export async function against(bench: Bench, comparison: AgainstPeer): Promise<Measure> {
  const { measure, kind, side, must, note, sessions = 100, origin = 'shared' } = comparison
  const told = { measure, unit: 'saves/s', against: kind.name, must, note }
  bench.say(`${measure}: ${kind.name}`)
  let peer: Worker | undefined
  let ours: Worker | undefined
  try {
    peer = await start(kind, new Workload(sessions, origin))
    ours = await start(sessionlog, new Workload(sessions, origin))
    const { a, b, ratio } = await alternate(
      side(ours),
      side(peer),
      bench.sustained.rounds,
      bench.sustained.sliceMs,
    )
    return { ...told, ours: a, peer: b, ratio }
  } catch (error) {
    // The other comparisons are made all the same.
    const why = (error as Error).message.split('\n')[0]
    return { ...told, note: error instanceof PeerAbsent ? why : `failed: ${why}` }
  } finally {
    await ours?.close()
    await peer?.close()
  }
}
