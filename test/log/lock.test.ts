import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { cp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { ClassicLevel } from 'classic-level'
import ts from 'typescript'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { acquireLock, type Lock } from '../../src/log/lock.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const compiled = mkdtempSync(join(tmpdir(), 'sessionlog-lock-js-'))
const lockModule = compile(join(compiled, 'one'))
afterAll(() => rmSync(compiled, { recursive: true }))

describe('acquireLock() refuses', () => {
  test('a second owner in the process, by whatever path', async () => {
    const dir = directory()
    const link = `${dir}-link`
    symlinkSync(dir, link)
    teardown(() => rmSync(link))
    await hold(dir)
    for (const path of [dir, dir + sep, relative(process.cwd(), dir), join(dir, 'x', '..'), link]) {
      expect(await refusal(path)).toMatchObject({ code: 'SESSIONLOG_LOCKED', path: dir })
    }
    expect((await refusal(dir)).message).toContain(String(process.pid))
  })

  test('all but one of many that come in the same tick', async () => {
    const dir = directory()
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => hold(dir)))
    expect(outcomes.filter(outcome => outcome.status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes.filter(outcome => outcome.status === 'rejected')) {
      expect(outcome.reason).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    }
  })

  test('a worker thread', async () => {
    const dir = directory()
    await hold(dir)
    expect(await inWorker(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED', pid: process.pid })
  })

  test('another process, by whatever path', async () => {
    const dir = directory()
    const link = `${dir}-link`
    symlinkSync(dir, link)
    teardown(() => rmSync(link))
    await hold(dir)
    for (const path of [`${dir}${sep}`, relative(root, dir), link]) {
      expect(await inChild(path)).toMatchObject({ code: 'SESSIONLOG_LOCKED', pid: process.pid })
    }
  })

  test('another copy of the package in the process', async () => {
    const dir = directory()
    const modules = JSON.stringify([lockModule, compile(join(compiled, 'two'))])
    const child = start(`
      const [first, second] = await Promise.all(${modules}.map(path => import(path)))
      const lock = await first.acquireLock(${JSON.stringify(dir)})
      say(await second.acquireLock(${JSON.stringify(dir)}).then(() => 'held', error => error.code))
      await lock.release()
      say(await second.acquireLock(${JSON.stringify(dir)}).then(() => 'held', error => error.code))
    `)
    expect([await child.answer(), await child.answer()]).toEqual(['SESSIONLOG_LOCKED', 'held'])
  })

  test('two workers of one cluster', async () => {
    const dir = directory()
    const child = start(`
      const cluster = (await import('node:cluster')).default
      cluster.setupPrimary({ execArgv: [], exec: ${JSON.stringify(clusterWorker())}, args: [${JSON.stringify(lockModule)}, ${JSON.stringify(dir)}] })
      const answers = []
      cluster.on('message', (_, message) => {
        answers.push(message)
        if (answers.length === 2) say(answers.sort()), cluster.disconnect()
      })
      cluster.fork(), cluster.fork()
    `)
    expect(await child.answer()).toEqual(['SESSIONLOG_LOCKED', 'held'])
  })

  test('another process while the owner is stopped', async () => {
    const dir = directory()
    const holder = await inChild(dir)
    holder.process.kill('SIGSTOP')
    expect(await refusal(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    holder.process.kill('SIGCONT')
  })

  test('a directory with a path longer than a socket may have', async () => {
    const dir = join(directory(), 'x'.repeat(200), 'y'.repeat(200))
    mkdirSync(dir, { recursive: true })
    await hold(dir)
    expect(await inChild(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED', pid: process.pid })
  })

  test('a directory made anew where the one of an open store was moved away', async () => {
    const dir = directory()
    const lock = await hold(dir)
    renameSync(dir, `${dir}-moved`)
    teardown(() => rmSync(`${dir}-moved`, { recursive: true }))
    mkdirSync(dir)
    expect(await refusal(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    expect(await refusal(`${dir}-moved`)).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    await lock.release()
    await hold(dir)
  })

  test('a directory that is not there', async () => {
    expect(await refusal(join(directory(), 'none'))).toMatchObject({ code: 'SESSIONLOG_IO_ERROR' })
  })
})

describe("acquireLock() still refuses where LevelDB's own lock is lost", () => {
  const losses: [string, (dir: string) => Promise<unknown>][] = [
    ['reading LOCK', dir => readFile(join(dir, 'log', 'LOCK'))],
    ['copying the directory', dir => cp(dir, `${dir}-copy`, { recursive: true })],
    ['a second open of the database', dir => open(dir).catch(() => {})],
  ]
  for (const [name, lose] of losses) {
    test(`after ${name}`, async () => {
      const dir = directory()
      teardown(() => rmSync(`${dir}-copy`, { recursive: true, force: true }))
      await hold(dir)
      const db = await open(dir)
      teardown(() => db.close())
      await lose(dir)
      expect(await inChild(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED', pid: process.pid })
      expect(await inWorker(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED', pid: process.pid })
    })
  }

  test('and leaves nothing in the directory that fs.cp cannot copy', async () => {
    const dir = directory()
    const lock = await hold(dir)
    teardown(() => rmSync(`${dir}-copy`, { recursive: true, force: true }))
    await cp(dir, `${dir}-copy`, { recursive: true })
    expect(files(`${dir}-copy`)).toEqual(['owner.json'])
    await (await hold(`${dir}-copy`)).release()
    await lock.release()
    expect(files(dir)).toEqual([])
  })
})

describe('acquireLock() lets in', () => {
  test('the next one after release(), which may be called twice', async () => {
    const dir = directory()
    const lock = await hold(dir)
    expect(lock.directory).toBe(dir)
    await Promise.all([lock.release(), lock.release()])
    const next = await hold(dir)
    await lock.release()
    expect(await refusal(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    await next.release()
    expect(await inChild(dir)).toMatchObject({ held: dir })
  })

  test('the next one after the owner was killed', async () => {
    const dir = directory()
    const holder = await inChild(dir)
    expect(await refusal(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    holder.process.kill('SIGKILL')
    await once(holder.process, 'exit')
    expect(existsSync(join(dir, 'owner.json'))).toBe(true)
    await hold(dir)
  })

  test('the next one after the owning worker thread was terminated', async () => {
    const dir = directory()
    const holder = await inWorker(dir)
    expect(holder).toMatchObject({ held: dir })
    expect(await refusal(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    await holder.worker.terminate()
    await hold(dir)
  })

  test('the next one after a refusal, which leaves nothing behind', async () => {
    const dir = directory()
    const holder = await inChild(dir)
    await refusal(dir)
    holder.process.stdin?.end()
    await once(holder.process, 'exit')
    await (await hold(dir)).release()
    expect(files(dir)).toEqual([])
  })

  test('owners of different directories side by side', async () => {
    await Promise.all([hold(directory()), hold(directory())])
  })

  test('a process that then ends by itself, holding the lock', async () => {
    const dir = directory()
    const child = start(
      `await (await import(${JSON.stringify(lockModule)})).acquireLock(${JSON.stringify(dir)}); say('held')`,
    )
    expect(await child.answer()).toBe('held')
    expect(await once(child.process, 'exit')).toEqual([0, null])
  })

  test('one who finds an owner.json that a crash cut off', async () => {
    const dir = directory()
    writeFileSync(join(dir, 'owner.json'), '{"pid":1')
    const lock = await hold(dir)
    expect(JSON.parse(readFileSync(join(dir, 'owner.json'), 'utf8'))).toMatchObject({ pid: process.pid })
    await lock.release()
  })
})

describe('across namespaces', () => {
  const able = process.platform === 'linux' && spawnSync('unshare', ['-n', '-m', 'true']).status === 0
  const inNamespace = test.skipIf(!able)
  if (!able) console.log('SKIP lock across namespaces: no right to make one here')

  inNamespace('an owner in another network namespace is found', async () => {
    const dir = directory()
    await hold(dir)
    const db = await open(dir)
    teardown(() => db.close())
    await readFile(join(dir, 'log', 'LOCK'))
    const child = await inChild(dir, ['unshare', '-n'])
    expect(child).toMatchObject({ code: 'SESSIONLOG_LOCKED', pid: process.pid })
    expect(readdirSync(dir).sort()).toEqual(['log', 'owner.json'])
  })

  inNamespace('an owner in a container of its own is found', async () => {
    const dir = directory()
    const holder = await inChild(dir, ['unshare', '-n', '-p', '-f', '--mount-proc'])
    expect(holder).toMatchObject({ held: dir })
    expect(await refusal(dir)).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    expect(await inChild(dir, ['unshare', '-n'])).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
    holder.process.stdin?.end()
    await once(holder.process, 'exit')
    await hold(dir)
  })

  inNamespace('one that was killed there keeps nobody out', async () => {
    const dir = directory()
    const holder = await inChild(dir, ['unshare', '-n'])
    holder.process.kill('SIGKILL')
    await once(holder.process, 'exit')
    await (await hold(dir)).release()
    expect(files(dir)).toEqual([])
  })

  inNamespace('a bind mount of the directory is the same directory', async () => {
    const dir = directory()
    const other = directory()
    await hold(dir)
    const mounted = ['unshare', '-m', 'sh', '-c', `mount --bind ${dir} ${other} && exec "$@"`, 'sh']
    expect(await inChild(other, mounted)).toMatchObject({ code: 'SESSIONLOG_LOCKED', pid: process.pid })
    execFileSync('mount', ['--bind', dir, other])
    teardown(() => void execFileSync('umount', [other]))
    expect(await refusal(other)).toMatchObject({ code: 'SESSIONLOG_LOCKED' })
  })
})

test.runIf(process.platform === 'linux')(
  'the name in the kernel fills all its bytes, so every Node.js gives the same',
  async () => {
    await hold(directory())
    const [name, ...more] = ownNames()
    expect(more).toEqual([])
    expect(name).toMatch(/^@sessionlog-[0-9a-f]{64}-+$/)
    expect(name).toHaveLength(108)
  },
)

/** Of the abstract sockets that this process holds: other tests of other processes hold some too. */
function ownNames(): string[] {
  const links = readdirSync('/proc/self/fd').map(fd => tryRead(() => readlinkSync(`/proc/self/fd/${fd}`)))
  const inodes = new Set(links.map(link => /^socket:\[(\d+)\]$/.exec(link)?.[1]))
  const sockets = readFileSync('/proc/net/unix', 'latin1').matchAll(/ (\d+) (@sessionlog-.*)/g)
  return [...sockets].filter(([, inode]) => inodes.has(inode)).map(([, , name]) => name!)
}

/** A descriptor may be gone by the time it is looked at. */
function tryRead(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

function teardown(step: () => unknown): void {
  undo.push(step)
}

function directory(): string {
  const dir = realpathSync.native(mkdtempSync(join(tmpdir(), 'sessionlog-lock-')))
  teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Without the file that stays, on systems that lock one. */
function files(dir: string): string[] {
  return readdirSync(dir).filter(name => name !== 'owner.lock')
}

async function hold(dir: string): Promise<Lock> {
  const lock = await acquireLock(dir)
  teardown(() => lock.release())
  return lock
}

async function refusal(dir: string): Promise<{ code?: string; message: string }> {
  const lock = await acquireLock(dir).catch((error: Error) => error)
  if (lock instanceof Error) return lock
  await lock.release()
  throw new Error('Expected a refusal')
}

async function open(dir: string): Promise<ClassicLevel> {
  const db = new ClassicLevel(join(dir, 'log'))
  await db.open()
  return db
}

interface Outcome {
  held?: string
  code?: string
  /** The holder's, as the refusal names it. */
  pid?: number
}

/** Asks for the lock, says the outcome, and keeps a lock until told to end. */
const asking = `
  const ask = async (module, dir) => {
    try {
      const lock = await (await import(module)).acquireLock(dir)
      return { lock, held: lock.directory }
    } catch (error) {
      return { code: error.code, pid: Number(/process (\\d+)/.exec(error.message)?.[1]) }
    }
  }
`

async function inChild(dir: string, prefix: string[] = []): Promise<Outcome & { process: ChildProcess }> {
  const child = start(
    `${asking}
    const { lock, ...outcome } = await ask(${JSON.stringify(lockModule)}, ${JSON.stringify(dir)})
    say(outcome)
    if (lock) process.stdin.resume().on('end', () => lock.release())`,
    prefix,
  )
  return { ...((await child.answer()) as Outcome), process: child.process }
}

async function inWorker(dir: string): Promise<Outcome & { worker: Worker }> {
  const worker = new Worker(
    `${asking}
    const { parentPort } = require('node:worker_threads')
    ask(${JSON.stringify(lockModule)}, ${JSON.stringify(dir)}).then(({ lock, ...outcome }) => parentPort.postMessage(outcome))
    parentPort.on('message', () => {})`,
    { eval: true },
  )
  teardown(() => worker.terminate())
  const [outcome] = (await once(worker, 'message')) as [Outcome]
  return { ...outcome, worker }
}

/** The files of the lock as JavaScript, which worker threads, clusters and any version of Node.js can load. */
function compile(dir: string): string {
  for (const file of ['errors', 'log/endpoint', 'log/knock', 'log/lock']) {
    const source = readFileSync(join(root, 'src', `${file}.ts`), 'utf8')
    const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
    const { outputText } = ts.transpileModule(source, { compilerOptions: options })
    mkdirSync(dirname(join(dir, file)), { recursive: true })
    writeFileSync(join(dir, `${file}.mjs`), outputText.replaceAll(/(from '\.[^']*)\.ts'/g, "$1.mjs'"))
  }
  return join(dir, 'log/lock.mjs')
}

function clusterWorker(): string {
  const file = join(directory(), 'worker.mjs')
  writeFileSync(
    file,
    `${asking}
    const { held, code } = await ask(process.argv[2], process.argv[3])
    process.send(held ? 'held' : code)`,
  )
  return file
}

/** Starts a process that runs `code` and answers, line by line, what it says. */
function start(code: string, prefix: string[] = []): { process: ChildProcess; answer(): Promise<unknown> } {
  const [command, ...args] = [
    ...prefix,
    process.execPath,
    '--input-type=module',
    '--eval',
    `const say = line => process.stdout.write(JSON.stringify(line) + '\\n')\n${code}`,
  ]
  const child = spawn(command!, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
  teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  return { process: child, answer: async () => JSON.parse((await lines.next()).value as string) }
}
