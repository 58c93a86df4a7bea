import type { Command } from 'commander'
import { type Point, SessionlogError, SessionlogTypeError } from '../index.ts'
import { isPlainJson, toTaggedJson } from '../state/tagged-json.ts'
import { integer, newCommand, type Run, time } from './command.ts'
import { type Context, headOf, type Reader, withReader } from './context.ts'
import { valuesJson } from './event-json.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { describePoint, POINT_HELP, point } from './point.ts'
import { printableJson } from './text.ts'

interface Options {
  at?: Point
  version?: number
  time?: number
  occurred?: boolean
}

export function showCommand(run: Run): Command {
  return newCommand('show <id>', 'the state of a session, now or as it was')
    .option('--at <point>', `as of ${POINT_HELP}`, point('--at'))
    .option('--version <number>', 'as of this version', integer('--version', 1))
    .option('--time <time>', 'as of this time: ISO 8601, or ms since the epoch', time('--time'))
    .option('--occurred', 'with a time: by the time that callers gave')
    .addHelpText('after', '\nAn id that begins with a dash stands behind "--": sessionlog show -- -id')
    .action((id: string, options: Options, command: Command) =>
      run(command, context => withReader(context, reader => show(reader, context, id, options))),
    )
}

async function show(
  reader: Reader,
  { out, json, signal }: Context,
  id: string,
  options: Options,
): Promise<ExitCode> {
  const asked = pointOf(options)
  headOf(reader, id)
  const state = await (asked === undefined ? reader.get(id) : reader.stateAt(id, { ...asked, signal }))
  if (state === undefined) throw noState(reader, id, asked)
  const plain = isPlainJson(state)
  if (json) {
    const version = asked === undefined ? reader.version(id) : 'version' in asked ? asked.version : undefined
    await out.json({
      session: id,
      ...(version !== undefined && { version }),
      ...valuesJson({ state }),
    })
    return EXIT.OK
  }
  await out.line(printableJson(JSON.stringify(plain ? state : toTaggedJson(state), undefined, 2)))
  if (!plain)
    out.note('sessionlog: the state holds what JSON lacks: keys such as $date, $map or $bytes say what')
  return EXIT.OK
}

/** The one place in the history that is asked for; undefined for now. */
function pointOf({ at, version, time, occurred }: Options): Point | undefined {
  if ([at, version, time].filter(each => each !== undefined).length > 1)
    throw new SessionlogTypeError('Only one of --at, --version and --time can be given', 'at')
  if (version !== undefined) return { version }
  const asked = time === undefined ? at : { time }
  if (!occurred) return asked
  if (asked === undefined || !('time' in asked))
    throw new SessionlogTypeError('--occurred needs a time', 'occurred')
  return { ...asked, by: 'occurred' }
}

function noState(reader: Reader, sessionId: string, asked: Point | undefined): SessionlogError {
  const ended = `: it ended with version ${reader.version(sessionId)}`
  const when = asked === undefined ? ended : ` ${describePoint(asked)}`
  const message = `Session '${sessionId}' has no state${when}`
  return new SessionlogError('SESSIONLOG_SESSION_NOT_FOUND', message, { sessionId })
}
