import { decodeBase } from '../../src/log/base.ts'
import { sha256 } from '../../src/log/chain.ts'
import { parseSessionKey } from '../../src/log/keys.ts'
import { decodeCommit } from '../../src/log/level-entries.ts'
import { packRecord, type RawEvent } from '../../src/log/record.ts'
import { baseState } from '../../src/projection/stored-state.ts'
import { decodeCbor } from '../../src/state/cbor-values.ts'
import { equal } from '../../src/state/values.ts'
import type { Chance } from './damage.ts'
import { type Entry, inLog, look, putStore, type Victim } from './tampered-store.ts'
import { changed, type Kind, type Place } from './tampering.ts'

/** What somebody does who knows the format, and makes hashes fit. */
export const cleverKinds: readonly Kind[] = [
  {
    name: 'event rewritten, with the hashes of its session',
    async try(victim, chance, dir) {
      const record = chance.of([...victim.records.values()])
      const event = chance.of(record.events)
      putStore(dir, victim.files)
      const { puts, at } = rewritten(victim, event, chance)
      await inLog(dir, db =>
        puts.reduce((batch, { key, value }) => batch.put(key, value), db.batch()).write(),
      )
      const { sessionId, version } = event
      const what = `byte ${at} of version ${version} of '${sessionId}', and all hashes after it`
      const after = eventsOf(victim, sessionId).filter(each => each.version >= version)
      // Who opens reads no events that are sealed: it comes upon one of those whose links were made to fit.
      const places = [{ sessionId, version }, ...after.map(each => commitPlace(victim, each.position))]
      return { what, places, ...(await look(dir, victim)) }
    },
  },
  {
    name: 'record taken out',
    async try(victim, chance, dir) {
      const { key, events } = chance.of([...victim.records.values()])
      putStore(dir, victim.files)
      await inLog(dir, db => db.del(key))
      const [{ sessionId, version }] = events as [RawEvent]
      const places = [{ sessionId, version }, ...events.map(({ position }) => ({ sessionId, position }))]
      const positions = events.map(({ position }) => ({ position }))
      return { what: `${key} is gone`, places: [...places, ...positions], ...(await look(dir, victim)) }
    },
  },
  {
    name: "records of two sessions under each other's keys",
    async try(victim, chance, dir) {
      const one = chance.of([...victim.records.values()])
      const others = [...victim.records.values()].filter(
        ({ key, events }) => key[0] === one.key[0] && events[0]!.sessionId !== one.events[0]!.sessionId,
      )
      const other = chance.of(others)
      putStore(dir, victim.files)
      await inLog(dir, db => db.batch().put(one.key, other.value).put(other.key, one.value).write())
      const places = [one, other].map(({ events: [first] }) => ({
        sessionId: first!.sessionId,
        version: first!.version,
      }))
      return { what: `${one.key} and ${other.key}`, places, ...(await look(dir, victim)) }
    },
  },
  {
    name: 'event id put in',
    async try(victim, chance, dir) {
      const { key, value } = chance.of([...victim.entries.values()].filter(each => each.key[0] === 0x69))
      putStore(dir, victim.files)
      await inLog(dir, db => db.put(Buffer.concat([key, Buffer.of(0x21)]), value))
      const { sessionId } = parseSessionKey(key.toString())
      const places = [{ sessionId, version: value.at(-1)! }]
      return { what: `${key}!`, places, ...(await look(dir, victim)) }
    },
  },
  checkedKind('base, with its hash', 'b', entry => {
    // Sizes only say when the next whole state is due, and expiries move without an event.
    const { wholeBytes: _, bytesSince: __, expiresAt: ___, ...compared } = decodeBase(storedBase(entry))
    return { ...compared, encoding: undefined, text: baseState(decodeBase(storedBase(entry))) }
  }),
  checkedKind('commit, with its hash', 'c', ({ key, value }) => decodeCommit(key.toString(), value)),
  {
    name: 'end of the log cut off',
    async try(victim, _, dir) {
      putStore(dir, victim.files)
      await cutTail(dir, victim)
      return { what: 'the newest commit', places: [{}], only: 'open', ...(await look(dir, victim, true)) }
    },
  },
  pastKind('end of the log cut off, and head.json with it', async (victim, dir) => {
    putStore(dir, new Map([...victim.files].filter(([name]) => name !== 'head.json')))
    await cutTail(dir, victim)
  }),
  pastKind('directory as it once was', async (victim, dir) => putStore(dir, victim.olderFiles)),
  pastKind('another store, all hashes right', async (victim, dir) => putStore(dir, victim.otherFiles)),
]

/** The session's entries with a byte of that event changed: every link after it is made to fit, and the base. */
function rewritten({ records, entries }: Victim, event: RawEvent, chance: Chance) {
  const { sessionId, version } = event
  const start = Buffer.from(event.bytes).indexOf(event.previousHash, 'hex') + HASH_BYTES
  const { bytes, at } = changed(Buffer.from(event.bytes), chance, start)
  const hashes = new Map<string, string>()
  const puts: Entry[] = []
  const own = [...records.values()].filter(({ events }) => events[0]!.sessionId === sessionId)
  for (const { key, events } of own.sort((a, b) => a.events[0]!.version - b.events[0]!.version)) {
    const made = events.map(each => {
      const made = each.version === version ? bytes : relinked(each, hashes)
      const hash = sha256(Buffer.concat([Buffer.of(0), made]))
      hashes.set(each.hash, hash)
      return { ...each, bytes: made, hash }
    })
    puts.push({ key, value: Buffer.from(packRecord(made)) })
  }
  const base = [...entries.values()].find(
    ({ key }) => key[0] === 0x62 && parseSessionKey(key.toString()).sessionId === sessionId,
  )
  if (base !== undefined) puts.push({ key: base.key, value: rebased(base, hashes) })
  return { puts, at }
}

function eventsOf({ records }: Victim, sessionId: string): RawEvent[] {
  return [...records.values()].flatMap(({ events }) => events).filter(each => each.sessionId === sessionId)
}

function relinked({ bytes, previousHash }: RawEvent, hashes: ReadonlyMap<string, string>): Buffer {
  const copy = Buffer.from(bytes)
  const hash = hashes.get(previousHash)
  if (hash !== undefined) copy.write(hash, copy.indexOf(previousHash, 'hex'), HASH_BYTES, 'hex')
  return copy
}

function rebased(base: Entry, hashes: ReadonlyMap<string, string>): Buffer {
  const value = Buffer.from(base.value)
  const { hash } = decodeBase(storedBase(base))
  value.write(hashes.get(hash) ?? hash, value.indexOf(hash, 'hex'), HASH_BYTES, 'hex')
  value.write(sha256(value.subarray(HASH_BYTES)), 0, HASH_BYTES, 'hex')
  return value
}

/** What no hash in the directory can show: only a checkpoint does. */
function pastKind(name: string, make: (victim: Victim, dir: string) => Promise<void>): Kind {
  return {
    name,
    async try(victim, _, dir) {
      await make(victim, dir)
      return { what: name, places: [{}], only: 'checkpoint', ...(await look(dir, victim, true)) }
    },
  }
}

async function cutTail(dir: string, { entries }: Victim): Promise<void> {
  const last = [...entries.values()].filter(({ key }) => key[0] === 0x63).at(-1)!
  const { firstPosition } = decodeCommit(last.key.toString(), last.value)
  await inLog(dir, async db => {
    const batch = db.batch().del(last.key)
    for await (const key of db.keys({ gte: Buffer.from('t'), lt: Buffer.from('u') })) {
      if (
        Number.parseInt(key.toString().slice(2, 2 + Number.parseInt(key.toString()[1]!, 36)), 36) >=
        firstPosition
      )
        batch.del(key)
    }
    await batch.write()
  })
}

/** A checked value with a byte of it changed, and its own hash made to fit. */
function checkedKind(name: string, range: string, read: (entry: Entry) => unknown): Kind {
  return {
    name,
    async try(victim, chance, dir) {
      const entry = chance.of([...victim.entries.values()].filter(({ key }) => key.toString()[0] === range))
      const { bytes: value, at } = changed(entry.value, chance, HASH_BYTES)
      value.write(sha256(value.subarray(HASH_BYTES)), 0, HASH_BYTES, 'hex')
      putStore(dir, victim.files)
      await inLog(dir, db => db.put(entry.key, value))
      const uncovered = equal(
        attempt(() => read({ ...entry, value })),
        read(entry),
      )
        ? 'the same, as far as anything is compared'
        : undefined
      const what = `byte ${at} of ${JSON.stringify(entry.key.toString())}`
      const places = range === 'b' ? basePlaces(entry, value) : commitPlaces(entry, value)
      return { what, places, uncovered, ...(await look(dir, victim)) }
    },
  }
}

const HASH_BYTES = 32

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

function storedBase({ key, value }: Entry) {
  return { sessionId: parseSessionKey(key.toString()).sessionId, bytes: value }
}

/** Nobody can tell whether it is the key that is wrong, or what the value says. */
function basePlaces(entry: Entry, value: Buffer): Place[] {
  const says = attempt(() => decodeBase({ ...storedBase(entry), bytes: value }).sessionId)
  const { sessionId } = decodeBase(storedBase(entry))
  return [{ sessionId }, ...(says === undefined ? [] : [{ sessionId: says }])]
}

function commitPlaces({ key, value }: Entry, changedValue: Buffer): Place[] {
  const { firstPosition, lastPosition } = decodeCommit(key.toString(), value)
  const says = attempt(() => {
    const [first, , , , ...runs] = decodeCbor(changedValue.subarray(HASH_BYTES)) as number[]
    return first! - 1 + runs.reduce((sum, field, at) => sum + (at % 3 === 2 ? field : 0), 0)
  })
  const place: Place = { position: [firstPosition, lastPosition + 1] }
  return says === undefined ? [place] : [place, { position: says }]
}

function commitPlace({ entries }: Victim, position: number): Place {
  for (const { key, value } of entries.values()) {
    if (key[0] !== 0x63) continue
    const { firstPosition, lastPosition } = decodeCommit(key.toString(), value)
    if (firstPosition <= position && position <= lastPosition)
      return { position: [firstPosition, lastPosition] }
  }
  throw new Error(`No commit has position ${position}`)
}
