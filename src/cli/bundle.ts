import type { Command } from 'commander'
import { checkPointer } from '../arguments.ts'
import { REDACTABLE_FACTS } from '../bundle/redaction.ts'
import { type BundleOptions, type RedactOptions, SessionlogTypeError } from '../index.ts'
import { BUNDLE_SUFFIX } from './bundle-path.ts'
import { integer, newCommand, type Run, repeated } from './command.ts'
import { type Context, withStore } from './context.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { readSkey } from './key-file.ts'
import { formatCount, plural, printable } from './text.ts'

interface Options {
  out: string
  from?: number
  to?: number
  redact?: string[]
  redactData?: string[]
  keepData?: boolean
  omit?: string[]
  key?: string
}

type Fact = (typeof REDACTABLE_FACTS)[number]

const HELP = `
Where a bundle has a name that ends with ${BUNDLE_SUFFIX}, commands that read take it in the place of the store:
  sessionlog history bug${BUNDLE_SUFFIX} cart-42

A bundle of another name is given as --dir. A pointer is a JSON Pointer (RFC 6901) in which * is any key and a number any number. What is redacted is hidden in every
state and change; the events' data is hidden whole, unless --redact-data or --keep-data says otherwise. Keys, ids and
other facts are not hidden, and values that were copied elsewhere must be named there: docs/proofs.md says what a hash
gives away.`

export function bundleCommand(run: Run): Command {
  return newCommand(
    'bundle <ids...>',
    'write sessions to one file that can be read, checked and imported elsewhere',
  )
    .requiredOption('-o, --out <file>', 'where to write it; a file that is there is replaced')
    .option('--from <version>', 'the first version; the state before it comes too', integer('--from', 1))
    .option('--to <version>', 'the last version', integer('--to', 1))
    .option('--redact <pointer>', 'hide the value there; may be given several times', repeated)
    .option('--redact-data <pointer>', "hide only the value there in the events' data", repeated)
    .option('--keep-data', "hide nothing in the events' data")
    .option('--omit <fact>', `leave ${REDACTABLE_FACTS.join(', ')} out; may be given several times`, repeated)
    .option('-k, --key <file>', "the signer's key: then whoever has the verifier's can be sure of the bundle")
    .addHelpText('after', HELP)
    .action((ids: string[], options: Options, command: Command) =>
      run(command, context => writeBundle(context, ids, options)),
    )
}

async function writeBundle(context: Context, ids: readonly string[], options: Options): Promise<ExitCode> {
  const { from, to, key, out: file } = options
  const { progress, signal, out } = context
  const redact = redactionOf(options)
  const bundle: BundleOptions = {
    file,
    signal,
    onProgress: ({ events }) => progress.update('Bundling', events),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(redact && { redact }),
  }
  const keys = key === undefined ? {} : { signingKey: await readSkey(key) }
  const counts = await withStore(context, store => store.exportBundle(ids, bundle), keys)
  for (const place of counts.unmatched)
    out.note(`sessionlog: nothing lies at ${printable(place)}, so nothing is hidden there`)
  if (!file.endsWith(BUNDLE_SUFFIX))
    out.note(`sessionlog: commands take it as --dir, because its name does not end with ${BUNDLE_SUFFIX}`)
  if (context.json) await out.json({ file, ...counts })
  else {
    const hidden = redact ? `, ${formatCount(counts.redacted)} redacted` : ''
    await out.line(
      `Wrote ${file}: ${plural(counts.events, 'event')} of ${plural(counts.sessions, 'session')}${hidden}`,
    )
  }
  return EXIT.OK
}

function redactionOf({ redact, redactData, keepData, omit }: Options): RedactOptions | undefined {
  for (const pointer of [...(redact ?? []), ...(redactData ?? [])]) checkPointer(pointer, 'redact')
  for (const fact of omit ?? [])
    if (!REDACTABLE_FACTS.includes(fact as Fact))
      throw new SessionlogTypeError(`--omit is one of ${REDACTABLE_FACTS.join(', ')}, not '${fact}'`, 'omit')
  if (keepData && redactData)
    throw new SessionlogTypeError('--keep-data and --redact-data exclude each other', 'keepData')
  if (!redact && !redactData && !omit) return undefined
  const data = redactData ?? (keepData ? [] : undefined)
  return { state: redact ?? [], facts: (omit ?? []) as Fact[], ...(data && { data }) }
}
