import cluster from 'node:cluster'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { parseArgs } from 'node:util'
import { openStore, SessionlogError } from '../src/index.ts'

/**
 * An app of several workers behind one port, all on one store: the first worker to open it owns it, the others follow,
 * and when one is killed, owner or not, the rest go on.
 *
 *     npx tsx scripts/cluster.ts [--dir data] [--port 3000] [--workers 4]
 *     curl -X POST localhost:3000/carts/42 -d '{"item":"tea"}' -H 'Idempotency-Key: 1'
 *     curl localhost:3000/carts/42
 *
 * With PM2 it is the same: `pm2 start app.js -i 4`, where each instance calls `openStore({ dir })`.
 */
const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: 'data' },
    port: { type: 'string', default: '3000' },
    workers: { type: 'string', default: '4' },
  },
})

// Workers take connections themselves: one that the primary hands to a worker that has just died is left hanging.
cluster.schedulingPolicy = cluster.SCHED_NONE

interface Cart {
  items: unknown[]
}

if (cluster.isPrimary) supervise(Number(values.workers))
else await work()

/** Starts the workers, and another one for each that dies, until it is told to stop. */
function supervise(workers: number): void {
  let stopping = false
  for (let n = 0; n < workers; n++) cluster.fork()
  cluster.on('exit', () => {
    if (!stopping) cluster.fork()
  })
  cluster.once('listening', (_, { port }) => console.log(`http://localhost:${port}`))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopping = true
      for (const worker of Object.values(cluster.workers ?? {})) worker!.process.kill('SIGTERM')
    })
  }
}

async function work(): Promise<void> {
  const store = await openStore<Cart>({ dir: values.dir })

  const addItem = async (id: string, item: unknown, eventId: string | undefined) => {
    const options = { type: 'item added', data: item, ...(eventId !== undefined && { eventId }) }
    // Somebody else may begin the cart at the same moment: then it is there to be added to.
    if (!store.has(id)) {
      const begun = await store
        .save(id, { items: [item] }, { ...options, expectedVersion: 'no_session' })
        .catch(unlessConflict)
      if (begun !== undefined) return begun
    }
    return store.edit(id, cart => void cart.items.push(item), options)
  }

  const server = createServer(async (request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'Content-Type': 'application/json', Worker: process.pid })
      response.end(JSON.stringify(body))
    }
    try {
      const id = decodeURIComponent(/^\/carts\/([^/]+)$/.exec(request.url ?? '')?.[1] ?? '')
      if (id === '') answer(404, { error: 'There are only carts here' })
      else if (request.method === 'GET') answer(store.has(id) ? 200 : 404, store.get(id) ?? null)
      else if (request.method === 'POST') {
        const eventId = request.headers['idempotency-key'] as string | undefined
        answer(201, await addItem(id, JSON.parse(await bodyOf(request)), eventId))
      } else answer(405, { error: 'GET or POST' })
    } catch (error) {
      const busy = error instanceof SessionlogError && error.transient
      answer(busy ? 503 : 500, { error: (error as Error).message })
    }
  })
  server.listen(Number(values.port))
  await once(process, 'SIGTERM')
  server.close()
  server.closeAllConnections()
  await store.close()
  process.exit()
}

function unlessConflict(error: unknown): undefined {
  if ((error as { code?: string }).code !== 'SESSIONLOG_VERSION_CONFLICT') throw error
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  return body
}
