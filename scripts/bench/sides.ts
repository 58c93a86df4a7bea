import { performance } from 'node:perf_hooks'
import type { Peer, PeerKind } from './peers/peer.ts'
import { discard, scratch } from './places.ts'
import type { Side } from './rounds.ts'
import { type Save, Workload } from './workload.ts'

/** A peer with a directory and a workload of its own, at work until it is closed. */
export interface Worker {
  readonly peer: Peer
  readonly work: Workload
  close(): Promise<void>
}

export async function start(kind: PeerKind, work: Workload): Promise<Worker> {
  const dir = scratch('peer')
  try {
    const peer = await kind.open(dir)
    return {
      peer,
      work,
      async close() {
        await peer.close()
        discard(dir)
      },
    }
  } catch (error) {
    discard(dir)
    throw error
  }
}

/** Saves a second in bursts of `size`, none awaited before the next. Making the states isn't timed. */
export function bursts({ peer, work }: Worker, size = 1000): Side {
  return async sliceMs => {
    let saved = 0
    let elapsedMs = 0
    while (elapsedMs < sliceMs) {
      const saves = work.next(size)
      elapsedMs += await timed(peer, () => peer.burst(saves))
      saved += size
    }
    return (saved / elapsedMs) * 1000
  }
}

/** Saves a second of `count` callers who each await their own save before the next. Making the states isn't timed. */
export function callers({ peer, work }: Worker, count: number): Side {
  return async sliceMs => {
    let saved = 0
    let elapsedMs = 0
    while (elapsedMs < sliceMs) {
      const queues = deal(work.next(count * 32), count)
      elapsedMs += await timed(peer, () => Promise.all(queues.map(queue => saveInTurn(peer, queue))))
      saved += count * 32
    }
    return (saved / elapsedMs) * 1000
  }
}

/** How long it took, in ms, without the making of states: nothing else happens meanwhile. */
async function timed(peer: Peer, run: () => Promise<unknown>): Promise<number> {
  peer.takeMakingMs?.()
  const startMs = performance.now()
  await run()
  return performance.now() - startMs - (peer.takeMakingMs?.() ?? 0)
}

async function saveInTurn(peer: Peer, queue: readonly Save[]): Promise<void> {
  for (const save of queue) await peer.single(save)
}

/** Deals the saves so that each caller keeps to sessions of its own, as users do. */
function deal(saves: readonly Save[], count: number): Save[][] {
  const queues: Save[][] = Array.from({ length: count }, () => [])
  saves.forEach((save, at) => {
    queues[at % count]!.push(save)
  })
  return queues
}

/** The share of wall time, in per cent, that the event loop was busy while `run` ran. */
export async function busyPercent(run: () => Promise<unknown>): Promise<number> {
  const before = performance.eventLoopUtilization()
  await run()
  return performance.eventLoopUtilization(before).utilization * 100
}

/** V8 goes on compiling a store's code for its first 400,000 saves or so: they are made here, before any is timed. */
export async function warmUp(kind: PeerKind, forMs: number): Promise<void> {
  const worker = await start(kind, new Workload(100))
  await bursts(worker)(forMs)
  await callers(worker, 64)(forMs / 5)
  await callers(worker, 1)(forMs / 5)
  await worker.close()
}
