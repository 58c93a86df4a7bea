import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode, type SessionlogErrorCode } from '../errors.ts'
import { fileNameFor } from '../snapshot/file-name.ts'
import { readStoredSnapshot } from '../snapshot/snapshot.ts'
import type { Finding } from './examination.ts'
import type { SnapshotHead } from './found-snapshots.ts'
import type { Looks } from './looks.ts'
import { onDirectory } from './remedies.ts'
import type { SeenLog } from './seen-log.ts'

/** So many files are named. */
const PATHS_MAX = 5

/** Whether the states could be had back from the snapshots: which are missing, of another store, or not what they should be. */
export async function findingsOfSnapshots(looks: Looks): Promise<Finding[]> {
  const { dir, snapshots, log } = looks
  const { compactFully, rebuild } = onDirectory(dir)
  const findings: Finding[] = []
  const tell = (
    paths: readonly string[],
    what: [one: string, many: string],
    code: SessionlogErrorCode,
    remedy: string,
  ) => {
    if (paths.length === 0) return
    const named =
      paths.length === 1 ? `The snapshot ${paths[0]} ${what[0]}` : `${paths.length} snapshots ${what[1]}`
    const shown = paths.slice(0, PATHS_MAX)
    findings.push({ severity: 'problem', about: 'snapshots', code, message: named, remedy, paths: shown })
  }
  const newer = snapshots.unreadable.filter(({ error }) => hasCode(error, 'SESSIONLOG_FORMAT_UNSUPPORTED'))
  const others = snapshots.unreadable.filter(each => !newer.includes(each))
  const pathsOf = (list: readonly { readonly path: string }[]) => list.map(({ path }) => path)
  const version = 'use the version of sessionlog that wrote it, or a newer one'
  tell(
    pathsOf(newer),
    ['has a format that this version does not know', 'have a format that this version does not know'],
    'SESSIONLOG_FORMAT_UNSUPPORTED',
    version,
  )
  const mend = log === undefined ? rebuild : `rm it, and ${compactFully}`
  tell(pathsOf(others), ['cannot be read', 'cannot be read'], 'SESSIONLOG_CORRUPTION', mend)
  const origin = log?.record.origin ?? looks.witness?.origin ?? snapshots.origin
  const foreign = snapshots.heads.filter(head => head.origin !== origin)
  const renew = `${compactFully}; rm those that are still of another store then`
  tell(
    pathsOf(foreign),
    ['is of another store than the log', 'are of other stores than the log'],
    'SESSIONLOG_EVENTS_MISSING',
    renew,
  )
  if (log !== undefined) {
    const own = snapshots.of(log.record.origin)
    const { missing, behind, ahead, other } = await compare(dir, own, log)
    tell(missing, ['is missing', 'are missing'], 'SESSIONLOG_EVENTS_MISSING', compactFully)
    tell(
      behind,
      ['is older than the last compaction', 'are older than the last compaction'],
      'SESSIONLOG_CORRUPTION',
      compactFully,
    )
    tell(ahead, ['is ahead of the log', 'are ahead of the log'], 'SESSIONLOG_EVENTS_MISSING', rebuild)
    tell(
      other,
      ['is of another event than the log has', 'are of other events than the log has'],
      'SESSIONLOG_CORRUPTION',
      compactFully,
    )
  }
  if (findings.length === 0) {
    const message = `${snapshots.heads.length} snapshots${log === undefined ? ' can be read' : ', none is missing'}`
    findings.push({ severity: 'ok', about: 'snapshots', message })
  }
  return findings
}

interface Compared {
  readonly missing: string[]
  readonly behind: string[]
  readonly ahead: string[]
  readonly other: string[]
}

/** A compaction writes a session's snapshot before its base: so where there is a base, there is a snapshot no older than that. */
async function compare(
  dir: string,
  own: ReadonlyMap<string, SnapshotHead>,
  { sessions, record }: SeenLog,
): Promise<Compared> {
  const compared: Compared = { missing: [], behind: [], ahead: [], other: [] }
  for (const [id, { version, hash, base, hasState }] of sessions) {
    const path = join(dir, 'sessions_v3', fileNameFor(id))
    const found = own.get(id)
    if (found === undefined) {
      if (hasState && !existsSync(path)) compared.missing.push(path)
      continue
    }
    if (found.version > version) compared.ahead.push(found.path)
    else if (found.version === version && found.hash !== hash) compared.other.push(found.path)
    else if (found.version < base && (await isStillBehind(path, record.origin, base)))
      compared.behind.push(found.path)
  }
  for (const [id, { path }] of own) if (!sessions.has(id)) compared.ahead.push(path)
  return compared
}

/** A compaction may have been at work meanwhile. */
async function isStillBehind(path: string, origin: string, base: number): Promise<boolean> {
  const now = await readStoredSnapshot(path).catch(() => undefined)
  return now !== undefined && !(now.origin === origin && now.version >= base)
}
