import { join } from 'node:path'
import { hasCode } from '../../src/errors.ts'
import { provesConsistency, verifyCheckpoint } from '../../src/index.ts'
import { parseSessionKey } from '../../src/log/keys.ts'
import { decodeCommit } from '../../src/log/level-entries.ts'
import { verifyProof } from '../../src/proof/verify.ts'
import { readSnapshot } from '../../src/snapshot/snapshot.ts'
import { equal } from '../../src/state/values.ts'
import type { Chance } from './damage.ts'
import { bundleKind } from './tamper-bundle.ts'
import { cleverKinds } from './tamper-clever.ts'
import { type Entry, inLog, look, putFile, putStore, type Victim } from './tampered-store.ts'
import { changed, type Kind, type Place } from './tampering.ts'

/**
 * Every kind of stored byte, and then what somebody does who knows the format. Whatever else is stored, such as events
 * that have left the log, becomes a kind of its own here.
 */
export const KINDS: readonly Kind[] = [
  ...entryKinds('record of the tail', 't'),
  ...entryKinds('sealed record', 's'),
  ...entryKinds('commit', 'c'),
  ...entryKinds('base', 'b'),
  ...entryKinds('event id', 'i'),
  ...entryKinds('fork', 'f'),
  ...entryKinds('expiry', 'x'),
  ...entryKinds("store's record", 'mstore'),
  ...entryKinds('frontier', 'mfrontier'),
  snapshotKind(),
  witnessKind(),
  givenKind('checkpoint', victim => victim.checkpoint, verifyCheckpoint),
  givenKind('proof', ({ proofs }, chance) => chance.of(proofs), checkProof),
  givenKind('consistency proof', victim => victim.consistency, checkConsistency),
  bundleKind,
  ...cleverKinds,
]

/** A byte of an entry's value, and a byte of its key. */
function entryKinds(name: string, range: string): Kind[] {
  const choose = ({ entries }: Victim, chance: Chance) =>
    chance.of([...entries].filter(([key]) => key.startsWith(range)).map(([, entry]) => entry))
  return [
    {
      name,
      async try(victim, chance, dir) {
        const entry = choose(victim, chance)
        const { bytes, at } = changed(entry.value, chance)
        putStore(dir, victim.files)
        await inLog(dir, db => db.put(entry.key, bytes))
        const what = `byte ${at} of ${JSON.stringify(entry.key.toString())}`
        return { what, places: placesOf(victim, entry, at), ...(await look(dir, victim)) }
      },
    },
    {
      name: `${name}: key`,
      async try(victim, chance, dir) {
        const entry = choose(victim, chance)
        let { bytes } = changed(entry.key, chance)
        while (victim.entries.has(bytes.toString('latin1'))) bytes = changed(entry.key, chance).bytes
        putStore(dir, victim.files)
        await inLog(dir, db => db.batch().del(entry.key).put(bytes, entry.value).write())
        const { sessionId, rest } = parseSessionKey(bytes.toString())
        const what = `${JSON.stringify(entry.key.toString())} is now ${JSON.stringify(bytes.toString())}`
        const finding = await look(dir, victim)
        const places = placesOf(victim, entry)
        // Who opens stops at the first thing that is wrong, which may be the key as it is now. Of an expiry that is gone
        // nothing else speaks.
        const bystanders = [sessionId, rest, idInTail(bytes)]
        if (finding.by === 'open' || range === 'x') {
          for (const id of bystanders) places.push({ sessionId: id })
          if (bytes[0] !== entry.key[0]) places.push({})
        }
        return { what, places, bystanders, ...finding }
      },
    },
  ]
}

/** The session that a key of the tail names, behind its position. */
function idInTail(key: Buffer): string {
  const text = key.toString()
  return parseSessionKey(text.slice(1 + Number.parseInt(text[1]!, 36))).sessionId
}

/** What a problem has to name, where a byte of an entry is changed: of a record the event that it is in. */
function placesOf({ records }: Victim, { key, value }: Entry, at?: number): Place[] {
  const text = key.toString()
  const record = records.get(key.toString('latin1'))
  if (record !== undefined) {
    const { events } = record
    const frames = events.map(event => event.bytes.byteOffset - value.byteOffset - FRAME_BYTES)
    const event = events[at === undefined ? 0 : frames.findLastIndex(start => start <= at)]!
    return [{ sessionId: event.sessionId, version: event.version }]
  }
  const { sessionId, rest } = parseSessionKey(text)
  switch (text[0]) {
    case 'c': {
      const { firstPosition, lastPosition } = decodeCommit(text, value)
      return [{ position: [firstPosition, lastPosition] }]
    }
    case 'i':
      return [{ sessionId, version: value.at(-1)! }]
    case 'f':
      return [{ sessionId: rest, version: 1 }]
    case 'b':
    case 'x':
      return [{ sessionId }]
  }
  return [{}]
}

/** What stands before an event in a record: its length, and a 0. */
const FRAME_BYTES = 6

function snapshotKind(): Kind {
  return {
    name: 'snapshot',
    async try(victim, chance, dir) {
      const name = chance.of([...victim.files.keys()].filter(file => file.startsWith('sessions_v3/')))
      const { bytes, at } = changed(victim.files.get(name)!, chance)
      putStore(dir, victim.files)
      const path = join(dir, name)
      const before = await readSnapshot(path)
      putFile(dir, name, bytes)
      const after = await readSnapshot(path).catch(() => undefined)
      let uncovered: string | undefined
      if (equal(after, before)) uncovered = 'the same in JSON'
      // An expiry moves without an event: nobody can say of an old one that it is wrong.
      else if (equal({ ...after, expiresAt: 0 }, { ...before, expiresAt: 0 })) uncovered = 'the expiry'
      const finding = await look(dir, victim)
      const sessions = [before, after].flatMap(each => each?.sessionId ?? [])
      return {
        what: `byte ${at} of ${name}`,
        places: [{ path }],
        bystanders: sessions,
        uncovered,
        ...finding,
      }
    },
  }
}

function witnessKind(): Kind {
  return {
    name: 'head.json',
    async try(victim, chance, dir) {
      const { bytes, at } = changed(victim.files.get('head.json')!, chance)
      putStore(dir, victim.files)
      putFile(dir, 'head.json', bytes)
      const uncovered = isSameWitness(victim.files.get('head.json')!, bytes)
        ? 'nothing that is compared'
        : undefined
      return { what: `byte ${at} of head.json`, places: [{}], uncovered, ...(await look(dir, victim)) }
    },
  }
}

/** When it was written, and what an import of the snapshots alone says of itself, are for people. */
function isSameWitness(...texts: readonly [Buffer, Buffer]): boolean {
  try {
    const [a, b] = texts.map(text => {
      const { format, origin, position, root, snapshots } = JSON.parse(text.toString())
      return { format, origin, position, root, snapshots: Number.isSafeInteger(snapshots) }
    })
    return equal(a, b)
  } catch {
    return false
  }
}

/** Something that was given out, and is checked without the store. */
function givenKind(
  name: string,
  textOf: (victim: Victim, chance: Chance) => string,
  check: (text: string, vkey: string, victim: Victim) => unknown,
): Kind {
  return {
    name,
    async try(victim, chance) {
      const { bytes, at } = changed(Buffer.from(textOf(victim, chance)), chance)
      const trial = { what: `byte ${at} of ${bytes.toString()}`, places: [{}] }
      try {
        check(bytes.toString(), victim.vkey, victim)
        return { ...trial, problems: [] }
      } catch (error) {
        if (!hasCode(error)) throw error
        return { ...trial, by: 'proof', problems: [error as never] }
      }
    },
  }
}

function checkProof(text: string, vkey: string, { origin }: Victim): void {
  verifyProof(text, vkey, `sessionlog/${origin}`)
}

/** As whoever keeps two checkpoints does: sizes and roots are those that were signed. */
function checkConsistency(text: string, vkey: string, { olderCheckpoint, checkpoint }: Victim): void {
  const refuse = () => Object.assign(new Error('No proof'), { code: 'SESSIONLOG_PROOF_INVALID' })
  let given: Parameters<typeof provesConsistency>[0]
  try {
    given = JSON.parse(text)
  } catch {
    throw refuse()
  }
  const [older, newer] = [verifyCheckpoint(olderCheckpoint, vkey), verifyCheckpoint(checkpoint, vkey)]
  const { proof } = given
  if (!Array.isArray(proof)) throw refuse()
  const signed = { oldSize: older.size, oldRoot: older.root, newSize: newer.size, newRoot: newer.root }
  if (!equal({ ...given, proof }, { ...signed, proof }) || !provesConsistency({ ...signed, proof }))
    throw refuse()
}
