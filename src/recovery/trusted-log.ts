import { MerkleTree } from '../log/chain.ts'
import type { CommitRecord, EventLog, Run } from '../log/port.ts'
import type { RecordReader } from '../log/record-reader.ts'
import type { Finds } from './finds.ts'

/** What of the finds is the log as it was: every event up to a position, proved by the root of a commit there. */
export interface TrustedLog {
  readonly position: number
  readonly tree: MerkleTree
  /** In order and without a gap, those that were found and those that were made again. */
  readonly commits: readonly CommitRecord[]
  /** How many of them were made again, because none was found: the root of a later one proves their events. */
  readonly made: number
  /** Ranges of positions of commits behind it. */
  readonly beyond: readonly Range[]
}

/** From the first to the last, both included. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** Finds out how far the log can be trusted. */
export async function trustedLog(
  finds: Finds,
  scratch: Pick<EventLog, 'commits'>,
  reader: RecordReader,
): Promise<TrustedLog> {
  const running = new MerkleTree()
  let tree = new MerkleTree()
  const proved: CommitRecord[] = []
  let beyond: { from: number; to: number }[] = []
  for await (const page of scratch.commits(0)) {
    for (const commit of page) {
      addRange(beyond, commit)
      if (!grow(running, finds.leaves, commit.lastPosition) || running.root() !== commit.root) continue
      proved.push(commit)
      tree = new MerkleTree(running.size, running.peaks)
      beyond = []
    }
  }
  const commits: CommitRecord[] = []
  const gaps: Range[] = []
  let position = 0
  for (const commit of proved) {
    if (commit.firstPosition !== position + 1) gaps.push({ from: position + 1, to: gapEnd(commit, position) })
    position = commit.lastPosition
  }
  const made = new Map((await commitsFor(gaps, finds, reader)).map(each => [each.firstPosition, each]))
  position = 0
  for (const commit of proved) {
    const gap = made.get(position + 1)
    if (gap !== undefined) commits.push(gap)
    if ((gap?.lastPosition ?? position) < commit.lastPosition) commits.push(commit)
    position = commit.lastPosition
  }
  return { position, tree, commits, made: made.size, beyond }
}

function addRange(
  ranges: { from: number; to: number }[],
  { firstPosition, lastPosition }: CommitRecord,
): void {
  const last = ranges.at(-1)
  if (last?.to === firstPosition - 1) last.to = lastPosition
  else ranges.push({ from: firstPosition, to: lastPosition })
}

/** A commit that begins before the one that is proved before it has ended is made again, too. */
function gapEnd({ firstPosition, lastPosition }: CommitRecord, position: number): number {
  return firstPosition > position + 1 ? firstPosition - 1 : lastPosition
}

/** False where an event is missing. */
function grow(tree: MerkleTree, leaves: readonly string[], position: number): boolean {
  while (tree.size < position) {
    const leaf = leaves[tree.size]
    if (leaf === undefined) return false
    tree.append(leaf)
  }
  return tree.size === position
}

/** One commit for each range of events whose own commits are lost. */
async function commitsFor(
  gaps: readonly Range[],
  finds: Finds,
  reader: RecordReader,
): Promise<CommitRecord[]> {
  if (gaps.length === 0) return []
  const places = placesIn(gaps, finds)
  const tree = new MerkleTree()
  const commits: CommitRecord[] = []
  for (const { from, to } of gaps) {
    const runs = new Map<string, { sessionId: string; firstVersion: number; count: number }>()
    for (let position = from; position <= to; position++) {
      const { sessionId, version } = places.get(position)!
      const run = runs.get(sessionId)
      if (run === undefined) runs.set(sessionId, { sessionId, firstVersion: version, count: 1 })
      else run.count++
    }
    grow(tree, finds.leaves, to)
    const { sessionId, version } = places.get(to)!
    const [{ recordedAt } = { recordedAt: 0 }] = await reader.record(sessionId, version)
    const commit = { firstPosition: from, lastPosition: to, recordedAt, root: tree.root() }
    commits.push({ ...commit, runs: [...runs.values()] satisfies Run[], forwarded: [] })
  }
  return commits
}

function placesIn(gaps: readonly Range[], finds: Finds): Map<number, { sessionId: string; version: number }> {
  const places = new Map<number, { sessionId: string; version: number }>()
  const inGap = (position: number) => gaps.some(({ from, to }) => position >= from && position <= to)
  for (const [sessionId, { positions, hashes }] of finds.sessions) {
    positions.forEach((position, at) => {
      // Of two events with one position the one that the tree has.
      if (inGap(position) && finds.leaves[position - 1] === hashes[at])
        places.set(position, { sessionId, version: at + 1 })
    })
  }
  return places
}
