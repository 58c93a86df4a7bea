import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hasCode } from '../../src/errors.ts'
import type { RecordedEvent } from '../../src/event.ts'
import { openStore } from '../../src/open.ts'
import type { StoreOptions } from '../../src/options.ts'
import { equal } from '../../src/state/values.ts'
import type { SessionStore } from '../../src/store.ts'
import type { VerifyProblem } from '../../src/verify.ts'
import { collect } from './outcome.ts'

/** A seeded source of chance: the same seed makes the same choices. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** An integer from 0 up to, but not including, `below`. */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

/** Everything that can be read from a store. */
export interface Contents {
  readonly sessions: ReadonlyMap<string, SessionContents>
  /** In position order. */
  readonly events: readonly RecordedEvent[]
}

export interface SessionContents {
  readonly state: unknown
  readonly events: readonly RecordedEvent[]
  /** The state at each version; that of version 0 first. */
  readonly states: readonly unknown[]
}

const IDS = ['cart', 'Cart', 'a/long/path/to/a session', '名前', 'deleted', 's0', 's1', 's2', 's3']

/**
 * Makes a store of everything that can be damaged: sealed segments, bases, snapshots, ids of events, a moved
 * expiry, a tail in LevelDB's own log and the mark of a clean close. Answers with what is in it.
 */
export async function makeStore(dir: string): Promise<Contents> {
  const chance = new Chance(1)
  for (let phase = 0; phase < 3; phase++) {
    const store = await openStore<unknown>({ dir, compactEvery: 0, clock: () => 1_700_000_000_000 + phase })
    for (let round = 0; round < 5; round++) {
      for (const id of IDS)
        if (round % 2 === 0 || chance.once(2)) void saveSome(store, id, chance, phase * 5 + round)
      await store.flush()
    }
    await store.delete('deleted')
    store.touch('s3', 4_000_000_000_000 + phase)
    if (phase < 2) await store.compact()
    await store.close()
  }
  const store = await openStore({ dir, compactEvery: 0 })
  for (let round = 0; round < 80; round++) {
    void saveSome(store, chance.of(IDS), chance, 100 + round)
    await store.flush()
  }
  const contents = await readContents(store)
  await store.close()
  return contents
}

function saveSome(store: SessionStore<unknown>, id: string, chance: Chance, round: number): Promise<unknown> {
  const noise = (bytes: number) =>
    Buffer.from(Array.from({ length: bytes }, () => chance.below(256))).toString('base64')
  const state = {
    round,
    id,
    text: `${'All work and no play. '.repeat(chance.below(20))}${noise(chance.below(500))}`,
    list: Array.from({ length: chance.below(12) }, (_, i) => ({ i, n: chance.below(1000) })),
    ...(chance.once(3) && {
      rich: new Map([['at', new Date(round)]]),
      bytes: new Uint8Array([round, 1, 2]),
      big: 2n ** 70n,
    }),
  }
  const old = store.get(id) as typeof state | undefined
  const options = { actor: chance.of(['ada', 'bob']), eventId: `e${round}`, occurredAt: round }
  if (old === undefined || !chance.once(3)) return store.save(id, state, options)
  return store.save(id, { ...old, round, text: `${old.text}${noise(20)}` }, options)
}

export async function readContents(store: SessionStore<unknown>): Promise<Contents> {
  const events = await collect(store.events())
  const sessions = new Map<string, SessionContents>()
  for (const id of new Set(events.map(event => event.sessionId))) {
    const states: unknown[] = [undefined]
    const history = await collect(store.history(id))
    for (const { version } of history) states.push(await store.stateAt(id, { version }))
    sessions.set(id, { state: store.get(id), events: history, states })
  }
  return { sessions, events }
}

/** What came of reading a store. */
export interface Finding {
  /** Why it was refused; undefined where it opened. */
  refused?: CodedError
  /** What was refused to a reader, by what was asked for. */
  readonly failures: Map<string, CodedError>
  /** What `verify` found. Empty is: everything is as it was written. */
  problems: readonly VerifyProblem[]
  /** What was answered and is not what was written: nothing may ever stand here. */
  readonly wrong: string[]
}

export type CodedError = Error & { code?: string; sessionId?: string; version?: number }

/**
 * Opens a store, reads everything, and compares it with what was written. `from` are contents of which the store may
 * hold a first part only, if `prefix` says so.
 */
export async function examine(
  dir: string,
  written: Contents,
  options: Partial<StoreOptions<unknown>> & { prefix?: boolean } = {},
): Promise<Finding> {
  const { prefix = false, ...openOptions } = options
  const finding: Finding = { failures: new Map(), problems: [], wrong: [] }
  let store: SessionStore<unknown>
  try {
    store = await openStore<unknown>({ dir, compactEvery: 0, ...openOptions })
  } catch (error) {
    finding.refused = error as CodedError
    return finding
  }
  try {
    await new Examination(store, written, finding, prefix).run()
  } finally {
    await store.close()
  }
  return finding
}

class Examination {
  readonly #store: SessionStore<unknown>
  readonly #written: Contents
  readonly #finding: Finding
  readonly #prefix: boolean

  constructor(store: SessionStore<unknown>, written: Contents, finding: Finding, prefix: boolean) {
    this.#store = store
    this.#written = written
    this.#finding = finding
    this.#prefix = prefix
  }

  async run(): Promise<void> {
    const { sessions } = this.#written
    for (const [id, session] of sessions) await this.#session(id, session)
    for (const id of this.#store.ids())
      if (!sessions.has(id)) this.#finding.wrong.push(`There is a session '${id}'`)
    await this.#ask('events()', async () => {
      const events = await collect(this.#store.events())
      this.#compare(
        'events()',
        events,
        this.#written.events.slice(0, this.#prefix ? events.length : undefined),
      )
    })
    await this.#ask('verify()', async () => {
      this.#finding.problems = (await this.#store.verify()).problems
    })
  }

  async #session(id: string, { events, states }: SessionContents): Promise<void> {
    const version = this.#store.version(id)
    if (this.#prefix ? version > events.length : version !== events.length) {
      this.#finding.wrong.push(`version(${id}) is ${version}, not ${events.length}`)
      return
    }
    await this.#ask(`get(${id})`, () => this.#compare(`get(${id})`, this.#store.get(id), states[version]))
    for (const reverse of [false, true]) {
      const name = `history(${id}${reverse ? ', reverse' : ''})`
      await this.#ask(name, async () => {
        const history = await collect(this.#store.history(id, { reverse }))
        this.#compare(name, reverse ? history.reverse() : history, events.slice(0, version))
      })
    }
    for (let at = 0; at <= version; at++) {
      const name = `stateAt(${id}, ${at})`
      await this.#ask(name, async () =>
        this.#compare(name, await this.#store.stateAt(id, { version: at }), states[at]),
      )
    }
  }

  async #ask(name: string, question: () => unknown): Promise<void> {
    try {
      await question()
    } catch (error) {
      this.#finding.failures.set(name, error as CodedError)
    }
  }

  #compare(name: string, found: unknown, written: unknown): void {
    if (!equal(found, written)) this.#finding.wrong.push(`${name} is not what was written`)
  }
}

/** Every error that a finding holds, of whatever kind. */
export function errorsOf({ refused, failures }: Finding): CodedError[] {
  return [...(refused === undefined ? [] : [refused]), ...failures.values()]
}

/** The codes that a finding holds; an error that is none of ours is told whole. */
export function codesOf(finding: Finding): string[] {
  const codes = errorsOf(finding).map(error =>
    hasCode(error) ? error.code! : `${error.code}: ${error.stack}`,
  )
  return [...new Set([...codes, ...finding.problems.map(problem => problem.code)])].sort()
}

/** The files of a directory, by their paths in it. */
export function filesIn(dir: string): Map<string, Buffer> {
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()
  const files = names.filter(name => statSync(join(dir, name)).isFile())
  return new Map(files.map(name => [name.replaceAll('\\', '/'), readFileSync(join(dir, name))]))
}

/** Puts a store's files into an empty directory. */
export function restore(files: ReadonlyMap<string, Buffer>, dir: string): void {
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), bytes)
  }
}
