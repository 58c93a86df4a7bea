import { type Range, type SalvageReport, type SessionLoss, salvage } from '../index.ts'
import { assertStore, type Context } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { Output } from './output.ts'
import { formatCount, plural, printable } from './text.ts'

/** How many of each are named to people; `--json` has all. */
const SHOWN_MAX = 20

/** Makes a new store of what can be believed of the one in the context's directory. */
export async function rebuild(context: Context, to: string, backup: string | undefined): Promise<ExitCode> {
  const { dir, json, out, progress, signal } = context
  // With a backup, not even a log or a snapshot has to be left.
  if (backup === undefined) await assertStore(dir)
  const onProgress = ({ written, of }: { written: number; of: number }) =>
    progress.update('Rebuilding', written, of)
  const options = { from: dir, dir: to, signal, onProgress }
  const report = await salvage(backup === undefined ? options : { ...options, backup })
  progress.end()
  if (json) await out.json(report)
  else await tell(report, to, out)
  return report.ok ? EXIT.OK : EXIT.DAMAGED
}

async function tell(report: SalvageReport, to: string, out: Output): Promise<void> {
  const { ok, origin, position, sessions, kept, remade, states, commitsMade, uncommitted } = report
  const { colors } = out
  await out.line(
    `Saved ${plural(sessions, 'session')} and ${plural(position, 'event')} into ${printable(to)}, as store ${origin}`,
  )
  for (const { name, events } of report.sources)
    if (events > 0) await out.line(`  ${plural(events, 'event')} found in ${name}`)
  if (kept > 0) await out.line(`  ${plural(kept, 'event')} as they were, with their positions and hashes`)
  if (commitsMade > 0) await out.line(`  ${plural(commitsMade, 'commit')} made again, proved by a later one`)
  if (remade > 0)
    await out.line(
      `  ${plural(remade, 'event')} made anew, each names the one it came from; ${states} of them states alone`,
    )
  if (uncommitted > 0) await out.line(`  ${plural(uncommitted, 'event')} found without a commit`)
  await tellList(
    'could not be read',
    report.damages.map(({ path, what }) => `${path}: ${what}`),
    out,
  )
  if (ok) return out.line(colors.green('Nothing is lost'))
  await out.line(colors.red('Lost:'))
  const { missing, conflicts, leftOut, losses } = report
  if (missing.length > 0) await out.line(`  no event was found of ${positionsOf(missing)}`)
  const others = conflicts.map(
    each => `version ${each.version} of '${each.sessionId}', as the ${each.source} has it`,
  )
  await tellList('not taken: another event stands there', others, out)
  await tellList('not taken: of no session that is known, or of another store', leftOut, out)
  await tellLosses(losses, out)
}

async function tellList(what: string, lines: readonly string[], out: Output): Promise<void> {
  for (const line of lines.slice(0, SHOWN_MAX)) await out.line(`  ${what}: ${printable(line)}`)
  if (lines.length > SHOWN_MAX) await out.line(`  … and ${formatCount(lines.length - SHOWN_MAX)} more`)
}

/** All of them: what is lost has to be told in full. */
async function tellLosses(losses: readonly SessionLoss[], out: Output): Promise<void> {
  for (const { sessionId, lost, states, last, saved } of losses) {
    const alone = states.length === 0 ? '' : `; the state alone of ${states.join(', ')}`
    const now = saved === 0 ? 'nothing is left of it' : `its state is that of version ${saved} of ${last}`
    await out.line(`  '${printable(sessionId)}': versions ${listOf(lost)}${alone}; ${now}`)
  }
}

function positionsOf(ranges: readonly Range[]): string {
  const sum = ranges.reduce((total, { from, to }) => total + to - from + 1, 0)
  return `${plural(sum, 'position')}: ${listOf(ranges)}`
}

function listOf(ranges: readonly Range[]): string {
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(', ')
}
