import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { SessionlogError } from '../errors.ts'
import { endpointOf } from '../log/endpoint.ts'
import { identifyDirectory } from '../log/lock.ts'
import { Channel } from './channel.ts'
import { greetOwner } from './handshake.ts'
import { readKey } from './key.ts'
import { isLinkLost } from './link-lost.ts'

/** How long an owner may take to say a word, ms: one that doesn't is stopped, or very busy. */
const GREETING_MS_MAX = 10_000

/**
 * A link to the owner of a directory, on which each end knows the other; undefined where nobody is there who lets
 * others in. `SESSIONLOG_LOCKED` where somebody is there and doesn't answer.
 */
export async function connectToOwner(dir: string): Promise<Channel | undefined> {
  const { directory, identity } = identifyDirectory(dir)
  const socket = await dial(endpointOf(identity))
  if (socket === undefined) return undefined
  const channel = new Channel(socket)
  let silent = false
  const late = setTimeout(() => {
    silent = true
    channel.cut()
  }, GREETING_MS_MAX)
  try {
    await greetOwner(channel, () => readKey(directory))
    return channel
  } catch (error) {
    channel.cut()
    if (silent) throw unanswered(directory)
    // It hung up: it doesn't share, or is closing.
    if (isLinkLost(error)) return undefined
    // The key is that of the owner before, or not there yet.
    const { code } = error as { code?: string }
    if (code === 'ENOENT' || code === 'SESSIONLOG_LOCKED') return undefined
    throw error
  } finally {
    clearTimeout(late)
  }
}

async function dial(path: string): Promise<Socket | undefined> {
  for (const end = performance.now() + GREETING_MS_MAX; ; await delay(20)) {
    try {
      return await new Promise((resolve, reject) => {
        const socket = connect(path)
        socket.once('error', reject)
        socket.once('connect', () => resolve(socket.off('error', reject)))
      })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // So many wait for a word of it already that no more are let in.
      if (code !== 'EAGAIN' && code !== 'EBUSY') return undefined
      if (performance.now() > end) return undefined
    }
  }
}

function unanswered(path: string): SessionlogError {
  const message = `The process that holds '${path}' does not answer: it is stopped, or very busy`
  return new SessionlogError('SESSIONLOG_LOCKED', message, { path })
}
