import type { Command } from 'commander'
import { apply } from '../state/apply.ts'
import { newCommand, type Run } from './command.ts'
import { type Context, type Store, withStore } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { exportLine } from './export-line.ts'
import { lastEvent } from './ls.ts'
import { printableJson } from './text.ts'

export function exportCommand(run: Run): Command {
  return newCommand('export', 'every version of every session as NDJSON that import reads, in commit order')
    .option('--current', 'only the current states')
    .action((options: { current?: boolean }, command: Command) =>
      run(command, context =>
        withStore(context, store => writeLines(store, context, options.current ?? false)),
      ),
    )
}

async function writeLines(store: Store, context: Context, current: boolean): Promise<ExitCode> {
  const { out, progress } = context
  let done = 0
  for await (const line of current ? currentLines(store, context) : allLines(store, context)) {
    await out.line(printableJson(line))
    if (!out.isTerminal) progress.update('Exporting', ++done, current ? store.size : undefined)
  }
  return EXIT.OK
}

/** Folds every session as it goes: no more than the current states is kept. */
async function* allLines(store: Store, { signal }: Context): AsyncGenerator<string> {
  const states = new Map<string, unknown>()
  for await (const event of store.events({ signal })) {
    const state = apply(event.changes, states.get(event.sessionId))
    if (state === undefined) states.delete(event.sessionId)
    else states.set(event.sessionId, state)
    yield exportLine(event, state)
  }
}

/** Each state with what the event that made it says, but for the event's own id and input. */
async function* currentLines(store: Store, { signal }: Context): AsyncGenerator<string> {
  for (const id of [...store.ids()].sort()) {
    signal.throwIfAborted()
    const event = await lastEvent(store, id)
    if (event === undefined) continue
    const { data, eventId, ...said } = event
    yield exportLine(said, store.get(id))
  }
}
