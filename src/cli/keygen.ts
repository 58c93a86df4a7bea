import type { Command } from 'commander'
import { generateKey } from '../index.ts'
import { originLine } from '../proof/checkpoint.ts'
import { newCommand, type Run } from './command.ts'
import { withStore } from './context.ts'
import { EXIT } from './exit-code.ts'
import { writeSkey } from './key-file.ts'

interface Options {
  name?: string
}

const HELP = `
The signer's key goes into FILE, readable by you alone: whoever has it can sign in your name. The verifier's key goes to
standard output: give it to those who check proofs. Without --name the key is named after the store in --dir:
by that name verify-proof knows which log a proof must be of. With another one it needs --origin.`

export function keygenCommand(run: Run): Command {
  return newCommand('keygen <file>', 'make a pair of keys that signs checkpoints')
    .option('--name <name>', 'what the key is called; a domain and a path are usual')
    .addHelpText('after', HELP)
    .action((file: string, { name }: Options, command: Command) =>
      run(command, async context => {
        const { skey, vkey } = generateKey(
          name ?? (await withStore(context, async store => originLine(store.origin))),
        )
        await writeSkey(file, skey)
        await (context.json ? context.out.json({ vkey }) : context.out.line(vkey))
        return EXIT.OK
      }),
    )
}
