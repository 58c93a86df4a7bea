import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { assertFormat, FORMAT } from '../log/format.ts'
import { OPENING, REFUSED } from '../log/found-log.ts'
import { acquireLock } from '../log/lock.ts'
import { openLevelLog } from '../log/open-level.ts'
import type { EventLog, LogOperation, StoreRecord } from '../log/port.ts'
import { LogReader } from '../log/reader.ts'
import { type RawEvent, readRecord } from '../log/record.ts'
import { operationsOf } from '../new-store.ts'
import { RestoredCuts } from '../restored-cuts.ts'
import { readWitness, witnessPath } from '../snapshot/witness.ts'
import { ArchiveSource } from './archive-source.ts'
import { BackupSource } from './backup-source.ts'
import { Finds } from './finds.ts'
import { FoundSnapshots } from './found-snapshots.ts'
import type { Damage } from './level-files.ts'
import { LogSource } from './log-source.ts'
import { missingPositions } from './losses.ts'
import { Remade } from './remade.ts'
import type { SalvageOptions, SalvageReport } from './salvage-report.ts'
import { salvageSessions } from './salvaged-sessions.ts'
import type { Source } from './source.ts'
import { type TrustedLog, trustedLog } from './trusted-log.ts'

/** So many damages are named. */
const DAMAGES_MAX = 1000
/** Written at once: so many operations at the least. */
const BATCH = 1000

/** What a new log was filled with. */
export interface Filled {
  readonly report: Omit<SalvageReport, 'origin' | 'position' | 'root' | 'sessions'>
  readonly recordedAt: number
}

/** Finds what there is, and writes it into a new log. */
export async function fill(place: string, scratch: EventLog, options: SalvageOptions): Promise<Filled> {
  const { from, backup, signal } = options
  const damages: Damage[] = []
  const onDamage = (damage: Damage) => void (damages.length < DAMAGES_MAX && damages.push(damage))
  const witness = await readWitness(from).catch(error =>
    onDamage({ path: witnessPath(from), what: error.message }),
  )
  const snapshots = await FoundSnapshots.in(join(from, 'sessions_v3'), signal)
  for (const { path, error } of snapshots.unreadable) onDamage({ path, what: (error as Error).message })
  const finds = new Finds(scratch, witness?.origin ?? snapshots.origin)
  for (const source of sourcesOf(from, backup)) {
    finds.begin(source.name)
    await source.read(finds, onDamage, signal)
    await finds.flush()
    assertKnown(finds.record)
  }
  if (witness !== undefined && witness.origin === finds.origin) finds.hear(witness.position)
  const { origin } = finds
  const own = origin === undefined ? new Map() : snapshots.of(origin)
  const trusted = await trustedLog(finds, scratch, new LogReader(scratch))
  const lock = await acquireLock(place)
  const log = await openLevelLog(join(place, 'log'))
  try {
    await writeTrusted(log, { finds, scratch, trusted, options })
    const first = Math.max(Date.now(), trusted.commits.at(-1)?.recordedAt ?? 0)
    const remade = new Remade(log, trusted.tree, origin ?? '', first)
    const losses = await salvageSessions(
      { finds, scratch, trusted, snapshots: own, onDamage, signal },
      remade,
    )
    await log.write([{ op: 'store', record: recordOf(finds, trusted.position, snapshots) }], true)
    const missing = missingPositions(finds.leaves, finds.position)
    const foreign = snapshots.heads.filter(head => head.origin !== origin).map(({ path }) => path)
    const leftOut = [...snapshots.strange(finds.sessions.keys()), ...foreign]
    const { conflicts, brought } = finds
    return {
      recordedAt: remade.events > 0 ? first : (trusted.commits.at(-1)?.recordedAt ?? 0),
      report: {
        ok: [losses, missing, conflicts, leftOut].every(each => each.length === 0),
        from: origin,
        kept: trusted.position,
        commitsMade: trusted.made,
        remade: remade.events,
        states: remade.states,
        uncommitted: countUncommitted(finds, trusted),
        sources: Array.from(brought, ([name, events]) => ({ name, events })),
        losses,
        missing,
        conflicts,
        damages,
        leftOut,
      },
    }
  } finally {
    await log.close()
    await lock.release()
  }
}

/** In the order in which they are believed. */
function sourcesOf(from: string, backup: string | undefined): Source[] {
  const log = new LogSource(join(from, 'log'), { isWhole: true })
  const kept = [REFUSED, OPENING].map(name => new LogSource(join(from, name), { isWhole: false }))
  const logs = [log, ...kept, new ArchiveSource(join(from, 'archive'))]
  return backup === undefined ? logs : [...logs, new BackupSource(backup)]
}

interface Writing {
  readonly finds: Finds
  readonly scratch: EventLog
  readonly trusted: TrustedLog
  readonly options: SalvageOptions
}

/** Brings the events that are as they were into the new log, in runs of a session's. */
async function writeTrusted(log: EventLog, { finds, scratch, trusted, options }: Writing): Promise<void> {
  const { position, commits } = trusted
  const { signal, onProgress } = options
  let operations: LogOperation[] = commits.map(commit => ({ op: 'commit', commit }))
  let run: RawEvent[] = []
  let written = 0
  const isTrusted = (event: RawEvent) => event.position <= position && finds.holds(event)
  const cuts = new RestoredCuts()
  for await (const page of scratch.sealed(signal))
    for (const record of page) for (const event of readRecord(record).filter(isTrusted)) cuts.hear(event)
  const close = async () => {
    const { kept, operations: pruned } = cuts.part(run)
    operations.push(...pruned, ...operationsOf(kept))
    written += run.length
    run = []
    if (operations.length < BATCH) return
    signal?.throwIfAborted()
    await log.write(operations, false)
    operations = []
    onProgress?.({ written, of: position })
  }
  for await (const page of scratch.sealed(signal)) {
    for (const record of page) {
      if (record.sessionId !== run[0]?.sessionId) await close()
      run.push(...readRecord(record).filter(isTrusted))
    }
  }
  await close()
  await log.write([...operations, ...cuts.operations], false)
}

function recordOf({ record, origin }: Finds, position: number, snapshots: FoundSnapshots): StoreRecord {
  const schemas = snapshots.heads.map(({ schemaVersion }) => schemaVersion)
  const known = record ?? {
    format: FORMAT,
    createdAt: Date.now(),
    schemaVersion: schemas.reduce((a, b) => Math.max(a, b), 0),
    requireActor: false,
    requireReason: false,
  }
  const { restoredFrom: _, ...said } = known as StoreRecord
  const from = origin === undefined || position === 0 ? {} : { restoredFrom: { origin, position } }
  return { ...said, ...from, format: FORMAT, origin: randomUUID() }
}

function assertKnown(record: StoreRecord | undefined): void {
  if (record !== undefined) assertFormat('The log', record.format)
}

/** Events behind what can be trusted that are in none of the commits that were found. */
function countUncommitted({ sessions }: Finds, { position: end, beyond }: TrustedLog): number {
  let count = 0
  for (const { positions } of sessions.values())
    positions.forEach(position => {
      if (position > end && !beyond.some(({ from, to }) => position >= from && position <= to)) count++
    })
  return count
}
