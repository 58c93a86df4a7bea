/**
 * The worked example of docs/format.md: makes a small store, and explains every byte of what is in it.
 *
 *   npx tsx scripts/format-example.ts            prints it
 *   npx tsx scripts/format-example.ts --write    puts it into docs/format.md, between its two marks
 *
 * Everything in it is fixed: the clock and the store's origin. test/docs/format.test.ts holds the document to it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ClassicLevel } from 'classic-level'
import { FORMAT } from '../src/log/format.ts'
import { openLevelLog } from '../src/log/open-level.ts'
import { openStore } from '../src/open.ts'
import { explain, explainKey, type Label, type Shape, textOf } from './format-explain.ts'

export const ORIGIN = '5e551041-0000-4000-8000-000000000001'
export const START = 1_700_000_000_000

/** The log of the example, as LevelDB holds it: each key with its value. */
export type Entries = ReadonlyMap<string, Buffer>

export interface Example {
  /** After two saves and a clean close. */
  readonly saved: Entries
  /** After a compaction of the same store. */
  readonly compacted: Entries
  readonly head: string
  readonly snapshotName: string
  readonly snapshot: string
}

/** Gives a store that does not exist yet its record, so that its origin is not random. */
export async function makeRecord(dir: string, origin: string, createdAt: number): Promise<void> {
  const log = await openLevelLog(join(dir, 'log'))
  const policies = { schemaVersion: 0, requireActor: false, requireReason: false }
  await log.write([{ op: 'store', record: { format: FORMAT, origin, createdAt, ...policies } }], true)
  await log.close()
}

/** Every key and value of a log, in LevelDB's order. REQUIRES: the store is closed. */
export async function readEntries(dir: string): Promise<Entries> {
  const options = { keyEncoding: 'utf8', valueEncoding: 'buffer', createIfMissing: false } as const
  const db = new ClassicLevel<string, Buffer>(join(dir, 'log'), options)
  try {
    return new Map(await db.iterator().all())
  } finally {
    await db.close()
  }
}

export async function makeExample(dir: string): Promise<Example> {
  await makeRecord(dir, ORIGIN, START)
  let now = START
  const options = { dir, clock: () => now, compactEvery: 0 }
  const store = await openStore<unknown>(options)
  await store.save('cart-42', { items: ['tea'], paid: false }, { actor: 'ada' })
  now += 1000
  await store.save('cart-42', { items: ['tea', 'milk'], paid: false }, { eventId: 'e2' })
  await store.close()
  const saved = await readEntries(dir)
  const again = await openStore<unknown>(options)
  await again.compact()
  await again.close()
  const compacted = await readEntries(dir)
  const [snapshotName = ''] = readdirSync(join(dir, 'sessions_v3'))
  const snapshot = readFileSync(join(dir, 'sessions_v3', snapshotName), 'utf8')
  return { saved, compacted, head: readFileSync(join(dir, 'head.json'), 'utf8'), snapshotName, snapshot }
}

export async function exampleText(): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'sessionlog-format-'))
  try {
    return render(await makeExample(dir))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

export const MARKS = [
  '<!-- Made by scripts/format-example.ts: -->',
  '<!-- The end of what scripts/format-example.ts made. -->',
] as const

export const DOCUMENT = fileURLToPath(new URL('../docs/format.md', import.meta.url))

/** The document's text around the example: before the first mark, and from the second one on. */
export function splitDocument(text: string): { before: string; example: string; after: string } {
  const start = text.indexOf(MARKS[0]) + MARKS[0].length
  const end = text.indexOf(MARKS[1])
  return { before: text.slice(0, start), example: text.slice(start, end), after: text.slice(end) }
}

function render({ saved, compacted, head, snapshotName, snapshot }: Example): string {
  const parts = ['### After two saves and a clean close']
  for (const entry of saved) parts.push(entryText(...entry))
  parts.push('### After a compaction')
  const gone = [...saved.keys()].filter(key => !compacted.has(key)).map(key => `\`${keyText(key)}\``)
  parts.push(`${gone.join(' and ')} are gone. New are:`)
  for (const entry of compacted) if (!saved.has(entry[0])) parts.push(entryText(...entry))
  parts.push(`\`sessions_v3/${snapshotName}\`:`, fenced('json', snapshot.trimEnd()))
  parts.push('`head.json`:', fenced('json', head.trimEnd()))
  return `\n\n${parts.join('\n\n')}\n\n`
}

function entryText(key: string, value: Buffer): string {
  const { title, label, as } = describe(key)
  const lines = [...explainKey(key), '', ...explain(value, label, as)]
  return `**${title}**: key of ${key.length} bytes, value of ${value.length}\n\n${fenced('', lines.join('\n'))}`
}

function keyText(key: string): string {
  return key.replaceAll('\0', '␀')
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``
}

interface Description {
  readonly title: string
  readonly label: Label
  readonly as: Shape
}

const CHANGE: Label = {
  name: 'change',
  members: [{ name: 'operation', say: op => ['add', 'replace', 'remove', 'splice'][op as number]! }, 'path'],
}
const SPLICE: Label = { ...CHANGE, members: [...CHANGE.members!, 'index', 'remove', 'insert'] }
const VALUED: Label = { ...CHANGE, members: [...CHANGE.members!, 'value'] }

const FACTS = ['type', 'actor', 'reason', 'data', 'eventId', 'correlationId', 'causationId', 'occurredAt']

const EVENT: Label = {
  name: 'event',
  members: [
    { name: 'kind', say: kind => ['CHANGES', 'WHOLE', 'KEYFRAME', 'DELETED'][kind as number]! },
    'sessionId',
    'version',
    'position',
    'recordedAt',
    'previousHash',
    'expiresAt',
    { name: 'facts', members: [...FACTS, 'schemaVersion'] },
    { name: 'changes', each: (first, count) => (first === 3 ? SPLICE : count > 2 ? VALUED : CHANGE) },
  ],
}

const ENCODINGS = ['no state', 'JSON', 'tagged JSON']

const BASE: Label = {
  name: 'base',
  members: [
    'sessionId',
    'version',
    'position',
    'recordedAt',
    'hash of the event',
    'schemaVersion',
    'expiresAt',
    'wholeBytes',
    'bytesSince',
    'segmentVersion',
    'segmentBytes',
    { name: 'encoding', say: encoding => ENCODINGS[encoding as number]! },
    { name: 'text', say: textOf },
  ],
}

const COMMIT: Label = {
  name: 'commit',
  members: ['firstPosition', 'recordedAt', 'root', 'sessionId', 'firstVersion', 'count'],
}

function describe(key: string): Description {
  if (key === 'mstore') {
    const label = { name: 'list of one', members: [{ name: "store's record", say: () => '' }] }
    return { title: "The store's record", label, as: 'checked' }
  }
  if (key === 'mfrontier') {
    return {
      title: 'The frontier',
      label: { name: 'frontier', members: ['position', 'peak'] },
      as: 'checked',
    }
  }
  switch (key[0]) {
    case 'c':
      return { title: 'A commit', label: COMMIT, as: 'checked' }
    case 'b':
      return { title: 'The base', label: BASE, as: 'checked' }
    case 'i':
      return { title: 'An event id', label: 'version', as: 'bare' }
    case 't':
      return { title: 'A record of the tail', label: EVENT, as: 'record' }
    case 's':
      return { title: 'A sealed record', label: 'event, as it was in the tail', as: 'sealed' }
  }
  throw new Error(`The example has no key ${keyText(key)}`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = await exampleText()
  if (process.argv.includes('--write')) {
    const { before, after } = splitDocument(readFileSync(DOCUMENT, 'utf8'))
    writeFileSync(DOCUMENT, before + text + after)
  } else process.stdout.write(text)
}
