/**
 * Holds session stores against the rules of `sessionlog/testing` and prints a Markdown table: `npm run conformance`. The
 * peers are those of scripts/bench (`npm ci --prefix scripts/bench`); connect-redis needs `redis-server` in the path.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createExpressStore } from '../src/adapters/express.ts'
import {
  type ExpressStoreTestOptions,
  expressStoreTests,
  type StoreUnderTest,
} from '../src/adapters/testing.ts'
import { openStore } from '../src/index.ts'

// biome-ignore lint/suspicious/noExplicitAny: the peers have no types of their own.
type Anything = any

const require = createRequire(new URL('bench/package.json', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'sessionlog-conformance-'))
let places = 0
const place = () => join(mkdtempSync(join(root, 'store-')), `data${++places}`)

/** A store that does not answer within this, ms, is taken not to answer at all. */
const ANSWER_MS_MAX = 20_000

interface Peer {
  readonly name: string
  readonly open: () => Promise<ExpressStoreTestOptions> | ExpressStoreTestOptions
  close?(): Promise<void>
}

const { default: session } = await import('express-session')

const peers: Peer[] = [
  { name: 'sessionlog', open: () => ours() },
  { name: 'MemoryStore of express-session', open: () => ({ create: () => new session.MemoryStore() }) },
  {
    name: 'memorystore',
    open: () => {
      const Store = require('memorystore')(session)
      return { create: () => new Store({}) }
    },
  },
  {
    name: 'session-file-store',
    open: () => {
      const Store = require('session-file-store')(session)
      return kept(path => new Store({ path, reapInterval: -1, logFn: () => {} }))
    },
  },
  {
    name: 'connect-sqlite3',
    open: () => {
      const Store = require('connect-sqlite3')(session)
      return kept(
        dir => new Store({ dir, db: 'sessions.db' }),
        store => new Promise(resolve => store.db.close(resolve)),
      )
    },
  },
  {
    name: 'better-sqlite3-session-store',
    open: () => {
      const Store = require('better-sqlite3-session-store')(session)
      const Database = require('better-sqlite3')
      return kept(
        dir => {
          const client = new Database(join(dir, 'sessions.db'))
          return Object.assign(new Store({ client, expired: { clear: false } }), {
            end: () => client.close(),
          })
        },
        store => store.end(),
      )
    },
  },
]

const redis = await startRedis()
if (redis !== undefined) peers.push(redis)

// A store's own stray error must not end the run for the others.
process.on('uncaughtException', () => {})
process.on('unhandledRejection', () => {})

const broken = new Map<string, Set<string>>()
const rules = expressStoreTests(await ours()).map(({ name }) => name)
try {
  for (const { name, open, close } of peers) {
    const failed = new Set<string>()
    for (const each of expressStoreTests(await open())) {
      const answer = Promise.race([each.run(), unanswered()])
      await answer.catch(error => {
        failed.add(each.name)
        console.error(`${name}: ${each.name}: ${String(error.message).split('\n')[0]}`)
      })
    }
    broken.set(name, failed)
    await close?.()
  }
  print()
} finally {
  rmSync(root, { recursive: true, force: true })
}
process.exit(broken.get('sessionlog')!.size === 0 ? 0 : 1)

async function ours(): Promise<ExpressStoreTestOptions> {
  const stores = new Map<object, Anything>()
  const options = kept(
    async dir => {
      const store = await openStore({ dir })
      const made = createExpressStore({ store })
      stores.set(made, store)
      return made
    },
    made => stores.get(made).close(),
  )
  return options
}

/** A store that lasts: in a directory of its own. */
function kept(
  open: (dir: string) => Anything,
  close: (store: Anything) => Anything = () => {},
): ExpressStoreTestOptions {
  const dirs = new Map<StoreUnderTest, string>()
  const at = async (dir: string) => {
    const { mkdirSync } = await import('node:fs')
    mkdirSync(dir, { recursive: true })
    const store = await open(dir)
    dirs.set(store, dir)
    return store
  }
  return {
    create: () => at(place()),
    cleanup: store => close(store),
    directory: store => dirs.get(store)!,
    reopen: async store => {
      await close(store)
      return at(dirs.get(store)!)
    },
  }
}

async function startRedis(): Promise<Peer | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', root, '--save', '']
  const server: ChildProcess = spawn('redis-server', args, { stdio: 'ignore' })
  const { createClient } = require('redis')
  const { RedisStore } = require('connect-redis')
  const client = createClient({ url: `redis://127.0.0.1:${port}` })
  client.on('error', () => {})
  await client.connect()
  const create = async () => {
    await client.flushAll()
    return new RedisStore({ client })
  }
  return {
    name: 'connect-redis',
    open: () => ({ create, reopen: () => new RedisStore({ client }) }),
    close: async () => {
      client.destroy()
      server.kill()
      await once(server, 'exit')
    },
  }
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

function unanswered(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error('It did not answer')), ANSWER_MS_MAX).unref()
  })
}

function versionOf(name: string): string {
  const of = name === 'MemoryStore of express-session' ? 'express-session' : name
  const file = new URL(
    of === 'sessionlog' ? '../package.json' : `bench/node_modules/${of}/package.json`,
    import.meta.url,
  )
  return JSON.parse(readFileSync(file, 'utf8')).version
}

function print(): void {
  const names = [...broken.keys()]
  const row = (cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)
  row(['rule', ...names.map(name => `${name} ${versionOf(name)}`)])
  row(['---', ...names.map(() => ':-:')])
  for (const rule of rules)
    row([rule, ...names.map(name => (broken.get(name)!.has(rule) ? '**no**' : 'yes'))])
  row(['kept', ...names.map(name => `${rules.length - broken.get(name)!.size} of ${rules.length}`)])
}
