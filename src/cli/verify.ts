import type { Command } from 'commander'
import { wrong } from '../arguments.ts'
import { hasCode } from '../errors.ts'
import { SessionlogTypeError, type VerifyOptions, type VerifyReport, verifyCheckpoint } from '../index.ts'
import { problemOf } from '../verify.ts'
import { tellBundle } from './bundle-facts.ts'
import { isBundle } from './bundle-path.ts'
import { newCommand, type Run } from './command.ts'
import { assertStore, type Context, open } from './context.ts'
import { describeFailure, EXIT, type ExitCode } from './exit-code.ts'
import { readText, readVkey } from './key-file.ts'
import { formatDuration, plural, printable } from './text.ts'

export function verifyCommand(run: Run): Command {
  return newCommand('verify', 'read everything and check it: events, links, roots, bases, snapshots')
    .option('--checkpoint <file>', 'one that was given out: finds a log that was cut, rolled back or swapped')
    .option('-k, --key <key>', "the verifier's key of the checkpoint or the bundle, or a file with it")
    .action((options: Options, command: Command) =>
      run(command, async context => {
        if (!(await isBundle(context.dir))) return verifyStore(context, await against(options))
        if (options.checkpoint !== undefined)
          throw wrong('A bundle is checked with --key alone', 'checkpoint')
        return verifyBundle(context, options)
      }),
    )
}

interface Options {
  checkpoint?: string
  key?: string
}

async function against({ checkpoint, key }: Options): Promise<Pick<VerifyOptions, 'checkpoint' | 'key'>> {
  if ((checkpoint === undefined) !== (key === undefined))
    throw new SessionlogTypeError('--checkpoint and --key belong together', 'checkpoint')
  if (checkpoint === undefined) return {}
  return { checkpoint: await readText(checkpoint), key: await readVkey(key!) }
}

/** A store that can't even be opened has been verified too: why not is the problem. */
async function verifyStore(context: Context, checked: VerifyOptions): Promise<ExitCode> {
  await assertStore(context.dir)
  const { progress, signal } = context
  let report: VerifyReport | undefined
  try {
    const store = await open(context)
    try {
      report = await store.verify({
        ...checked,
        signal,
        onProgress: ({ events, of }) => progress.update('Verifying', events, of),
      })
    } finally {
      progress.end()
      await store.close()
    }
  } catch (error) {
    const { exitCode } = describeFailure(error)
    if (exitCode !== EXIT.DAMAGED || report !== undefined) throw error
    await tell(context, { ok: false, problems: [problemOf(error)] })
    return exitCode
  }
  await tell(context, report)
  if (report.ok && !context.json && checked.checkpoint !== undefined)
    await context.out.line(heldText(checked.checkpoint, checked.key!))
  return report.ok ? EXIT.OK : EXIT.NO
}

/** What is wrong with a bundle is why it does not open. */
async function verifyBundle(context: Context, options: Options): Promise<ExitCode> {
  try {
    await tellBundle(context, { ...options, verified: true })
    return EXIT.OK
  } catch (error) {
    const { exitCode } = describeFailure(error)
    const isFound = exitCode === EXIT.DAMAGED || hasCode(error, 'SESSIONLOG_PROOF_INVALID')
    if (!isFound || !context.json) throw error
    await tell(context, { ok: false, problems: [problemOf(error)] })
    return exitCode
  }
}

function heldText(checkpoint: string, key: string | readonly string[]): string {
  const { origin, size } = verifyCheckpoint(checkpoint, key)
  return `It holds the ${plural(size, 'event')} of the checkpoint of ${printable(origin)}`
}

type Outcome = Pick<VerifyReport, 'ok' | 'problems'> & Partial<VerifyReport>

async function tell({ out, json }: Context, outcome: Outcome): Promise<void> {
  if (json) return out.json(outcome)
  const { colors } = out
  for (const { code, message } of outcome.problems)
    await out.line(`${colors.red(code)}  ${printable(message)}`)
  const verdict = outcome.ok
    ? colors.green('Verified')
    : colors.red(plural(outcome.problems.length, 'problem'))
  await out.line(verdict + detailsOf(outcome))
}

function detailsOf({ position, sessions, commits, bases, snapshots, root, durationMs }: Outcome): string {
  if (position === undefined) return ': the store does not open'
  const counts = Object.entries({ events: position, sessions, commits, bases, snapshots })
  const read = counts.map(([what, count]) => plural(count!, what.slice(0, -1))).join(', ')
  return `: ${read} read in ${formatDuration(durationMs!)}\nroot ${root}`
}
