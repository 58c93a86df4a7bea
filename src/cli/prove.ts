import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { SessionlogError } from '../index.ts'
import { integer, newCommand, type Run } from './command.ts'
import { type Context, type Store, withStore } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { readSkey } from './key-file.ts'

interface Options {
  key: string
  out?: string
}

/** `sessionlog checkpoint`: what the store holds now, signed. */
export function checkpointCommand(run: Run): Command {
  return signing('checkpoint', 'sign what the store holds now: its origin, its size and its root').action(
    (options: Options, command: Command) =>
      run(command, context => sign(context, options, store => store.checkpoint())),
  )
}

/** `sessionlog prove`: a file that convinces somebody who has the verifier's key, and no store. */
export function proveCommand(run: Run): Command {
  return signing('prove <id> <version>', 'prove an event, and the state after it, to somebody else').action(
    (id: string, version: string, options: Options, command: Command) => {
      const wanted = integer('version', 1)(version)
      return run(command, context =>
        sign(context, options, store => store.prove(id, wanted, { signal: context.signal })),
      )
    },
  )
}

function signing(usage: string, description: string): Command {
  return newCommand(usage, description)
    .requiredOption('-k, --key <file>', "the signer's key, as keygen wrote it")
    .option('-o, --out <file>', 'where to write it (default: standard output)')
}

async function sign(
  context: Context,
  { key, out: path }: Options,
  make: (store: Store) => Promise<string>,
): Promise<ExitCode> {
  const signingKey = await readSkey(key)
  const text = await withStore(context, make, { signingKey })
  if (path !== undefined) await write(path, text)
  else if (context.json) await context.out.json({ text })
  else await context.out.line(text.replace(/\n$/, ''))
  return EXIT.OK
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (cause) {
    const message = `Cannot write '${path}': ${(cause as Error).message}`
    throw new SessionlogError('SESSIONLOG_IO_ERROR', message, { cause, path })
  }
}
