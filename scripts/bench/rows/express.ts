import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Clients, type Slice } from '../express/load.ts'
import { spreadOf } from '../figures.ts'
import { atLeast, atMost, type Bench, type Measure, type Row } from '../measure.ts'
import { discard, ROOT, scratch } from '../places.ts'

/** One app with its clients, and what was seen of it. */
interface Rival {
  readonly name: string
  readonly clients: Clients
  readonly slices: Slice[]
  end(): Promise<void>
}

const APP = fileURLToPath(new URL('../express/app.ts', import.meta.url))
/** Kept by memory alone: what a durable store is measured by, not beside. */
const IN_MEMORY = 'memorystore'
const REDIS_LINE = /ready to accept connections/i

const RIVALS: readonly [string, () => Promise<Rival>][] = [
  ...[IN_MEMORY, 'session-file-store', 'better-sqlite3-session-store'].map(
    (name): [string, () => Promise<Rival>] => [name, () => startApp(name, name)],
  ),
  ...['always', 'everysec'].map((fsync): [string, () => Promise<Rival>] => [
    `connect-redis, appendfsync ${fsync}`,
    () => startOnRedis(fsync),
  ]),
]

/** The same Express app on each store of sessions: requests a second, and how long one takes. */
export const expressRow: Row = {
  name: 'express',
  about: 'an Express app on this store, and on the others that there are for it',
  async run(bench: Bench): Promise<Measure[]> {
    const rivals: Rival[] = []
    const absent: Measure[] = []
    try {
      const ours = await startApp('sessionlog', 'sessionlog')
      rivals.push(ours)
      for (const [name, start] of RIVALS) {
        bench.say(`an Express app on ${name}`)
        await start().then(
          rival => rivals.push(rival),
          error => absent.push({ measure: `requests/s beside ${name}`, unit: '', note: error.message }),
        )
      }
      for (let round = -1; round < bench.sustained.rounds; round++) {
        bench.say(round < 0 ? 'warming up' : `round ${round + 1} of ${bench.sustained.rounds}`)
        for (const rival of rivals) {
          const slice = await rival.clients.visit(bench.sustained.sliceMs)
          if (round >= 0) rival.slices.push(slice)
        }
      }
      return [...rivals.slice(1).flatMap(rival => compared(ours, rival)), ...absent]
    } finally {
      for (const rival of rivals) await rival.end()
    }
  },
}

function compared(ours: Rival, other: Rival): Measure[] {
  const row = (figure: (slice: Slice) => number) => ({
    ours: spreadOf(ours.slices.map(figure)).median,
    peer: spreadOf(other.slices.map(figure)).median,
    ratio: spreadOf(ours.slices.map((slice, round) => figure(slice) / figure(other.slices[round]!))),
    against: other.name,
  })
  return [
    {
      measure: 'requests/s of an Express app, 1 of 4 edits its session',
      unit: 'requests/s',
      must: atLeast(other.name === IN_MEMORY ? 0.8 : 1),
      ...row(slice => slice.rate),
    },
    {
      measure: 'p99 of a request of that app',
      unit: 'ms',
      ...(other.name !== IN_MEMORY && { must: atMost(1) }),
      ...row(slice => slice.p99),
    },
  ]
}

async function startApp(store: string, name: string, redis?: string): Promise<Rival> {
  const dir = scratch('express')
  const child = spawn(process.execPath, ['--import', 'tsx', APP, store, dir, redis ?? ''], {
    cwd: ROOT,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [port] = await Promise.race([once(child.stdout!, 'data'), ended(child)])
  return {
    name,
    clients: await Clients.of(Number(port)),
    slices: [],
    async end() {
      child.stdin!.end()
      await once(child, 'exit')
      discard(dir)
    },
  }
}

async function startOnRedis(fsync: string): Promise<Rival> {
  const dir = scratch('redis')
  const socket = `${dir}/redis.sock`
  const settings = { port: '0', unixsocket: socket, dir, appendonly: 'yes', appendfsync: fsync, save: '' }
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value])
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await Promise.race([isReady(server), ended(server)])
  const rival = await startApp('connect-redis', `connect-redis, appendfsync ${fsync}`, socket)
  return {
    ...rival,
    async end() {
      await rival.end()
      server.kill()
      await once(server, 'exit')
      discard(dir)
    },
  }
}

function isReady(server: ChildProcess): Promise<void> {
  return new Promise(resolve => server.stdout!.on('data', part => REDIS_LINE.test(String(part)) && resolve()))
}

/** Only where it ends too early. */
async function ended(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit')
  throw new Error(`${child.spawnargs[0]} ended with ${code}: is it installed?`)
}
