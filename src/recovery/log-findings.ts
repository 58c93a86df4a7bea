import { join } from 'node:path'
import type { SessionlogError } from '../errors.ts'
import type { VerifyProblem } from '../verify.ts'
import type { Finding } from './examination.ts'
import type { Looks } from './looks.ts'
import { onDirectory } from './remedies.ts'

/** So many of a kind are told one by one. */
const TOLD_MAX = 5

/** LevelDB's files, and whether a store would open on them. */
export function findingsOfLog(looks: Looks): Finding[] {
  const { dir, hasLog, damages, isShut, log, refusal, witness } = looks
  const remedy = onDirectory(dir).rebuild
  const about = 'log'
  if (!hasLog) {
    const had = witness === undefined ? '' : `: it once had ${witness.position} events`
    const message = `The log is gone${had}`
    return [{ severity: 'problem', about, code: 'SESSIONLOG_EVENTS_MISSING', message, remedy }]
  }
  if (isShut) {
    const message = 'Nobody but the process that holds the store may read its log here'
    return [{ severity: 'note', about, message, remedy: `${onDirectory(dir).verify}: that process reads it` }]
  }
  if (damages.length > 0) {
    const told = damages.slice(0, TOLD_MAX).map(
      ({ path, what }): Finding => ({
        severity: 'problem',
        about,
        code: 'SESSIONLOG_CORRUPTION',
        message: `${path} is damaged or lost: ${what}`,
        remedy,
        paths: [path],
      }),
    )
    if (damages.length === told.length) return told
    const message = `${damages.length - told.length} more places in LevelDB's files are damaged`
    return [...told, { severity: 'problem', about, code: 'SESSIONLOG_CORRUPTION', message, remedy }]
  }
  if (log === undefined) return [ofRefusal(refusal as SessionlogError, remedy)]
  const { position, sessions, record, problems } = log
  const opens = `The log opens: ${count(sessions.size, 'session')}, ${count(position, 'event')}, origin ${record.origin}`
  return [{ severity: 'ok', about, message: opens }, ...ofVerification(problems, looks)]
}

function ofRefusal({ code, message }: SessionlogError, remedy: string): Finding {
  const isNewer = code === 'SESSIONLOG_FORMAT_UNSUPPORTED'
  return {
    severity: 'problem',
    about: isNewer ? 'format' : 'log',
    code,
    message: `The log does not open: ${message}`,
    remedy: isNewer ? 'use the version of sessionlog that wrote it, or a newer one' : remedy,
  }
}

/** Of what was read in full. Snapshots that cannot be read, and those of another store or ahead of the log, are told anyway. */
function ofVerification(
  problems: readonly VerifyProblem[] | undefined,
  { dir, snapshots }: Looks,
): Finding[] {
  if (problems === undefined) return []
  const told = new Set(snapshots.unreadable.map(({ path }) => path))
  const isSnapshot = (path: string) => !path.startsWith(join(dir, 'archive'))
  const own = problems.filter(
    ({ path, code }) =>
      path === undefined || !isSnapshot(path) || (code === 'SESSIONLOG_CORRUPTION' && !told.has(path)),
  )
  if (own.length === 0)
    return [{ severity: 'ok', about: 'events', message: 'Every event is as it was written' }]
  const { rebuild, compactFully } = onDirectory(dir)
  return own.map(({ code, message, path }) => ({
    severity: 'problem',
    code,
    message,
    ...(path === undefined
      ? { about: 'events', remedy: rebuild }
      : { about: 'snapshots', remedy: compactFully, paths: [path] }),
  }))
}

/** The witness against the log, and the last compaction. */
export function findingsOfHead(looks: Looks): Finding[] {
  const { dir, witness, witnessError, log } = looks
  const { remove, rebuild, compact } = onDirectory(dir)
  const about = 'head'
  if (witnessError !== undefined) {
    const { code, message } = witnessError as SessionlogError
    const isNewer = code === 'SESSIONLOG_FORMAT_UNSUPPORTED'
    const remedy = isNewer
      ? 'use the version of sessionlog that wrote it, or a newer one'
      : `${remove(`${dir}/head.json`)}: then nothing says whether the log has lost its end`
    return [{ severity: 'problem', about: isNewer ? 'format' : about, code, message, remedy }]
  }
  if (witness === undefined) {
    if (!looks.hasLog) return []
    const message = 'There is no head.json: an end of the log that is lost would not be noticed'
    return [{ severity: 'note', about, message, remedy: 'nothing: the next clean close writes it' }]
  }
  if (log?.loss !== undefined) {
    const { code, message } = log.loss as SessionlogError
    const remedy = `look for the rest of the log; ${rebuild}; or open it with acceptLoss`
    return [{ severity: 'problem', about, code, message, remedy }, ...ofCompaction(looks, compact)]
  }
  if (log === undefined) return ofCompaction(looks, compact)
  const message = `head.json knows of ${count(witness.position, 'event')}, and the log has them`
  return [{ severity: 'ok', about, message }, ...ofCompaction(looks, compact)]
}

function ofCompaction({ witness, log }: Looks, remedy: string): Finding[] {
  const { position, recordedAt, snapshots } = witness!
  const at = new Date(recordedAt).toISOString()
  if (snapshots === 0 && (log?.position ?? position) > 0) {
    const message = 'No compaction has written every snapshot yet: without the log no state is left'
    return [{ severity: 'note', about: 'compaction', message, remedy }]
  }
  const later = (log?.position ?? position) - snapshots
  const behind = later === 0 ? '' : `; ${count(later, 'event')} came later`
  const message = `The snapshots go up to position ${snapshots}, as noted ${at}${behind}`
  return [{ severity: 'ok', about: 'compaction', message }]
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
