import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import type { Receipt } from '../../src/index.ts'
import { collect } from '../support/outcome.ts'
import { create, temporary } from '../support/store.ts'

const SAVES = 4000
const CALLERS = 32

interface Cart {
  items: number[]
}

interface Answer {
  readonly item: number
  readonly worker: number
  readonly receipt: Receipt
}

async function startCluster(dir: string): Promise<{ process: ChildProcess; port: number }> {
  const args = ['--import', 'tsx', 'scripts/cluster.ts', '--dir', dir, '--port', '0', '--workers', '4']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGTERM'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { process: child, port: Number(/:(\d+)$/.exec(line)![1]) }
}

function post(agent: Agent, port: number, id: string, item: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'Idempotency-Key': `item-${item}` }
    const options = { agent, port, method: 'POST', path: `/carts/${id}`, headers }
    const sent = request(options, async response => {
      try {
        const body = Buffer.concat(await collect(response)).toString()
        if (response.statusCode !== 201) throw new Error(body)
        resolve({ worker: Number(response.headers.worker), receipt: JSON.parse(body) as Receipt, item })
      } catch (error) {
        reject(error)
      }
    })
    sent.on('error', reject).end(String(item))
  })
}

test('Four workers behind one port, one of them killed: every acknowledged save is in the log, once', async () => {
  const dir = temporary()
  const cluster = await startCluster(dir)
  const agent = new Agent({ keepAlive: true, maxSockets: CALLERS })
  onTestFinished(() => agent.destroy())
  const answers: Answer[] = []
  let next = 0
  let killed = 0
  const caller = async () => {
    while (next < SAVES) {
      const item = next++
      // Every other save is of one cart, which all workers add to.
      const id = item % 2 === 0 ? 'shared' : `own-${item % 100}`
      for (;;) {
        const answer = await post(agent, cluster.port, id, item).catch(() => undefined)
        if (answer === undefined) continue
        answers.push(answer)
        break
      }
      if (answers.length === SAVES / 4) {
        killed = answers.at(-1)!.worker
        process.kill(killed, 'SIGKILL')
      }
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  cluster.process.kill('SIGTERM')
  await once(cluster.process, 'exit')
  expect(new Set(answers.map(({ worker }) => worker)).size).toBeGreaterThan(1)
  expect(answers.slice(-SAVES / 4).map(({ worker }) => worker)).not.toContain(killed)

  const store = await create<Cart>({ dir })
  const events = await collect(store.events())
  expect(events).toHaveLength(SAVES)
  expect(answers).toHaveLength(SAVES)
  for (const { item, receipt } of answers) {
    const { sessionId, version, position, hash } = receipt
    expect(events[position - 1]).toMatchObject({ sessionId, version, hash, data: item })
  }
  expect(new Set(events.map(({ data }) => data)).size).toBe(SAVES)
  expect(new Set(store.get('shared')!.items)).toEqual(
    new Set(Array.from({ length: SAVES / 2 }, (_, half) => 2 * half)),
  )
  expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
})
