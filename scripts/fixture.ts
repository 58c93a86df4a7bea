/**
 * Makes test/fixtures/format-1: a small store of everything that the format has, and what is expected to be in it.
 *
 *   npx tsx scripts/fixture.ts [DIRECTORY]
 *
 * Clock, origin and order are fixed, so every event, base and snapshot is the same each time. LevelDB's own files
 * need not be. test/docs/fixture.test.ts opens a copy of the store, and holds it to `expected.ndjson`.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RecordedEvent, WriteOptions } from '../src/event.ts'
import { FORMAT } from '../src/log/format.ts'
import { openStore } from '../src/open.ts'
import { parseState, stringifyState } from '../src/state/tagged-json.ts'
import type { SessionStore } from '../src/store.ts'
import { makeRecord } from './format-example.ts'

export const FIXTURE = fixtureOf(FORMAT)

/** The store that was written in a format. */
export function fixtureOf(format: number): string {
  return fileURLToPath(new URL(`../test/fixtures/format-${format}`, import.meta.url))
}

const ORIGIN = '5e551041-0000-4000-8000-0000000f1c70'
const START = 1_700_000_000_000
const HOUR_MS = 3_600_000
/** In the year 2100: no test lives to see it. */
const FAR = 4_102_444_800_000

/** What is expected of the store: the first line of `expected.ndjson`, and after it one a version of a session. */
export interface Expected {
  readonly origin: string
  /** The clock when the store was closed, ms since the epoch. */
  readonly closedAt: number
  readonly position: number
  readonly root: string
  /** In commit order. */
  readonly versions: readonly ExpectedVersion[]
}

export interface ExpectedVersion {
  readonly event: RecordedEvent
  /** After the event, as its writer had it; undefined where there is none. */
  readonly state: unknown
}

/** States of every type that a state may hold, one a version of the session `rich`. */
export function richStates(): unknown[] {
  const bare = Object.assign(Object.create(null), { b: 1, a: Object.create(null) })
  const proto = JSON.parse('{"__proto__":{"x":1},"constructor":2,"$date":"mine","":0}')
  return [
    {
      json: [
        null,
        true,
        false,
        0,
        -1,
        1.5,
        2 ** 31,
        2 ** 32,
        -(2 ** 33),
        Number.MAX_SAFE_INTEGER,
        1e300,
        '',
        {},
      ],
    },
    { numbers: [NaN, Infinity, -Infinity, -0, 0, 5e-324, Number.MAX_VALUE] },
    {
      dates: [
        new Date(0),
        new Date(1_709_208_000_123),
        new Date(-1),
        new Date(8.64e15),
        new Date(4_499_186_283_379_981),
        new Date(NaN),
      ],
    },
    {
      bigints: [
        0n,
        5n,
        -5n,
        2n ** 63n,
        2n ** 64n - 1n,
        2n ** 64n,
        -(2n ** 64n),
        -(2n ** 64n) - 1n,
        10n ** 40n,
      ],
    },
    { bytes: [new Uint8Array(0), new Uint8Array([0, 127, 128, 255])] },
    { undefined: undefined, list: [undefined, null] },
    {
      map: new Map<unknown, unknown>([
        ['a', 1],
        [{ k: 1 }, new Set([1n])],
        [NaN, undefined],
      ]),
    },
    { set: new Set<unknown>([1, '1', -1, [2], new Map()]) },
    { strings: ['\u0000', 'é', 'e\u0301', '😀', '\ud83d', '\ude00', 'a\ud800b', '\u2028'] },
    { '\ud800': 'a lone surrogate as a key', '😀': 'a pair', 10: 'ten', 9: 'nine', z: 'last' },
    proto,
    { escaped: [{ $date: 1 }, { $escape: { $map: [] } }, { $: 0 }, { $a: 1, $b: 2 }], proto },
    bare,
    { nested: { deep: [[[new Map([['at', new Date(1)]])]]] } },
    'a text is a state too',
    new Map([['root', new Uint8Array([1])]]),
    null,
    -0,
  ]
}

/** A store that remembers what it was told, apart from the store under test. */
class Author {
  readonly states = new Map<string, unknown[]>()
  now = START
  #store!: SessionStore<unknown>

  async open(dir: string, options: object = {}): Promise<SessionStore<unknown>> {
    this.#store = await openStore<unknown>({ dir, compactEvery: 0, clock: () => this.now, ...options })
    return this.#store
  }

  async save(id: string, state: unknown, options: WriteOptions = {}): Promise<void> {
    this.#note(id, state)
    await this.#store.save(id, state, options)
  }

  async delete(id: string, options: WriteOptions = {}): Promise<void> {
    this.#note(id, undefined)
    await this.#store.delete(id, options)
  }

  /** One atomic commit. */
  async saveAll(items: readonly { id: string; state: unknown }[]): Promise<void> {
    for (const { id, state } of items) this.#note(id, state)
    await this.#store.saveAll(items, { actor: 'batch' })
  }

  /** Lets an hour go by, and with it the session's time. */
  async expire(id: string): Promise<void> {
    this.#note(id, undefined)
    this.now += HOUR_MS
    this.#store.has(id)
    await this.#store.flush()
  }

  /** An event of the store's own that leaves the state as it is. */
  async keep(id: string, call: () => Promise<unknown>): Promise<void> {
    this.#note(id, this.states.get(id)?.at(-1))
    await call()
  }

  #note(id: string, state: unknown): void {
    this.now += 1000
    this.states.set(id, [...(this.states.get(id) ?? []), state])
  }
}

/** Ids that need an escape in a key, or a name of their own as a file. */
const IDS = ['a/long/path/to/a session.json', 'Cart-42', 'con', 'mü 名前 😀', 'nul\0and%25and%00', '%', '..']

const EVERY_FACT: WriteOptions = {
  actor: 'ada',
  reason: 'a test, \ud800 and all',
  type: 'cart.opened',
  data: { clicked: new Date(1), amount: 5n },
  eventId: 'event/1',
  correlationId: 'correlation',
  causationId: 'cause',
  occurredAt: START - 0.5,
  expiresAt: FAR,
}

async function firstPhase(author: Author, dir: string): Promise<void> {
  const store = await author.open(dir)
  await author.save('cart', { items: ['tea'], paid: false, note: null }, EVERY_FACT)
  await author.save('cart', { items: ['tea', 'milk'], paid: false, note: null }, { eventId: 'event/2' })
  await author.save('cart', { items: ['tea', 'milk'], paid: false, note: null }, { actor: 'nothing changed' })
  await author.save(
    'cart',
    { paid: true, added: 1, items: ['milk'] },
    { reason: 'the order of keys changed' },
  )
  for (const state of richStates()) await author.save('rich', state)
  for (const id of IDS) await author.save(id, { id })
  await author.saveAll([
    { id: 'gone', state: { soon: 'gone' } },
    { id: 'back', state: { first: true } },
    { id: 'back', state: { first: false } },
  ])
  await author.delete('gone', { actor: 'bob', reason: 'asked to' })
  await author.delete('back')
  await author.save('back', { again: true })
  await author.save('lease', { held: 'by ada' }, { expiresAt: FAR })
  store.touch('lease', FAR + 1)
  await author.save('short', { held: 'not for long' }, { expiresAt: author.now + HOUR_MS })
  await author.expire('short')
  for (const state of grown(0, 24)) await author.save('grown', state)
  for (const state of texts()) await author.save('text', state)
  await store.compact()
  await store.close()
}

/** Some of it is archived, some destroyed, some held. */
async function keepingPhase(author: Author, dir: string): Promise<void> {
  const store = await author.open(dir, { prune: { keepLast: 40 } })
  const said = { actor: 'counsel', reason: 'case 7' }
  for (const state of grown(0, 60)) await author.save('pruned', state, { eventId: `pruned/${author.now}` })
  for (const id of ['held', 'freed']) await author.save(id, { id })
  for (const id of ['held', 'freed', 'gone']) await author.keep(id, () => store.legalHold(id, true, said))
  await author.keep('freed', () => store.legalHold('freed', false, said))
  await store.archive({ keepLast: 2 })
  await author.keep('pruned', () => store.prune({ actor: 'dpo', reason: 'retention' }))
  await author.save('pruned', { since: 'it was pruned' })
  await store.close()
}

/** The states are of another schema from here on. Ends with events that no compaction has sealed. */
async function secondPhase(author: Author, dir: string) {
  const upcast = (state: unknown) => ({ upcast: state })
  const store = await author.open(dir, { schemaVersion: 1, upcast })
  await author.save('cart', { v: 1, items: ['milk'] })
  await author.save('rich', { again: richStates() })
  for (const state of grown(24, 28)) await author.save('grown', state)
  await author.delete('%')
  await store.compact()
  await author.save('cart', { v: 1, items: ['sugar', 'milk'] }, { actor: 'ada', eventId: 'event/3' })
  await author.save('new', { since: 'the last compaction' })
  await author.delete('lease')
  store.touch('cart', FAR + 2)
  const events: RecordedEvent[] = []
  for await (const event of store.events()) events.push(event)
  const { position, root } = await store.verify()
  await store.close()
  return { events, position, root }
}

/** Many small changes: more than a record, so that whole states come in between. */
function grown(from: number, to: number): unknown[] {
  const lines = (count: number) => Array.from({ length: count }, (_, i) => ({ line: i, at: 7 * i }))
  return Array.from({ length: to - from }, (_, i) => ({ lines: lines(from + i), count: from + i }))
}

/** A text that is edited in the middle, beyond U+FFFF. */
function texts(): unknown[] {
  const words = Array.from({ length: 40 }, (_, i) => `word ${i} 😀`)
  return Array.from({ length: 5 }, (_, i) => ({ text: words.toSpliced(8 * i, 2 * i, '😃').join(' ') }))
}

/** Makes the fixture in a directory, in place of what is there. */
export async function makeFixture(dir: string): Promise<void> {
  const place = join(dir, 'store')
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place, { recursive: true })
  await makeRecord(place, ORIGIN, START)
  const author = new Author()
  await firstPhase(author, place)
  await keepingPhase(author, place)
  const { events, position, root } = await secondPhase(author, place)
  removeNoise(place)
  const versions = events.map(event => ({
    event,
    state: author.states.get(event.sessionId)![event.version - 1],
  }))
  const head = { origin: ORIGIN, closedAt: author.now, position, root }
  writeFileSync(
    join(dir, 'expected.ndjson'),
    [head, ...versions].map(line => `${stringifyState(line)}\n`).join(''),
  )
}

/** What `expected.ndjson` says. */
export function readExpected(dir: string): Expected {
  const [head, ...versions] = readFileSync(join(dir, 'expected.ndjson'), 'utf8')
    .trimEnd()
    .split('\n')
    .map(parseState)
  return { ...(head as Omit<Expected, 'versions'>), versions: versions as ExpectedVersion[] }
}

/** LevelDB's diary has the machine's time in it, and the file LOCK nothing at all. */
function removeNoise(place: string): void {
  rmSync(join(place, 'owner.lock'), { force: true })
  for (const name of readdirSync(join(place, 'log')))
    if (name === 'LOCK' || name.startsWith('LOG')) rmSync(join(place, 'log', name))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dir = process.argv[2] ?? FIXTURE
  await makeFixture(dir)
  const { position, versions } = readExpected(dir)
  console.log(
    `${dir}: ${position} events of ${new Set(versions.map(each => each.event.sessionId)).size} sessions`,
  )
}
