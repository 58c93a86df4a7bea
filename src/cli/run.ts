import { Command, CommanderError } from 'commander'
import { packageVersion } from '../package.ts'
import { archiveCommand, holdCommand, pruneCommand } from './archive.ts'
import { auditCommand } from './audit.ts'
import { backupCommand, restoreCommand } from './backup.ts'
import { bisectCommand } from './bisect.ts'
import { blameCommand } from './blame.ts'
import { bundleCommand } from './bundle.ts'
import { withBundle } from './bundle-path.ts'
import { type Run, withCommonOptions } from './command.ts'
import { compactCommand } from './compact.ts'
import { diffCommand } from './diff.ts'
import { doctorCommand } from './doctor.ts'
import { describeFailure, EXIT, EXIT_HELP, type ExitCode, Interruption } from './exit-code.ts'
import { exportCommand } from './export.ts'
import { historyCommand } from './history.ts'
import { importCommand } from './import.ts'
import { keygenCommand } from './keygen.ts'
import { lsCommand } from './ls.ts'
import { Output } from './output.ts'
import { Progress } from './progress.ts'
import { checkpointCommand, proveCommand } from './prove.ts'
import { replayCommand } from './replay.ts'
import { reproCommand } from './repro.ts'
import { showCommand } from './show.ts'
import { statsCommand } from './stats.ts'
import { tailCommand } from './tail.ts'
import { verifyCommand } from './verify.ts'
import { verifyProofCommand } from './verify-proof.ts'

/** In the order of `--help`. */
const COMMANDS = [
  importCommand,
  exportCommand,
  bundleCommand,
  lsCommand,
  showCommand,
  historyCommand,
  diffCommand,
  blameCommand,
  replayCommand,
  bisectCommand,
  auditCommand,
  tailCommand,
  compactCommand,
  archiveCommand,
  pruneCommand,
  holdCommand,
  backupCommand,
  restoreCommand,
  verifyCommand,
  doctorCommand,
  statsCommand,
  reproCommand,
  keygenCommand,
  checkpointCommand,
  proveCommand,
  verifyProofCommand,
]

/**
 * Runs the command line and answers with what the process is to end with. Only data goes to standard output; an error
 * is one line on standard error, with its code.
 */
export async function run(args: readonly string[]): Promise<ExitCode> {
  const abort = new AbortController()
  const { signal } = abort
  let broken: NodeJS.ErrnoException | undefined
  const onBroken = (error: NodeJS.ErrnoException) => {
    broken = error
    abort.abort(error)
  }
  const out = new Output(process.stdout, process.stderr, onBroken, signal)
  const progress = new Progress(process.stderr)
  let exitCode: ExitCode = EXIT.OK
  const work: Run = async (command, task) => {
    const { dir = 'data', json = false } = { ...command.parent?.opts(), ...command.opts() }
    exitCode = await task({ dir, json, out, progress, signal })
  }
  const stopListening = abortOnSignals(abort)
  try {
    await newProgram(out, work).parseAsync(withBundle(args), { from: 'user' })
    await out.flush()
    return broken === undefined ? exitCode : afterBreak(broken, out)
  } catch (error) {
    progress.end()
    if (broken !== undefined) return afterBreak(broken, out)
    if (error instanceof CommanderError) return helpWasAsked(error) ? EXIT.OK : EXIT.USAGE
    await out.flush().catch(() => {})
    const failure = describeFailure(signal.aborted ? signal.reason : error)
    out.fail(failure.message, failure.code)
    return failure.exitCode
  } finally {
    stopListening()
  }
}

function newProgram(out: Output, work: Run): Command {
  const program = withCommonOptions(new Command('sessionlog'))
    .description('An event-sourced session store: every save is an event.')
    .version(packageVersion(), '-V, --version')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ outputError: text => out.fail(wordsOf(text), 'SESSIONLOG_INVALID_ARGUMENT') })
    .addHelpText('after', `${EXIT_HELP}\n\nsessionlog COMMAND --help says more about a command.`)
  for (const add of COMMANDS) program.addCommand(add(work).copyInheritedSettings(program))
  return program
}

/** Once to stop and close in order; twice to leave at once. */
function abortOnSignals(abort: AbortController): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    const interruption = new Interruption(signal)
    if (abort.signal.aborted) process.exit(interruption.exitCode)
    abort.abort(interruption)
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const each of signals) process.on(each, onSignal)
  return () => void signals.map(each => process.off(each, onSignal))
}

/** A reader that has seen enough is no failure; a disk without room for the output is one. */
function afterBreak(error: NodeJS.ErrnoException, out: Output): ExitCode {
  if (error.code === 'EPIPE') return EXIT.OK
  out.fail(`Cannot write the output: ${error.message}`, 'SESSIONLOG_IO_ERROR')
  return EXIT.IO
}

function helpWasAsked({ code }: CommanderError): boolean {
  return code === 'commander.helpDisplayed' || code === 'commander.version'
}

/** `error: unknown command 'lss'\n(Did you mean ls?)` in one line. */
function wordsOf(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replaceAll('\n', ' ')
}
