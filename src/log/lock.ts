import fs from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { SessionlogError } from '../errors.ts'
import { endpointOf } from './endpoint.ts'
import { answerKnocks, isAnswered } from './knock.ts'

export interface Lock {
  /** The real path of the directory. */
  readonly directory: string
  /** Lets the next owner in. REQUIRES: everything in the directory is closed. Any call after the first is the same. */
  release(): Promise<void>
}

/** Takes those who connect to the owner's endpoint; they may come before `acquireLock` is through. */
export type Door = (socket: Socket) => void

/**
 * Makes the caller the only owner of a store's directory, or rejects with `SESSIONLOG_LOCKED`. Asked before LevelDB
 * is, whose own lock the kernel drops, silently, when its process closes any other descriptor of the file `LOCK`:
 * a second open does, and so does a copy of the directory.
 *
 * Three guards, each for what the one before can't see. None of them can be lost while the owner lives, and a
 * killed owner leaves at most files that keep nobody out.
 *
 * 1. A registry in the process, for this and other copies of the package.
 * 2. A claim that the kernel keeps, for worker threads and other processes: see {@link claim}.
 * 3. A knock, where the claim doesn't reach all who see the files: an abstract socket is known in one network
 *    namespace, and two containers may share a volume. See {@link isAnswered}.
 *
 * Not guarded, beyond LevelDB's own lock: two machines on one network file system.
 */
export async function acquireLock(dir: string, door: Door = turnAway): Promise<Lock> {
  const { directory, identity } = identifyDirectory(dir)
  const owners = ownersInProcess()
  if (owners.has(directory) || owners.has(identity)) throw locked(directory, { pid: process.pid })
  // Nothing above waits, so of two calls in one tick the second finds the first one here.
  for (const key of [directory, identity]) owners.set(key, directory)
  const undo: Undo[] = [() => void [directory, identity].map(key => owners.delete(key))]
  let released: Promise<void> | undefined
  const release = () => {
    released ??= inTurn(undo.reverse())
    return released
  }
  try {
    const unclaim = await claim(directory, identity, door)
    undo.push(unclaim ?? nothing)
    const reach = unclaim === undefined ? 'none' : reachOfClaim()
    const previous = readOwner(directory)
    if (previous !== undefined && reach !== 'machine' && (reach === 'none' || reach !== previous.reach)) {
      if (await isAnswered(directory)) throw locked(directory, previous)
    }
    if (reach !== 'machine') undo.push(answerKnocks(directory))
    undo.push(writeOwner(directory, reach))
    if (door !== turnAway && !CLAIMS_BY_SOCKET)
      undo.push((await listen(directory, identity, door)) ?? nothing)
    return { directory, release }
  } catch (error) {
    await release()
    if (error instanceof SessionlogError) throw error
    throw ioError(directory, error)
  }
}

type Undo = () => unknown

/** What `owner.json` holds: for the message of the one who is refused, and for choosing the guard. */
export interface Owner {
  pid?: number
  hostname?: string
  since?: string
  /** Who can see the owner's claim: all on this machine, one network namespace, or nobody. */
  reach?: string
}

/**
 * The real path alone can't tell a bind mount or another letter case from another directory, and device and inode
 * alone can't tell that a directory was moved away and made anew under a store that is still open.
 */
export function identifyDirectory(dir: string): { directory: string; identity: string } {
  try {
    const directory = fs.realpathSync.native(dir)
    const { dev, ino } = fs.statSync(directory, { bigint: true })
    return { directory, identity: `${dev}:${ino}` }
  } catch (error) {
    throw ioError(dir, error)
  }
}

/** Whether a store of this process, or of another copy of this package in it, holds the directory. */
export function isHeldHere(dir: string): boolean {
  return ownersInProcess().has(identifyDirectory(dir).identity)
}

/** Lives on `globalThis`, because a process may hold this package twice. A worker thread has one of its own. */
function ownersInProcess(): Map<string, string> {
  const key = Symbol.for('sessionlog.owners')
  const shared = globalThis as { [key]?: Map<string, string> }
  shared[key] ??= new Map()
  return shared[key]
}

/**
 * Takes what the kernel gives to one holder and frees when the holder dies, however it dies; a stopped process keeps
 * it. Rejects if it is taken; `undefined` where this system has none, or forbids it to us.
 */
async function claim(directory: string, identity: string, door: Door): Promise<Undo | undefined> {
  const { platform } = process
  if (CLAIMS_BY_SOCKET) return listen(directory, identity, door)
  if (platform === 'win32') return lockFile(directory, 0x10000000)
  if (platform === 'darwin' || platform.endsWith('bsd')) return lockFile(directory, 0x20)
  return undefined
}

/** Linux can't lock a file from Node.js, but has sockets with a name and no file, which one process can have. */
const CLAIMS_BY_SOCKET = process.platform === 'linux' || process.platform === 'android'

function listen(directory: string, identity: string, door: Door): Promise<Undo | undefined> {
  const path = endpointOf(identity)
  // A file that a killed owner left. We are the owner now, so nobody listens there.
  if (path.endsWith('.sock')) attempt(() => fs.rmSync(path, { force: true }))
  return new Promise((resolve, reject) => {
    const server = createServer(door)
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(locked(directory, readOwner(directory)))
      else if (isUnavailable(error)) resolve(undefined)
      else reject(error)
    })
    // Not exclusive, the workers of a cluster would share one socket, and all would be let in.
    server.listen({ path, exclusive: true }, () => {
      server.on('error', nothing).unref()
      resolve(() => new Promise<void>(done => server.close(() => done())))
    })
  })
}

/** An owner who doesn't share has nothing to talk about. */
function turnAway(socket: Socket): void {
  socket.on('error', nothing).destroy()
}

/**
 * Opens a file so that nobody else can: O_EXLOCK, which Node.js passes on but doesn't name. It belongs to the open
 * file: unlike LevelDB's lock on macOS and BSD, it doesn't go when the process closes another descriptor. And unlike
 * a named pipe, Wine makes it exclusive too.
 */
function lockFile(directory: string, exclusive: number): Undo | undefined {
  const { O_CREAT, O_NONBLOCK, O_RDWR } = fs.constants
  try {
    const descriptor = fs.openSync(join(directory, 'owner.lock'), O_RDWR | O_CREAT | O_NONBLOCK | exclusive)
    // The file stays: removing it would let the next two in, one on the old file and one on a new one.
    return () => fs.closeSync(descriptor)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EAGAIN' || code === 'EBUSY') throw locked(directory, readOwner(directory))
    if (isUnavailable(error)) return undefined
    throw error
  }
}

function isUnavailable(error: unknown): boolean {
  const codes = ['EACCES', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EAFNOSUPPORT', 'EINVAL', 'ENOSYS']
  return codes.includes((error as NodeJS.ErrnoException).code ?? '')
}

function reachOfClaim(): string {
  if (process.platform !== 'linux' && process.platform !== 'android') return 'machine'
  try {
    return fs.readlinkSync('/proc/self/ns/net')
  } catch {
    return 'none'
  }
}

/** Best effort: without the file, who is refused is not told by whom. */
function writeOwner(directory: string, reach: string): Undo {
  const path = join(directory, 'owner.json')
  const owner: Owner = { pid: process.pid, hostname: hostname(), since: new Date().toISOString(), reach }
  attempt(() => fs.writeFileSync(path, `${JSON.stringify(owner)}\n`))
  return () => attempt(() => fs.rmSync(path, { force: true }))
}

/** `undefined` where the last owner left in order. One that can't be read is one of whom nothing is known. */
export function readOwner(directory: string): Owner | undefined {
  try {
    return { ...(JSON.parse(fs.readFileSync(join(directory, 'owner.json'), 'utf8')) as Owner) }
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : {}
  }
}

function locked(directory: string, owner: Owner = {}): SessionlogError {
  const who = owner.pid === undefined ? 'another store' : `process ${owner.pid}`
  const where = owner.hostname === undefined || owner.hostname === hostname() ? '' : ` on ${owner.hostname}`
  return new SessionlogError('SESSIONLOG_LOCKED', `'${directory}' is held by ${who}${where}`, {
    path: directory,
  })
}

function ioError(path: string, cause: unknown): SessionlogError {
  const reason = (cause as Error).message
  return new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot lock '${path}': ${reason}`, { cause, path })
}

async function inTurn(steps: readonly Undo[]): Promise<void> {
  for (const step of steps) await step()
}

function attempt(action: () => void): void {
  try {
    action()
  } catch {}
}

function nothing(): void {}
