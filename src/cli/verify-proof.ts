import type { Command } from 'commander'
import { verifyProof } from '../proof/verify.ts'
import { toTaggedJson } from '../state/tagged-json.ts'
import { newCommand, type Run } from './command.ts'
import type { Context } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { readText, readVkey } from './key-file.ts'
import { formatTime, printable } from './text.ts'

interface Options {
  key: string
  origin?: string
}

export function verifyProofCommand(run: Run): Command {
  return newCommand('verify-proof <file>', 'check a proof; no store is needed')
    .requiredOption('-k, --key <key>', "the verifier's key, or a file with it")
    .option('--origin <origin>', 'the log that it must be of (default: the one that the key is named after)')
    .action((file: string, options: Options, command: Command) =>
      run(command, context => checkProof(context, file, options)),
    )
}

async function checkProof(context: Context, file: string, { key, origin }: Options): Promise<ExitCode> {
  const { out, json } = context
  const proved = verifyProof(await readText(file), await readVkey(key), origin)
  const { state, ...facts } = proved
  const tagged = state === undefined ? undefined : toTaggedJson(state)
  if (json) await out.json({ ...facts, state: tagged })
  else {
    const { sessionId, version, position, size, recordedAt, type, actor, reason } = proved
    await out.line(out.colors.green('Proved'))
    await out.line(`  session   ${printable(sessionId)}, version ${version}`)
    await out.line(`  event     ${printable(type)}, recorded ${formatTime(recordedAt)}, ${proved.hash}`)
    if (actor !== undefined)
      await out.line(`  actor     ${printable(typeof actor === 'string' ? actor : JSON.stringify(actor))}`)
    if (reason !== undefined) await out.line(`  reason    ${printable(String(reason))}`)
    await out.line(
      `  log       ${printable(proved.origin)}: event ${position} of ${size}, root ${proved.root}`,
    )
    await out.line(state === undefined ? '  deleted' : `  state     ${printable(JSON.stringify(tagged))}`)
  }
  return EXIT.OK
}
