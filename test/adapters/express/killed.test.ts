/** A server that is killed in the middle, and started again: whatever it acknowledged is there. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/index.ts'
import { collect } from '../../support/outcome.ts'
import { Client } from '../../support/shops.ts'
import { temporary } from '../../support/store.ts'

const SOURCE = fileURLToPath(new URL('../../support/shop-process.ts', import.meta.url))
const CLIENTS = 50
const ACKNOWLEDGED = 500
const ROUNDS = 3

async function started(dir: string): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(SOURCE, [dir], { execArgv: ['--import', 'tsx'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [url] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error('The shop did not open'))),
  ])
  return { child, url }
}

test('a shop that is killed in the middle has every acknowledged edit and no undone logout', async () => {
  const dir = join(temporary(), 'data')
  const carts = Array.from({ length: CLIENTS }, (): string[] => [])
  const gone = new Set<number>()
  let clients: Client[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { child, url } = await started(dir)
    const before = clients
    clients = carts.map((_, n) => new Client({ url }, before[n]?.cookies))
    // What was acknowledged before is what its owner sees now; an edit that was under way may be there too.
    for (const [n, client] of clients.entries()) {
      if (gone.has(n)) expect(await client.visit('/')).toEqual({ user: null, cart: [] })
      else if (round > 0) {
        const { user, cart } = await client.visit('/')
        expect(user).toBe(`u${n}`)
        expect(cart.slice(0, carts[n]!.length)).toEqual(carts[n])
        expect(cart.length - carts[n]!.length).toBeLessThanOrEqual(1)
        carts[n] = cart
      } else await client.visit(`/login?user=u${n}`)
    }
    if (round > 0) {
      const leaving = round - 1
      await clients[leaving]!.visit('/logout')
      gone.add(leaving)
    }
    let acknowledged = 0
    const exited = once(child, 'exit')
    const edit = async (n: number) => {
      for (let edits = 0; !child.killed; edits++) {
        const item = `${round}-${n}-${edits}`
        await clients[n]!.visit(`/edit?item=${item}`)
        carts[n]!.push(item)
        if (++acknowledged === ACKNOWLEDGED) child.kill('SIGKILL')
      }
    }
    const working = clients.map((_, n) => (gone.has(n) ? undefined : edit(n)))
    await Promise.allSettled(working)
    await exited
    expect(acknowledged).toBeGreaterThanOrEqual(ACKNOWLEDGED)
  }
  const store = await openStore({ dir })
  onTestFinished(() => store.close())
  const events = await collect(store.events())
  for (const [n, cart] of carts.entries()) {
    const mine = events.filter(({ actor, type }) => actor === `u${n}` && type === 'saved')
    for (const item of cart)
      expect(mine.filter(({ changes }) => JSON.stringify(changes).includes(`"${item}"`))).toHaveLength(1)
  }
  expect((await store.verify()).ok).toBe(true)
})
