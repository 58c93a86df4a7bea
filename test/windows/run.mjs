// What only Windows can show, against the built package: node.exe test/windows/run.mjs [index.js]
import { fork, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'

const here = fileURLToPath(import.meta.url)
const entry =
  process.env.SESSIONLOG_ENTRY ?? path.resolve(process.argv[2] ?? path.join(here, '../../../dist/index.js'))
const root = process.env.SESSIONLOG_ROOT ?? fs.mkdtempSync(path.join(os.tmpdir(), 'SessionLog-'))

const checks = {
  async 'ten callers save one session 100 times each, at once, and every save is there after reopening'() {
    const dir = directory()
    let store = await open(dir)
    const callers = Array.from({ length: 10 }, async (_, caller) => {
      const saves = Array.from({ length: 100 }, (_, n) => store.save('cart', { caller, n, items: [n] }))
      return Promise.all(saves)
    })
    const receipts = (await Promise.all(callers)).flat()
    equal(new Set(receipts.map(receipt => receipt.version)).size, 1_000)
    equal(store.version('cart'), 1_000)
    const last = store.get('cart')
    await store.close()
    store = await open(dir)
    equal(store.version('cart'), 1_000)
    equal(store.get('cart'), last)
    equal(
      (await all(store.history('cart'))).map(event => event.version),
      numbers(1, 1_000),
    )
    await verified(store)
    await store.close()
  },

  async 'a second open in the process is refused, by whatever path'() {
    const dir = directory()
    const store = await open(dir)
    const relative = path.relative(process.cwd(), dir)
    const paths = [dir, `${dir}\\`, dir.toUpperCase(), dir.toLowerCase(), dir.replaceAll('\\', '/'), relative]
    for (const other of [...paths, path.join(dir, 'x', '..'), `\\\\?\\${dir}`]) {
      equal([other, await codeOf(open(other))], [other, 'SESSIONLOG_LOCKED'])
    }
    await store.save('a', { n: 1 })
    await store.close()
  },

  async 'of two opens at once, one is refused'() {
    const dir = directory()
    const outcomes = await Promise.allSettled([open(dir), open(dir)])
    equal(outcomes.map(outcome => outcome.status).sort(), ['fulfilled', 'rejected'])
    equal(outcomes.find(outcome => outcome.status === 'rejected').reason.code, 'SESSIONLOG_LOCKED')
    await outcomes.find(outcome => outcome.status === 'fulfilled').value.close()
  },

  async 'a worker thread is refused'() {
    const dir = directory()
    const store = await open(dir)
    const worker = new Worker(here, { argv: ['worker', dir], env: environment() })
    const [answer] = await once(worker, 'message')
    equal(answer, { code: 'SESSIONLOG_LOCKED', namesHolder: true })
    await store.close()
  },

  async 'another process is refused, told by whom, and let in after close()'() {
    const dir = directory()
    const store = await open(dir)
    for (const other of [dir, dir.toUpperCase(), `${dir}\\`]) {
      equal(await inChild(other), { code: 'SESSIONLOG_LOCKED', namesHolder: true })
    }
    await store.close()
    equal(await inChild(dir), { opened: true })
  },

  async 'another process is refused after LOCK was read and the directory copied in the owning process'() {
    const dir = directory()
    const store = await open(dir)
    await store.save('a', { n: 1 })
    // Both may fail, because Windows keeps others from reading the file.
    await codeOf(fs.promises.readFile(path.join(dir, 'log', 'LOCK')))
    await codeOf(fs.promises.cp(dir, `${dir}-copy`, { recursive: true }))
    equal(await codeOf(open(dir)), 'SESSIONLOG_LOCKED')
    equal(await inChild(dir), { code: 'SESSIONLOG_LOCKED', namesHolder: true })
    await store.save('a', { n: 2 })
    await store.close()
    const again = await open(dir)
    equal(again.get('a'), { n: 2 })
    await verified(again)
    await again.close()
  },

  async 'a process killed in a burst loses nothing that it had acknowledged'() {
    const dir = directory()
    const child = start('burst', dir)
    const acknowledged = new Map()
    for await (const [receipt] of on(child, 'message')) {
      acknowledged.set(receipt.sessionId, Math.max(acknowledged.get(receipt.sessionId) ?? 0, receipt.version))
      if (receipt.version >= 200) break
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    const store = await open(dir)
    for (const [id, version] of acknowledged) {
      const events = await all(store.history(id))
      equal(
        events.map(event => event.version),
        numbers(1, store.version(id)),
      )
      equal(store.version(id) >= version, true)
      equal(await store.stateAt(id, { version }), { id, n: version })
    }
    equal(acknowledged.size, 4)
    await verified(store)
    await store.save('s0', { id: 's0', n: 'after' })
    await store.close()
  },

  async 'a snapshot that a reader holds open is replaced once the reader closes it'() {
    const dir = directory()
    const store = await open(dir)
    await store.save('held', { n: 1 })
    await store.compact()
    const file = path.join(dir, 'sessions_v3', 'held.json')
    const reader = fs.openSync(file, 'r')
    await store.save('held', { n: 2 })
    const compaction = store.compact()
    await until(() => fs.readdirSync(path.dirname(file)).some(name => name.endsWith('.tmp')))
    equal(stateIn(file), { n: 1 })
    fs.closeSync(reader)
    equal((await compaction).problems, [])
    equal(stateIn(file), { n: 2 })
    await verified(store)
    await store.close()
  },

  async 'a snapshot that a reader never closes is reported, stays whole, and is healed by the next compaction'() {
    const dir = directory()
    const store = await open(dir)
    for (const id of ['held', 'free']) await store.save(id, { n: 1 })
    await store.compact()
    const folder = path.join(dir, 'sessions_v3')
    const reader = fs.openSync(path.join(folder, 'held.json'), 'r')
    for (const id of ['held', 'free']) await store.save(id, { n: 2 })
    const { problems } = await store.compact()
    equal(
      problems.map(problem => [problem.sessionId, problem.error.code]),
      [['held', 'SESSIONLOG_IO_ERROR']],
    )
    equal(
      [stateIn(path.join(folder, 'held.json')), stateIn(path.join(folder, 'free.json'))],
      [{ n: 1 }, { n: 2 }],
    )
    equal(fs.readdirSync(folder).sort(), ['free.json', 'held.json'])
    fs.closeSync(reader)
    equal((await store.compact()).problems, [])
    equal(stateIn(path.join(folder, 'held.json')), { n: 2 })
    await verified(store)
    await store.close()
  },

  async 'ids that Windows reserves, folds or trims are sessions like any other'() {
    const dir = directory()
    const reserved = [
      'con',
      'CON',
      'con.txt',
      'nul',
      'aux',
      'prn',
      'com1',
      'COM¹',
      'lpt1.json',
      'conin$',
      'conout$',
    ]
    const folded = ['cart', 'Cart', 'CART', 'é', 'e\u0301', 'É', 'ß', 'ẞ', 'K', 'k', '\u212a']
    const others = [
      'a.',
      'a ',
      'a',
      '..',
      '.',
      'a/b',
      'a\\b',
      'C:\\x',
      'a:b',
      'a<>|?*"b',
      'x'.repeat(1_024),
      '\u0000',
    ]
    const ids = [...reserved, ...folded, ...others]
    let store = await open(dir)
    await Promise.all(ids.map((id, n) => store.save(id, { n })))
    const { problems, snapshotsWritten } = await store.compact()
    equal([problems, snapshotsWritten], [[], ids.length])
    await store.close()
    equal(fs.readdirSync(path.join(dir, 'sessions_v3')).length, ids.length)
    store = await open(dir)
    equal(
      ids.map(id => store.get(id)),
      ids.map((_, n) => ({ n })),
    )
    await verified(store)
    await Promise.all(ids.map(id => store.delete(id)))
    await store.compact()
    equal(fs.readdirSync(path.join(dir, 'sessions_v3')), [])
    await store.close()
  },

  async 'old events leave for the archive, are read there, and are destroyed where a policy allows it'() {
    const dir = directory()
    let store = await open(dir, { prune: { keepLast: 5 } })
    for (let n = 1; n <= 60; n++) await store.save('cart', { n, text: 'text '.repeat(n) })
    const { files } = await store.archive({ keepLast: 2 })
    equal([files, fs.readdirSync(path.join(dir, 'archive')).length], [1, 1])
    equal(await store.stateAt('cart', { version: 7 }), { n: 7, text: 'text '.repeat(7) })
    await store.legalHold('cart', true)
    equal((await store.prune()).held, 1)
    await store.legalHold('cart', false)
    const { events } = await store.prune()
    equal([events > 0, fs.readdirSync(path.join(dir, 'archive')).length], [true, 1])
    await store.close()
    store = await open(dir)
    equal(store.firstVersion('cart'), events + 2)
    await verified(store)
    await store.close()
  },

  async 'another process follows: it sees what the owner saves, and the owner records what it saves'() {
    const dir = directory()
    const store = await open(dir)
    await store.save('a', { n: 1 })
    const child = start('follow', dir)
    const [{ seen, receipt }] = await once(child, 'message')
    equal([seen, receipt.version, store.get('b')], [{ n: 1 }, 1, { n: 2 }])
    await once(child, 'exit')
    await verified(store)
    await store.close()
  },

  async 'when the owner is killed a follower takes its place, and every acknowledged save is there once'() {
    const dir = directory()
    const owner = start('count', dir)
    const acknowledged = []
    owner.on('message', ({ position, hash }) => acknowledged.push({ position, hash }))
    await once(owner, 'message')
    const store = await open(dir)
    const add = async () => {
      const { position, hash } = await store.edit('sum', draft => void draft.sum++)
      acknowledged.push({ position, hash })
    }
    for (let n = 0; n < 20; n++) await add()
    const edits = numbers(1, 200).map(add)
    owner.kill('SIGKILL')
    await Promise.all(edits)
    await add()
    const events = await all(store.events())
    equal(store.get('sum').sum, events.length - 1)
    for (const { position, hash } of acknowledged) equal(events[position - 1].hash, hash)
    equal(new Set(acknowledged.map(({ position }) => position)).size, acknowledged.length)
    await verified(store)
    await store.close()
  },

  async 'the command line has a running app compact its store'() {
    const dir = directory()
    const store = await open(dir)
    for (let n = 0; n < 20; n++) await store.save(`s${n}`, { n })
    const main = path.join(path.dirname(entry), 'cli', 'main.js')
    const child = spawn(process.execPath, [main, 'compact', '--quiet', '--dir', dir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const [code] = await once(child, 'exit')
    equal([code, (await store.compact()).sessions], [0, 0])
    equal(fs.readdirSync(path.join(dir, 'sessions_v3')).length, 20)
    await verified(store)
    await store.close()
  },

  async 'a store for Express keeps 100 rapid writes of a session, its end, and ids that no file could have'() {
    const dir = directory()
    const { createExpressStore } = await import(new URL('adapters/express.js', pathToFileURL(entry)).href)
    let store = await open(dir)
    const cookie = { originalMaxAge: null }
    const call = (method, ...args) =>
      new Promise((resolve, reject) => {
        sessions[method](...args, (error, result) => (error ? reject(error) : resolve(result)))
      })
    let sessions = createExpressStore({ store, actor: 'ada' })
    await Promise.all(numbers(1, 100).map(n => call('set', 'rapid', { cookie, n })))
    for (const id of ['CON', 'a:b', '..\\..\\up', 'ends.']) await call('set', id, { cookie, id })
    await call('destroy', 'CON')
    await store.compact()
    await store.close()
    store = await open(dir)
    sessions = createExpressStore({ store })
    equal((await call('get', 'rapid')).n, 100)
    equal(store.version('rapid'), 100)
    equal(await call('get', 'CON'), null)
    equal((await call('get', '..\\..\\up')).id, '..\\..\\up')
    equal(await call('length'), 4)
    await verified(store)
    await store.close()
  },

  async 'a closed store holds no file open'() {
    const dir = directory()
    const store = await open(dir)
    await store.save('a', { n: 1 })
    await store.compact()
    await store.close()
    fs.renameSync(dir, `${dir}-moved`)
    fs.rmSync(`${dir}-moved`, { recursive: true })
  },
}

const roles = {
  /** Opens the store and answers how that went. */
  async open(dir, answer) {
    try {
      const store = await open(dir, { role: 'owner' })
      await store.close()
      answer({ opened: true })
    } catch ({ code, message }) {
      answer({ code, namesHolder: message.includes(process.env.SESSIONLOG_HOLDER) })
    }
  },

  /** Follows the store, saves, and answers with what it saw and got. */
  async follow(dir, answer) {
    const store = await open(dir, { role: 'follower' })
    const receipt = await store.save('b', { n: 2 })
    answer({ seen: store.get('a'), receipt })
    await store.close()
    process.disconnect()
  },

  /** Adds one again and again, until it is killed, and answers each acknowledgement. */
  async count(dir, answer) {
    const store = await open(dir)
    answer(await store.save('sum', { sum: 0 }))
    for (;;) {
      answer(await store.edit('sum', draft => void draft.sum++))
      // An edit of a follower needs a moment in which the session stands still.
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  },

  /** Saves until it is killed, and answers each acknowledgement. */
  async burst(dir, answer) {
    const store = await open(dir)
    for (let n = 1; ; n++) {
      const saves = numbers(0, 3).map(async s => {
        const { sessionId, version } = await store.save(`s${s}`, { id: `s${s}`, n })
        answer({ sessionId, version })
      })
      await Promise.all(saves)
    }
  },
}

async function run() {
  if (process.platform !== 'win32') throw new Error('Meant for Windows: scripts/windows.sh runs it on Linux')
  if (!fs.existsSync(entry)) throw new Error(`${entry} is missing: npm run build makes it`)
  console.log(`${process.platform} ${os.release()}, Node.js ${process.version}, in ${root}`)
  let failed = 0
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check()
      console.log(`ok    ${name}`)
    } catch (error) {
      failed++
      console.log(`FAIL  ${name}\n${error.stack}`)
    }
  }
  console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`)
  fs.rmSync(root, { recursive: true, force: true })
  process.exit(failed === 0 ? 0 : 1)
}

async function open(dir, options = {}) {
  const { openStore } = await import(pathToFileURL(entry).href)
  return openStore({ dir, compactEvery: 0, ...options })
}

function environment() {
  const holder = String(process.pid)
  return { ...process.env, SESSIONLOG_ENTRY: entry, SESSIONLOG_ROOT: root, SESSIONLOG_HOLDER: holder }
}

function start(role, dir) {
  return fork(here, [role, dir], { env: environment(), stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
}

async function inChild(dir) {
  const child = start('open', dir)
  const [answer] = await once(child, 'message')
  return answer
}

function directory() {
  return path.join(fs.mkdtempSync(path.join(root, 'Store-')), 'Data')
}

async function verified(store) {
  const { ok, problems } = await store.verify()
  equal([ok, problems], [true, []])
}

async function codeOf(promise) {
  return promise.then(
    () => undefined,
    error => error.code,
  )
}

async function all(iterable) {
  const items = []
  for await (const item of iterable) items.push(item)
  return items
}

async function until(condition) {
  while (!condition()) await new Promise(setImmediate)
}

function stateIn(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8')).state
}

function numbers(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

function equal(actual, expected) {
  const [a, b] = [actual, expected].map(value => JSON.stringify(value))
  if (a !== b) throw new Error(`Found ${a?.slice(0, 500)}, expected ${b?.slice(0, 500)}`)
}

const [role, storeDir] = process.argv.slice(2)
if (!isMainThread) await roles.open(storeDir, answer => parentPort.postMessage(answer))
else if (process.send === undefined) await run()
else {
  await roles[role](storeDir, answer => process.send(answer))
  process.disconnect()
}
