import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Divergence, type Reducer, type ReplayCheck, SessionlogTypeError } from '../index.ts'
import { describeEach } from './change-text.ts'
import { type Context, headOf, type Reader } from './context.ts'
import { eventJson, valuesJson } from './event-json.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { formatCount, plural, printable } from './text.ts'

/** Holds the reducer of a module against what sessions recorded: those named, or all that have a state. */
export async function checkReplays(
  reader: Reader,
  context: Context,
  named: readonly string[],
  { check, to }: { readonly check: string; readonly to?: number },
): Promise<ExitCode> {
  const { out, json, progress, signal } = context
  const reducer = await loadReducer(check)
  for (const id of named) headOf(reader, id)
  const ids = named.length > 0 ? named : [...reader.ids()]
  let events = 0
  let diverged = 0
  for (const [index, id] of ids.entries()) {
    progress.update('Checking', index, ids.length, plural(events, 'event'))
    const result = await reader.checkReplay(id, reducer, { signal, ...(to !== undefined && { until: to }) })
    events += result.checked
    if (!result.ok) diverged++
    if (json) await out.json(checkJson(id, result))
    else if (result.divergence !== undefined) await tell(id, result.divergence, context)
  }
  progress.end()
  if (!json) {
    const verdict = diverged === 0 ? 'none diverged' : `${formatCount(diverged)} diverged`
    await out.line(`Checked ${plural(events, 'event')} of ${plural(ids.length, 'session')}: ${verdict}`)
  }
  return diverged === 0 ? EXIT.OK : EXIT.NO
}

/** A module's default export, or `reducer`. */
async function loadReducer(path: string): Promise<Reducer<unknown>> {
  let module: Record<string, unknown>
  try {
    module = await import(pathToFileURL(resolve(path)).href)
  } catch (error) {
    throw new SessionlogTypeError(`Cannot load '${path}': ${(error as Error).message}`, 'check')
  }
  const reducer = module.default ?? module.reducer
  if (typeof reducer === 'function') return reducer as Reducer<unknown>
  throw new SessionlogTypeError(`'${path}' has no function as its default export, and no reducer`, 'check')
}

function checkJson(session: string, { divergence, ...result }: ReplayCheck<unknown>): object {
  if (divergence === undefined) return { session, ...result }
  const { version, event, expected, actual, diff, error } = divergence
  return {
    session,
    ...result,
    divergence: {
      version,
      event: eventJson(event),
      ...valuesJson({ expected, actual, diff }),
      ...(error !== undefined && { error: String(error) }),
    },
  }
}

async function tell(id: string, divergence: Divergence<unknown>, { out }: Context): Promise<void> {
  const { version, event, expected, diff, error } = divergence
  await out.line(out.colors.red(printable(`${id}: version ${version}, ${event.type}`)))
  if (error !== undefined) await out.line(printable(`  the reducer failed: ${String(error)}`))
  for (const line of describeEach(diff, expected)) await out.line(`  ${printable(line)}`)
}
