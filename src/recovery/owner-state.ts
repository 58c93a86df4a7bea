import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { hasCode, SessionlogError } from '../errors.ts'
import { connectToOwner } from '../link/connect.ts'
import { endpointOf } from '../log/endpoint.ts'
import { identifyDirectory, isHeldHere, readOwner } from '../log/lock.ts'

/** Who holds a store, as far as can be told without asking for it. */
export interface OwnerState {
  /** As its note says; undefined where there is none, or it can't be read. */
  readonly pid?: number
  readonly hostname?: string
  /** ISO 8601. */
  readonly since?: string
  /** `unknown` where it is in another container, or on another machine. */
  readonly process: 'running' | 'stopped' | 'gone' | 'unknown'
  /** Whether the store is held. */
  readonly holds: boolean
  /** Whether other processes may follow it: false where it doesn't share the store, or doesn't answer. */
  readonly answers: boolean
}

/** Undefined where nobody holds the store, and the last owner left in order. */
export async function ownerOf(dir: string): Promise<OwnerState | undefined> {
  const holder = await holderOf(dir)
  if (holder === undefined) return undefined
  const { isListening, ...owner } = holder
  return { ...owner, answers: isListening && owner.process !== 'stopped' && (await isAnswering(dir)) }
}

/** `SESSIONLOG_LOCKED` where a process holds the store. */
export async function assertFree(dir: string): Promise<void> {
  const owner = await holderOf(dir)
  if (!owner?.holds) return
  const who = owner.pid === undefined ? 'another store' : `process ${owner.pid}`
  throw new SessionlogError('SESSIONLOG_LOCKED', `'${dir}' is held by ${who}: end it first`, { path: dir })
}

type Holder = Omit<OwnerState, 'answers'> & { readonly isListening: boolean }

async function holderOf(dir: string): Promise<Holder | undefined> {
  const { directory, identity } = identifyDirectory(dir)
  const owner = readOwner(directory)
  const isListening = await listens(endpointOf(identity))
  if (owner === undefined && !isListening && !isHeldHere(dir)) return undefined
  const { pid, hostname: host, since } = owner ?? {}
  const process = stateOf(pid, host)
  const isAlive = process === 'running' || process === 'stopped'
  const holds = isListening || isHeldHere(dir) || (!CLAIM_IS_SEEN && isAlive)
  const said = {
    ...(pid !== undefined && { pid }),
    ...(host !== undefined && { hostname: host }),
    ...(since !== undefined && { since }),
  }
  return { ...said, process, holds, isListening }
}

/** Elsewhere an owner who doesn't share can't be seen by who doesn't ask for its lock. */
const CLAIM_IS_SEEN = process.platform === 'linux' || process.platform === 'android'

function listens(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const answer = (is: boolean) => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => answer(true))
    // So many wait for a word of it already that no more are let in.
    socket.once('error', ({ code }: NodeJS.ErrnoException) => answer(code === 'EAGAIN' || code === 'EBUSY'))
  })
}

async function isAnswering(dir: string): Promise<boolean> {
  try {
    const channel = await connectToOwner(dir)
    channel?.cut()
    return channel !== undefined
  } catch (error) {
    if (hasCode(error, 'SESSIONLOG_LOCKED')) return false
    throw error
  }
}

function stateOf(pid: number | undefined, host: string | undefined): OwnerState['process'] {
  if (pid === undefined || host !== hostname()) return 'unknown'
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'gone'
  }
  return isStopped(pid) ? 'stopped' : 'running'
}

/** Only Linux tells. */
function isStopped(pid: number): boolean {
  try {
    const said = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return /^[tT]/.test(said.slice(said.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}
