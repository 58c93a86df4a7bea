/**
 * Verifies a proof of sessionlog without the store that it came from: that an event is in the log whose checkpoint
 * was signed, and what its session's state was after it. This file stands alone: read all of what you rely on, and
 * run a copy of it. docs/proofs-format.md describes the formats. It checks
 *
 * 1. the checkpoint: signed with the key that you have, by the log that you expect (C2SP signed-note, tlog-checkpoint)
 * 2. the tree: the event is at its place in the tree whose root the checkpoint names (C2SP tlog-proof, RFC 6962)
 * 3. the run: the session's events, from one that holds the whole state to the proved one, each linked by its hash
 * 4. the state: what that whole state becomes by the changes of the events after it.
 *
 * It refuses whatever it does not know. It can't tell whether a log shows somebody else another past: compare
 * checkpoints for that.
 */
import { createHash, createPublicKey, verify } from 'node:crypto'

/**
 * Answers with what a proof file proves: of the log `origin`, `size` and `root`; of the event `sessionId`, `version`
 * (its place in the session), `position` (its place in the log), `recordedAt` (ms since the epoch), `type`, `hash`,
 * and `actor` and `reason` if it has them; and the `state` after it, `undefined` if it deleted that. Otherwise throws
 * an error whose `code` is SESSIONLOG_PROOF_INVALID, and whose message says which check failed.
 * `origin` is the log that you expect: if left out, the one that the key is named after.
 */
export function verifyProof(text: string, vkey: string, origin = vkey.split('+')[0]) {
  try {
    const [head, extra = '', place = '', hashes = ''] = FILE.exec(text) ?? refuse('This is not a proof file')
    const checkpoint = readCheckpoint(text.slice(head.length), vkey)
    if (checkpoint.origin !== origin) refuse(`The log is '${checkpoint.origin}', not '${origin}'`)
    const run = decode(base64(extra)) as Uint8Array[]
    const [index, siblings] = [count(place), (hashes.match(/.+/g) ?? []).map(line => base64(line, 32))]
    const root = rootOf(hashOf(run.at(-1)!), index, checkpoint.size, siblings)
    if (root.toString('hex') !== checkpoint.root) refuse('The event is not in the tree of the checkpoint')
    const { hash, ...event } = replay(run)
    if (event.position !== index + 1) refuse(`The event's position is ${event.position}, its index ${index}`)
    return { ...checkpoint, ...event, hash: hash.toString('hex') }
  } catch (error) {
    if ((error as { code?: unknown }).code === CODE) throw error
    throw Object.assign(new Error('The proof cannot be read', { cause: error }), { code: CODE })
  }
}

const FILE = /^c2sp\.org\/tlog-proof@v1\nextra (.+)\nindex (.+)\n((?:.+\n)*)\n/
const CODE = 'SESSIONLOG_PROOF_INVALID'
const UNKNOWN = 'A value has an encoding that this verifier does not know'

function refuse(what: string): never {
  throw Object.assign(new Error(what), { code: CODE })
}

/** The checkpoint in a signed note. Signatures of other keys are passed over; a wrong one of ours is not. */
function readCheckpoint(note: string, vkey: string) {
  const [, name, id, data = ''] = /^([^\p{White_Space}+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(vkey) ?? []
  const key = base64(data)
  const idOfKey = sha256(Buffer.from(`${name}\n`), key).toString('hex', 0, 4)
  // 1 is the type that C2SP signed-note gives to plain Ed25519.
  if (key.length !== 33 || key[0] !== 1 || id !== idOfKey) refuse('The verifier key is malformed')
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url', 1) }
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  const end = note.lastIndexOf('\n\n') + 1
  const [text, lines] = [note.slice(0, end), note.slice(end + 1).split('\n')]
  const isClean = note.isWellFormed() && !/[^\n -\uffff]/.test(note)
  if (!isClean || lines.pop() !== '') refuse('The checkpoint is not a signed note')
  let isSigned = false
  for (const line of lines) {
    const [, signer, base = ''] = /^— ([^\p{White_Space}+]+) ([^ ]+)$/u.exec(line) ?? []
    const signature = base64(base)
    if (signature.length < 5) refuse('The checkpoint has a malformed signature')
    if (signer !== name || signature.toString('hex', 0, 4) !== id) continue
    isSigned = verify(null, Buffer.from(text), publicKey, signature.subarray(4))
    if (!isSigned) refuse("The checkpoint's signature is wrong")
  }
  if (!isSigned) refuse('The checkpoint is not signed with this key')
  const [origin = '', size = '', root = '', ...extensions] = text.slice(0, -1).split('\n')
  if (origin === '' || extensions.includes('')) refuse('The checkpoint has an empty line')
  return { origin, size: count(size), root: base64(root, 32).toString('hex') }
}

/** The root that a leaf and its siblings, lowest first, make in a tree of that size (RFC 6962, section 2.1.1). */
function rootOf(leaf: Buffer, index: number, size: number, siblings: Buffer[]): Buffer {
  const sibling = siblings.pop()
  if (index === 0 && size === 1 && sibling === undefined) return leaf
  if (index >= size || size === 1 || !sibling) refuse('The inclusion proof does not fit the tree')
  let left = 1
  while (2 * left < size) left *= 2
  return index < left
    ? sha256(Buffer.of(1), rootOf(leaf, index, left, siblings), sibling)
    : sha256(Buffer.of(1), sibling, rootOf(leaf, index - left, size - left, siblings))
}

/** An event's hash, which is a leaf of the tree. */
const hashOf = (event: Uint8Array) => sha256(Buffer.of(0), event)
const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

/** Kinds of events: changes; one change that is the whole state; changes, and the state beside them; a delete. */
const [CHANGES, , KEYFRAME, DELETED] = [0, 1, 2, 3]

/** The last of a session's events, and the state after it. The first holds the whole state, the others change it. */
function replay(run: readonly Uint8Array[]) {
  const holder: Members = { state: undefined }
  let last: ReturnType<typeof readEvent>['event'] | undefined
  for (const bytes of run) {
    const { kind, previousHash, changes, state, event } = readEvent(bytes)
    if ((kind === CHANGES) === (last === undefined)) refuse('The run does not begin at its last whole state')
    if (last !== undefined) {
      const isNext = event.version === last.version + 1 && event.position > last.position
      if (!isNext || event.sessionId !== last.sessionId) refuse('The run is not of one session, without gaps')
      if (!last.hash.equals(previousHash)) refuse(`Version ${event.version} is not linked to the one before`)
    }
    if (kind === KEYFRAME) holder.state = state
    else for (const change of changes) apply(change, holder)
    if ((holder.state === undefined) !== (kind === DELETED)) refuse('An event does not make a state')
    last = event
  }
  return { ...last!, state: holder.state }
}

type Fields = [number, string, number, number, number, Uint8Array, unknown, unknown[], unknown[][], unknown?]
function readEvent(bytes: Uint8Array) {
  const fields = decode(bytes) as Fields
  const [kind, sessionId, version, position, recordedAt, previousHash, , facts, changes, state] = fields
  const [type = kind === DELETED ? 'deleted' : 'saved', actor, reason] = facts
  const isCounted = [version, position, recordedAt].every(Number.isSafeInteger) && version > 0
  if (typeof sessionId !== 'string' || typeof type !== 'string' || !isCounted) refuse('An event is malformed')
  if (fields.length !== [9, 9, 10, 9][kind]) refuse('An event is of a kind that this verifier does not know')
  const given = { ...(actor !== undefined && { actor }), ...(reason !== undefined && { reason }) }
  const event = { sessionId, version, position, recordedAt, type, ...given, hash: hashOf(bytes) }
  return { kind, previousHash, changes, state, event }
}

/** Changes what `holder` has as its member `state`: 0 adds a value at a path, 1 replaces, 2 removes, 3 splices. */
function apply(change: unknown[], holder: Members): void {
  const [op, path, value, before] = change
  const misfit = (): never => refuse(`A change does not fit the state at '${path}'`)
  if (typeof path !== 'string' || !/^(\/([^~]|~[01])*)?$/su.test(path)) throw misfit()
  if (![[3, 4], [3], [2], [5]][op as number]?.includes(change.length)) misfit()
  const [, ...steps] = path.split('/').map(step => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  let [parent, key] = [holder, 'state']
  for (const step of steps) [parent, key] = [has(parent, key) ? (parent[key] as Members) : misfit(), step]
  const isThere = has(parent, key)
  if (op === 0 && isPlain(parent) && (!isThere || parent === holder)) {
    const entries = Object.entries(parent)
    const at = change.length < 4 ? entries.length : entries.findIndex(([name]) => name === before)
    if (at < 0) misfit()
    // The keys from `before` on are taken off, and put back behind the new one.
    for (const [name] of entries.slice(at)) delete parent[name]
    for (const [name, member] of [[key, value] as const, ...entries.slice(at)]) define(parent, name, member)
  } else if (op === 1 && isThere) define(parent, key, value)
  else if (op === 2 && isThere && isPlain(parent)) delete parent[key]
  else if (op === 3 && isThere) define(parent, key, splice(parent[key], change) ?? misfit())
  else misfit()
}

/** A text or a list with `insert` in the place of `remove` units from `index` on; nothing where that does not fit. */
function splice(old: unknown, [, , index, remove, insert]: unknown[]): unknown {
  const isText = typeof old === 'string' && typeof insert === 'string'
  if (!isText && !(Array.isArray(old) && Array.isArray(insert))) return undefined
  const [text, start, end] = [old as string, index as number, (index as number) + (remove as number)]
  const fits = [start, end].every(Number.isSafeInteger) && 0 <= start && start <= end && end <= text.length
  return fits ? text.slice(0, start).concat(insert as string, text.slice(end)) : undefined
}

type Members = Record<string, unknown>
/** True for an own member of an array or an object, never for one that is inherited. */
const has = (container: Members, key: string) =>
  (Array.isArray(container) ? key !== 'length' : isPlain(container)) && Object.hasOwn(container, key)

function isPlain(value: unknown): value is Members {
  const prototype = typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
  return prototype === Object.prototype || prototype === null
}

/** Sets a member whatever its name: to assign to `__proto__` would do something else. */
const define = (object: object, key: string, value: unknown) =>
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })

/** The value that these bytes of CBOR (RFC 8949) hold. What the log never writes, such as long forms, is refused. */
function decode(encoded: Uint8Array): unknown {
  const bytes = Buffer.from(encoded)
  let at = 0
  const take = (length: number) => {
    at += length
    return at <= bytes.length ? bytes.subarray(at - length, at) : refuse('A value is cut off')
  }
  // `tag` is the one that stands before the item. A date (tag 1) is 32 bits or a float, all else as short as can be.
  const item = (tag?: number): unknown => {
    const first = take(1)[0]!
    const [major, short] = [first >> 5, first & 31]
    if (first === 0x1b) return take(8).readBigUInt64BE()
    if (first === 0x3b) return -1n - take(8).readBigUInt64BE()
    if (first >= 0xf4 && first <= 0xf7) return [false, true, null, undefined][first - 0xf4]
    if (first === 0xfb) {
      const float = take(8).readDoubleBE()
      const isInteger = Number.isInteger(float) && float >= -(2 ** 32) && float < 2 ** 32
      return isInteger && (tag !== 1 || float >= 0) ? refuse(UNKNOWN) : float
    }
    const width = short < 24 ? 0 : [1, 2, 4][short - 24]
    if (width === undefined || major === 7 || (tag === 1 && first !== 0x1a)) return refuse(UNKNOWN)
    const argument = width === 0 ? short : take(width).readUIntBE(0, width)
    if (width > 0 && argument < Math.max(24, 2 ** (4 * width)) && tag !== 1) refuse(UNKNOWN)
    if (major < 2) return major === 0 ? argument : -1 - argument
    if (major === 2) return new Uint8Array(take(argument))
    if (major === 3) return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(take(argument))
    if (major === 6) return untag(argument, item(argument))
    const list: unknown[] = []
    while (list.length < (major === 4 ? argument : 2 * argument)) list.push(item())
    return major === 4 ? list : tag === 259 ? unique(new Map(pairsOf(list)), argument) : toObject(list)
  }
  const value = item()
  return at === bytes.length ? value : refuse('Bytes are left over behind a value')
}

/** The values that CBOR has no form of its own for; docs/format.md lists them. */
function untag(tag: number, value: unknown): unknown {
  if (tag === 1 && typeof value === 'number') return new Date(Math.round(value * 1_000))
  if (tag === 258 && Array.isArray(value)) return unique(new Set(value), value.length)
  if (tag === 259 && value instanceof Map) return value
  if (tag === 41_001 && Object.is(value, 0)) return -0
  const [, minus, digits] = /^(-?)([1-9a-f][0-9a-f]{16,})$/.exec(typeof value === 'string' ? value : '') ?? []
  if (tag === 41_003 && digits) return BigInt(`0x${digits}`) * (minus ? -1n : 1n)
  if (tag === 41_004 && typeof value === 'number') return new Date(value)
  if (tag === 41_005 && Array.isArray(value)) return toObject(value, true)
  if (tag === 41_006 && isPlain(value)) return Object.setPrototypeOf(value, null)
  const bytes = value instanceof Uint8Array ? Buffer.from(value) : refuse(UNKNOWN)
  if (tag === 3 && bytes.toString('hex') === 'f'.repeat(16)) return -(2n ** 64n)
  if (tag === 24) return decode(bytes)
  return tag === 41_002 && bytes.length % 2 === 0 ? bytes.toString('utf16le') : refuse(UNKNOWN)
}

/** Keys are texts, each there once, in an object's own order. Where they are listed, a map could not hold them. */
function toObject(list: readonly unknown[], isListed = false): object {
  const object = {}
  for (const [key, value] of pairsOf(list)) define(object, key as string, value)
  const keys = Object.keys(object)
  const isUnsafe = keys.some(key => key === '__proto__' || !key.isWellFormed())
  const isInOrder = 2 * keys.length === list.length && keys.every((key, at) => key === list[2 * at])
  return isInOrder && isUnsafe === isListed ? object : refuse('An object has keys that it cannot have')
}

const pairsOf = (list: readonly unknown[]) =>
  list.flatMap((key, at) => (at % 2 === 0 ? [[key, list[at + 1]] as const] : []))
const unique = <T extends { size: number }>(made: T, size: number) =>
  made.size === size ? made : refuse('A value has something twice that it can have once')

/** Bytes in base64, in the one form that they have in it: `Buffer.from` takes much more. */
function base64(text: string, length?: number): Buffer {
  const bytes = Buffer.from(text, 'base64')
  const isOne = bytes.toString('base64') === text && bytes.length === (length ?? bytes.length)
  return isOne ? bytes : refuse('A line is not in base64, or has another length')
}

const count = (text: string) => (/^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : refuse('No number'))
