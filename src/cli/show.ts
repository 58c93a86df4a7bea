import type { Command } from 'commander'
import { SessionlogError, SessionlogTypeError } from '../index.ts'
import { isPlainJson, stringifyState, toTaggedJson } from '../state/tagged-json.ts'
import { integer, newCommand, type Run, time } from './command.ts'
import { type Context, type Store, withStore } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { sessionNotFound } from './history.ts'

interface Options {
  version?: number
  time?: number
  occurred?: boolean
}

export function showCommand(run: Run): Command {
  return newCommand('show <id>', 'the state of a session, now or as it was')
    .option('--version <number>', 'as of this version', integer('--version', 1))
    .option('--time <time>', 'as of this time: ISO 8601, or ms since the epoch', time('--time'))
    .option('--occurred', 'with --time: by the time that callers gave')
    .addHelpText('after', '\nAn id that begins with a dash stands behind "--": sessionlog show -- -id')
    .action((id: string, options: Options, command: Command) =>
      run(command, context => withStore(context, store => show(store, context, id, options))),
    )
}

async function show(
  store: Store,
  { out, json, signal }: Context,
  id: string,
  options: Options,
): Promise<ExitCode> {
  checkOptions(options)
  if (store.version(id) === 0) throw sessionNotFound(id)
  const state = await read(store, id, options, signal)
  if (state === undefined) throw noState(store, id, options)
  const plain = isPlainJson(state)
  if (json) {
    const { version = options.time === undefined ? store.version(id) : undefined } = options
    await out.json({
      session: id,
      ...(version !== undefined && { version }),
      ...(!plain && { encoding: 'tagged' }),
      state: toTaggedJson(state),
    })
    return EXIT.OK
  }
  await out.line(stringifyState(state, 2))
  if (!plain)
    out.note('sessionlog: the state holds what JSON lacks: keys such as $date, $map or $bytes say what')
  return EXIT.OK
}

function checkOptions({ version, time, occurred }: Options): void {
  if (version !== undefined && time !== undefined)
    throw new SessionlogTypeError('Either --version or --time can be given', 'version')
  if (occurred && time === undefined) throw new SessionlogTypeError('--occurred needs --time', 'occurred')
}

function read(store: Store, id: string, { version, time, occurred }: Options, signal: AbortSignal): unknown {
  if (version !== undefined) return store.stateAt(id, { version, signal })
  if (time === undefined) return store.get(id)
  return store.stateAt(id, { time, by: occurred ? 'occurred' : 'recorded', signal })
}

function noState(store: Store, sessionId: string, { version, time }: Options): SessionlogError {
  const when = version !== undefined ? ` at version ${version}` : time !== undefined ? ' at that time' : ''
  const hint = when === '' ? `: it ended with version ${store.version(sessionId)}` : ''
  const message = `Session '${sessionId}' has no state${when}${hint}`
  return new SessionlogError('SESSIONLOG_SESSION_NOT_FOUND', message, { sessionId })
}
