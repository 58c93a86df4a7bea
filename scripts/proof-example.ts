/**
 * The worked example of docs/proofs-format.md: proves the second event of the example of docs/format.md.
 *
 *   npx tsx scripts/proof-example.ts            prints it
 *   npx tsx scripts/proof-example.ts --write    puts it into docs/proofs-format.md, between its two marks
 *
 * Everything in it is fixed: the clock, the store's origin and the key. test/docs/proofs-format.test.ts holds the
 * document to it.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLevelLog } from '../src/log/open-level.ts'
import { LogReader } from '../src/log/reader.ts'
import type { RawEvent } from '../src/log/record.ts'
import { originLine, signCheckpoint } from '../src/proof/checkpoint.ts'
import { parseSkey } from '../src/proof/key.ts'
import { prove } from '../src/proof/prove.ts'
import { parseTlogProof } from '../src/proof/tlog-proof.ts'
import { consistencyProof, treeRoot } from '../src/proof/tree.ts'
import { verifyProof } from '../src/proof/verify.ts'
import { makeExample, ORIGIN } from './format-example.ts'
import { explain } from './format-explain.ts'

/** Everybody knows this one: nothing is signed with it but the example. */
const SKEY =
  'PRIVATE+KEY+sessionlog/5e551041-0000-4000-8000-000000000001+f9ee749e+AcNHMONjXsext28c10ek1C5FSh4NTP7r+V3LucOCjm4z'

export const MARKS = [
  '<!-- Made by scripts/proof-example.ts: -->',
  '<!-- The end of what scripts/proof-example.ts made. -->',
] as const

export const DOCUMENT = fileURLToPath(new URL('../docs/proofs-format.md', import.meta.url))

export async function exampleText(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'sessionlog-proofs-'))
  try {
    await makeExample(dir)
    return render(await readEvents(dir))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** The document with this example in it. */
export function withExample(document: string, example: string): string {
  const start = document.indexOf(MARKS[0]) + MARKS[0].length
  return document.slice(0, start) + example + document.slice(document.indexOf(MARKS[1]))
}

async function readEvents(dir: string): Promise<RawEvent[]> {
  const log = await openLevelLog(join(dir, 'log'))
  try {
    for await (const _ of log.tail());
    const events: RawEvent[] = []
    for await (const some of new LogReader(log).positions(0, 2)) events.push(...some)
    return events
  } finally {
    await log.close()
  }
}

function render(events: readonly RawEvent[]): string {
  const leaves = Buffer.from(events.map(event => event.hash).join(''), 'hex')
  const { vkey } = parseSkey(SKEY)
  const note = (size: number) =>
    signCheckpoint({ origin: originLine(ORIGIN), size, root: treeRoot(leaves, size) }, SKEY)
  const run = events.map(event => event.bytes)
  const proof = prove({ run, leaves, index: 1, checkpoint: note(2) })
  const extra = Buffer.from(parseTlogProof(proof).extra!)
  const members = ['the event at version 1', 'the event at version 2']
  const parts = [
    'The verifier key:',
    fenced(vkey),
    'The checkpoint after the first save:',
    fenced(note(1).trimEnd()),
    'The checkpoint after the second save:',
    fenced(note(2).trimEnd()),
    'The consistency proof between the two, one hash:',
    fenced(consistencyProof(leaves, 1, 2).join('\n')),
    'The proof of version 2, `cart-42-2.tlog-proof`:',
    fenced(proof.trimEnd()),
    'Its extra data, byte by byte; the events are those of the example in [format.md](format.md#a-worked-example):',
    fenced(explain(extra, { name: 'run', members }, 'bare').join('\n')),
    'What `verifyProof()` answers with:',
    fenced(JSON.stringify(verifyProof(proof, vkey), undefined, 2), 'json'),
  ]
  return `\n\n${parts.join('\n\n')}\n\n`
}

function fenced(text: string, language = ''): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await exampleText()
  if (process.argv.includes('--write'))
    writeFileSync(DOCUMENT, withExample(readFileSync(DOCUMENT, 'utf8'), text))
  else process.stdout.write(text)
}
