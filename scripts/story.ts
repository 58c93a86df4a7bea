import { parseArgs } from 'node:util'
import { describeFailure, EXIT, type ExitCode } from '../src/cli/exit-code.ts'
import { Output } from '../src/cli/output.ts'
import { run } from '../src/cli/run.ts'
import { tellStory } from './story-founding.ts'

/**
 * `npm start` tells the founding story, live, in `data/`; `npm start -- FILE.ndjson.gz` imports the user's own saves
 * there and checks them. Either can be run again and again; `--dir` chooses another directory.
 */
const out = new Output(process.stdout, process.stderr, error => {
  process.exit(error.code === 'EPIPE' ? EXIT.OK : EXIT.IO)
})

try {
  process.exitCode = await main()
} catch (error) {
  await out.flush()
  const { exitCode, code, message } = describeFailure(error)
  out.fail(message, code)
  process.exitCode = exitCode
}

async function main(): Promise<ExitCode> {
  const { dir, file } = readArguments()
  const done = file === undefined ? await tellStory(dir, out) : await importFile(dir, file)
  if (done === EXIT.OK) await sayWhatNext(dir, file)
  await out.flush()
  return done
}

function readArguments(): { dir: string; file: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      options: { dir: { type: 'string', default: 'data' } },
      allowPositionals: true,
    })
    if (positionals.length > 1) throw new Error('One file at a time')
    return { dir: values.dir, file: positionals[0] }
  } catch (error) {
    const message = `${(error as Error).message}. Usage: npm start [-- [--dir data] FILE.ndjson.gz]`
    out.fail(message, 'SESSIONLOG_INVALID_ARGUMENT')
    process.exit(EXIT.USAGE)
  }
}

/** Import, summary and check, each as on the command line. */
async function importFile(dir: string, file: string): Promise<ExitCode> {
  for (const args of [['import', file], ['stats'], ['verify']]) {
    const done = await run([...args, '--dir', dir])
    if (done !== EXIT.OK) return done
  }
  return EXIT.OK
}

async function sayWhatNext(dir: string, file: string | undefined): Promise<void> {
  const at = dir === 'data' ? '' : ` --dir ${JSON.stringify(dir)}`
  const command = 'npx tsx src/cli/main.ts'
  const story = ['history founding-story --reverse', 'show founding-story --version 500', 'export --current']
  const commands = file === undefined ? story : ['ls --long', 'export --current', 'compact']
  await out.line('\nTry next:')
  for (const each of commands) await out.line(`  ${command} ${each}${at}`)
  await out.line(`  ${command} --help`)
  if (file === undefined) await out.line('  npm start -- YOUR-SAVES.ndjson.gz')
}
