import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { SessionlogError } from '../errors.ts'
import { type Channel, malformed } from './channel.ts'
import type { Message } from './frame.ts'
import { MESSAGE, PROTOCOL } from './message.ts'
import { fromWire, toWire } from './wire-error.ts'

/**
 * Both ends prove that they can read the store's key, a file that only its user can read, without saying what is in it:
 * HMAC-SHA-256 over who speaks and both nonces. So neither is a stranger who only knows the endpoint's name.
 */
export async function greetFollower(channel: Channel, key: Buffer): Promise<void> {
  const nonce = randomBytes(32)
  channel.send(MESSAGE.GREETING, 'sessionlog', PROTOCOL.MAJOR, PROTOCOL.MINOR, nonce)
  const [kind, major, , theirs, proof] = await channel.next()
  if (kind !== MESSAGE.PROOF) throw malformed('no proof')
  try {
    checkMajor(major)
    if (!proves(proof, key, 'follower', nonce, theirs)) throw stranger()
  } catch (error) {
    channel.send(MESSAGE.REFUSAL, toWire(error))
    channel.close()
    throw error
  }
  channel.send(MESSAGE.WELCOME, proofOf(key, 'owner', nonce, theirs as Uint8Array))
  channel.trust()
}

/** The follower's side. `key` is read once the owner has spoken: it is there by then. */
export async function greetOwner(channel: Channel, readKey: () => Promise<Buffer>): Promise<void> {
  const [kind, name, major, , nonce] = accepted(await channel.next())
  if (kind !== MESSAGE.GREETING || name !== 'sessionlog' || !(nonce instanceof Uint8Array))
    throw malformed('no greeting')
  checkMajor(major)
  const key = await readKey()
  const ours = randomBytes(32)
  const proof = proofOf(key, 'follower', nonce, ours)
  channel.send(MESSAGE.PROOF, PROTOCOL.MAJOR, PROTOCOL.MINOR, ours, proof)
  const [answer, theirs] = accepted(await channel.next())
  if (answer !== MESSAGE.WELCOME || !proves(theirs, key, 'owner', nonce, ours)) throw stranger()
  channel.trust()
}

function accepted(message: Message): Message {
  if (message[0] === MESSAGE.REFUSAL) throw fromWire(message[1])
  return message
}

function checkMajor(major: unknown): void {
  if (major === PROTOCOL.MAJOR) return
  const message = `The other process speaks version ${Number(major)} of the protocol, this one ${PROTOCOL.MAJOR}: use one version of sessionlog`
  throw new SessionlogError('SESSIONLOG_FORMAT_UNSUPPORTED', message)
}

function proves(proof: unknown, key: Buffer, who: string, owner: unknown, follower: unknown): boolean {
  if (!(proof instanceof Uint8Array && owner instanceof Uint8Array && follower instanceof Uint8Array))
    return false
  const expected = proofOf(key, who, owner, follower)
  return follower.length === 32 && proof.length === expected.length && timingSafeEqual(proof, expected)
}

function proofOf(key: Buffer, who: string, owner: Uint8Array, follower: Uint8Array): Buffer {
  return createHmac('sha256', key).update(`sessionlog ${who}`).update(owner).update(follower).digest()
}

function stranger(): SessionlogError {
  return new SessionlogError('SESSIONLOG_LOCKED', 'The other process does not know the key of this store')
}
