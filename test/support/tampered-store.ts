import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { ClassicLevel } from 'classic-level'
import { generateKey, openStore, type SessionStore, type VerifyProblem } from '../../src/index.ts'
import { decodeSegment, decodeTail } from '../../src/log/level-entries.ts'
import { type RawEvent, readRecord } from '../../src/log/record.ts'
import { Chance, filesIn, restore } from './damage.ts'
import { everything } from './states.ts'

/** An entry of the log, as LevelDB has it. */
export interface Entry {
  readonly key: Buffer
  readonly value: Buffer
}

/** An entry that holds events. */
export interface RecordEntry extends Entry {
  readonly events: readonly RawEvent[]
}

/** A store that is to be tampered with, and what was given out of it. */
export interface Victim {
  readonly origin: string
  readonly files: ReadonlyMap<string, Buffer>
  /** By key, in Latin-1. */
  readonly entries: ReadonlyMap<string, Entry>
  /** By key, too. */
  readonly records: ReadonlyMap<string, RecordEntry>
  readonly vkey: string
  /** Of all events. */
  readonly checkpoint: string
  readonly olderCheckpoint: string
  readonly consistency: string
  readonly proofs: readonly string[]
  /** What a bundle of some sessions holds, unpacked. */
  readonly bundle: Buffer
  /** The directory as it was before the last saves. */
  readonly olderFiles: ReadonlyMap<string, Buffer>
  /** A store of the same origin with another past, all of its hashes right. */
  readonly otherFiles: ReadonlyMap<string, Buffer>
}

const KEY = generateKey('sessionlog/tampering')

/** Makes the victim in a directory, and leaves nothing there. */
export async function makeVictim(dir: string): Promise<Victim> {
  const made = await makeStore(dir, 'ada')
  const entries = new Map<string, Entry>()
  const records = new Map<string, RecordEntry>()
  await inLog(dir, async db => {
    for await (const [key, value] of db.iterator()) {
      entries.set(key.toString('latin1'), { key, value })
      const decode = { s: decodeSegment, t: decodeTail }[String.fromCharCode(key[0]!)]
      if (decode === undefined) continue
      const events = readRecord(decode(key.toString(), value))
      records.set(key.toString('latin1'), { key, value, events })
    }
  })
  rmSync(dir, { recursive: true })
  await makeStore(dir, 'eve')
  const { origin } = JSON.parse(readFileSync(join(dir, 'head.json'), 'utf8')) as { origin: string }
  await inLog(dir, db => db.put(Buffer.from('mstore'), entries.get('mstore')!.value))
  const otherFiles = new Map(
    Array.from(filesIn(dir), ([name, bytes]) => [
      name,
      name.endsWith('.json') ? Buffer.from(bytes.toString().replaceAll(origin, made.origin)) : bytes,
    ]),
  )
  rmSync(dir, { recursive: true })
  return { ...made, vkey: KEY.vkey, entries, records, otherFiles }
}

const IDS = ['Cart', 'a/long/path to', 'cart', '名前 100%', 'deleted', 's0', 's1', 's2']
/** The first of them are all sealed. */
const IDS_SEALED = 2

/** Sealed records and a tail, each kind of event, forks, ids, expiries; `author` writes the first event. */
async function makeStore(dir: string, author: string) {
  const chance = new Chance(1)
  let now = 1_700_000_000_000
  const open = () =>
    openStore<unknown>({ dir, compactEvery: 0, clock: () => now++, signingKey: KEY.skey, schemaVersion: 1 })
  let olderFiles = new Map<string, Buffer>()
  let olderCheckpoint = ''
  for (let phase = 0; phase < 2; phase++) {
    const store = await open()
    if (phase === 0) await store.save('cart', { by: author }, { actor: author })
    for (let round = 0; round < 10; round++) await saveSome(store, chance, phase * 10 + round)
    await store.fork('cart', `fork ${phase}`, { version: 2 + phase })
    await store.delete('deleted')
    store.touch('s2', 4_000_000_000_000 + phase)
    olderCheckpoint = await store.checkpoint()
    await store.compact()
    await store.close()
    olderFiles = filesIn(dir)
  }
  const store = await open()
  for (let round = 0; round < 10; round++) await saveSome(store, chance, 100 + round)
  await store.fork('s0', 'fork of the tail', { version: store.version('s0') })
  await store.delete('deleted')
  await store.flush()
  const checkpoint = await store.checkpoint()
  const proofs = [
    await store.prove('cart', 1),
    await store.prove('s1', store.version('s1')),
    await store.prove('名前 100%', 3),
  ]
  const consistency = JSON.stringify(await store.proveConsistency(olderCheckpoint, checkpoint))
  const file = join(dir, 'bundle')
  await store.exportBundle(['cart', 's1', 'deleted'], { file, redact: { state: ['/round'] } })
  const bundle = gunzipSync(readFileSync(file))
  rmSync(file)
  await store.close()
  return {
    origin: store.origin,
    files: filesIn(dir),
    olderFiles,
    checkpoint,
    olderCheckpoint,
    consistency,
    proofs,
    bundle,
  }
}

/** A commit of several sessions, some of them twice. */
async function saveSome(store: SessionStore<unknown>, chance: Chance, round: number): Promise<void> {
  const ids = round < 100 ? IDS : IDS.slice(IDS_SEALED)
  const saves = ids
    .filter(id => round < 2 || chance.below(3) > 0 || id === 's1')
    .map((id, at) => {
      const state = chance.once(6) ? { ...everything(), round } : small(store.get(id), chance, round)
      const eventId = chance.once(3) ? { eventId: `e ${round}.${at}` } : {}
      const expiresAt = chance.once(9) ? { expiresAt: 5_000_000_000_000 + round } : {}
      return store.save(id, state, {
        actor: chance.of(['ada', 'bob']),
        reason: 'why not',
        ...eventId,
        ...expiresAt,
      })
    })
  saves.push(store.save('s0', { twice: round }))
  await Promise.all(saves)
}

/** A small change of what was there: keyframes come by themselves. */
function small(old: unknown, chance: Chance, round: number): unknown {
  const { list = [], text = '' } = (old ?? {}) as { list?: number[]; text?: string }
  return {
    round,
    list: [...list, chance.below(1000)].slice(-20),
    text: `${text} ${round}`.slice(-200),
    on: { deep: chance.below(9) },
  }
}

/** Opens the log in a store's directory as LevelDB has it, the store being closed. */
export async function inLog<T>(
  dir: string,
  run: (db: ClassicLevel<Buffer, Buffer>) => Promise<T>,
): Promise<T> {
  const db = new ClassicLevel<Buffer, Buffer>(join(dir, 'log'), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
  })
  await db.open()
  try {
    return await run(db)
  } finally {
    await db.close()
  }
}

/** Puts a store there, in the place of the last one. */
export function putStore(dir: string, files: ReadonlyMap<string, Buffer>): void {
  rmSync(dir, { recursive: true, force: true })
  restore(files, dir)
}

export function putFile(dir: string, name: string, bytes: Buffer): void {
  writeFileSync(join(dir, name), bytes)
}

/** What came of looking at a store: nobody, or who was the first to notice, and what it said. */
export interface Finding {
  readonly by?: 'open' | 'verify' | 'checkpoint' | 'proof' | 'bundle'
  readonly problems: readonly VerifyProblem[]
}

/** Opens and verifies a store; `against` holds it to a checkpoint too, where nothing else is found. */
export async function look(dir: string, { vkey, checkpoint }: Victim, against = false): Promise<Finding> {
  let store: SessionStore<unknown>
  try {
    store = await openStore<unknown>({ dir, compactEvery: 0 })
  } catch (error) {
    return { by: 'open', problems: [error as VerifyProblem] }
  }
  try {
    const { problems } = await store.verify()
    if (problems.length > 0) return { by: 'verify', problems }
    if (!against) return { problems }
    const found = await store.verify({ checkpoint, key: vkey })
    return found.problems.length > 0 ? { by: 'checkpoint', problems: found.problems } : { problems: [] }
  } finally {
    await store.close()
  }
}
