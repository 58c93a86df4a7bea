/** Real servers of each framework, real cookies, and what the log holds of it all. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RecordedEvent, SessionStore } from '../../../src/index.ts'
import { collect } from '../../support/outcome.ts'
import { Client, expressShop, fastifyShop, koaShop, type Shop } from '../../support/shops.ts'
import { create, reopen } from '../../support/store.ts'

const CLIENTS = 1_000
const EDITS = 3

const shops = { Express: expressShop, Fastify: fastifyShop, Koa: koaShop }

async function opened(shop: (store: SessionStore<unknown>) => Promise<Shop>) {
  const store = await create()
  const server = await shop(store)
  onTestFinished(() => server.close())
  return { store, server }
}

/** Events by which the cart of a session of this user grew: what was put in, and by whom. */
function edits(events: readonly RecordedEvent[], user: string): unknown[] {
  return events
    .filter(({ actor, changes }) => actor === user && JSON.stringify(changes).includes(`${user}-`))
    .map(({ changes }) => new RegExp(`${user}-\\d+`).exec(JSON.stringify(changes))![0])
}

describe.each(Object.entries(shops))('%s', (_name, shop) => {
  test('records a login, an edit and a logout by whoever it was, and no view', async () => {
    const { store, server } = await opened(shop)
    const client = new Client(server)
    await client.visit('/login?user=ada')
    const { position } = store
    for (let view = 0; view < 5; view++) expect(await client.visit('/')).toEqual({ user: 'ada', cart: [] })
    expect(store.position).toBe(position)
    await client.visit('/edit?item=tea')
    expect(await client.visit('/')).toEqual({ user: 'ada', cart: ['tea'] })
    expect(store.position).toBe(position + 1)
    const before = [...store.ids()]
    await client.visit('/logout')
    expect(await client.visit('/')).toEqual({ user: null, cart: [] })
    const events = await collect(store.events())
    const ended = before.filter(id => !store.has(id))
    expect(ended).toHaveLength(1)
    expect(events.filter(({ sessionId }) => sessionId === ended[0]).at(-1)).toMatchObject({
      type: 'deleted',
      actor: 'ada',
    })
  })

  test('a request that ends after the logout does not log in again, and is in the log', async () => {
    const { store, server } = await opened(shop)
    const client = new Client(server)
    await client.visit('/login?user=ada')
    await client.visit('/edit?item=tea')
    const slow = new Client(server, client.cookies)
    const answered = slow.visit('/slow?item=milk')
    await server.held()
    const ids = [...store.ids()]
    await client.visit('/logout')
    server.release()
    await answered
    expect(await new Client(server, slow.cookies).visit('/')).toEqual({ user: null, cart: [] })
    const late = (await collect(store.events())).filter(({ type }) => type === 'arrived_late')
    expect(late).toMatchObject([{ actor: 'ada' }])
    expect(ids).toContain(late[0]!.sessionId)
    expect(store.has(late[0]!.sessionId)).toBe(false)
  })

  test('a view that ends after an edit does not undo it', async () => {
    const { server } = await opened(shop)
    const client = new Client(server)
    await client.visit('/login?user=ada')
    const view = new Client(server, client.cookies).visit('/slow')
    await server.held()
    await client.visit('/edit?item=tea')
    server.release()
    await view
    expect(await client.visit('/')).toEqual({ user: 'ada', cart: ['tea'] })
  })

  test(`with ${CLIENTS} clients at once: each edit once, by whoever made it, and nobody comes back`, async () => {
    const { store, server } = await opened(shop)
    const leaves = (n: number) => n % 2 === 0
    const ends: Promise<unknown>[] = Array.from({ length: CLIENTS }, async (_, n) => {
      const client = new Client(server)
      await client.visit('/')
      await client.visit(`/login?user=u${n}`)
      for (let edit = 0; edit < EDITS; edit++) {
        await client.visit(`/edit?item=u${n}-${edit}`)
        await client.visit('/')
      }
      const stale = new Client(server, client.cookies)
      if (!leaves(n)) return client.visit('/')
      await client.visit('/logout')
      return stale.visit('/')
    })
    const carts = await Promise.all(ends)
    const made = (n: number) => Array.from({ length: EDITS }, (_, edit) => `u${n}-${edit}`)
    const events = await collect(store.events())
    const byActor = new Map<unknown, RecordedEvent[]>()
    for (const event of events) byActor.set(event.actor, [...(byActor.get(event.actor) ?? []), event])
    for (let n = 0; n < CLIENTS; n++) {
      expect(edits(byActor.get(`u${n}`) ?? [], `u${n}`)).toEqual(made(n))
      expect(carts[n]).toEqual(leaves(n) ? { user: null, cart: [] } : { user: `u${n}`, cart: made(n) })
    }
    const again = await reopen(store)
    const users = [...again.ids()].map(id => (again.get(id) as { user?: string }).user).filter(Boolean)
    expect(users).toHaveLength(CLIENTS / 2)
    expect((await again.verify()).ok).toBe(true)
  })
})
