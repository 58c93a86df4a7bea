import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Rule, StoreUnderTest } from './subject.ts'

/** A request and its session, as express-session makes them. */
interface Held {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the test keeps in it.
  readonly session: any
  readonly id: string
  end(): void
}

type Visit = (how?: {
  cookie?: string
  hold?: (held: Held) => void
}) => Promise<{ cookie: string; body: string }>

/** The rules as a real request meets them: express-session with its default options on a server of Node.js. */
export const requestRules: readonly Rule[] = [
  [
    'through express-session: a login gets a new id, and the old one is gone',
    subject =>
      served(subject.store, async visit => {
        const first = await visit({ hold: held => begin(held, { cart: 1 }) })
        let ids: string[] = []
        const login = await visit({
          cookie: first.cookie,
          hold: ({ session, id, end }) => {
            const { req: request } = session
            session.regenerate(() => {
              request.session.user = 'ada'
              ids = [id, request.sessionID]
              request.session.save(end)
            })
          },
        })
        assert.notEqual(ids[0], ids[1])
        assert.notEqual(login.cookie, first.cookie)
        assert.deepEqual(await subject.body(ids[1]!), { user: 'ada' })
        assert.equal(await subject.get(ids[0]!), undefined)
      }),
  ],
  [
    'through express-session: a slow request that ends after the logout does not log in again',
    subject =>
      served(subject.store, async visit => {
        const { cookie } = await visit({ hold: held => begin(held, { user: 'ada' }) })
        const slow = await held(visit, cookie)
        const { id } = slow
        await visit({ cookie, hold: ({ session, end }) => session.destroy(end) })
        slow.session.seen = 'late'
        slow.end()
        await slow.answered
        assert.equal(await subject.get(id), undefined)
      }),
  ],
  [
    'through express-session: a page view that ends after an edit leaves the edit alone',
    subject =>
      served(subject.store, async visit => {
        const { cookie } = await visit({ hold: held => begin(held, { n: 1 }) })
        const slow = await held(visit, cookie)
        await visit({ cookie, hold: edit => begin(edit, { n: 2 }) })
        slow.end()
        await slow.answered
        assert.equal((await subject.body(slow.id))?.n, 2)
      }),
  ],
]

/** A request that has loaded its session and goes on when it is told to. */
function held(visit: Visit, cookie: string): Promise<Held & { answered: Promise<unknown> }> {
  return new Promise((resolve, reject) => {
    const answered: Promise<unknown> = visit({ cookie, hold: slow => resolve({ ...slow, answered }) })
    answered.catch(reject)
  })
}

function begin(held: Held, body: object): void {
  Object.assign(held.session, body)
  held.end()
}

/** Serves while `run` visits; a request is ended at once unless it is held. */
async function served(store: StoreUnderTest, run: (visit: Visit) => Promise<void>): Promise<void> {
  const { default: expressSession } = await import('express-session')
  const options = { store: store as never, secret: 'of the test', resave: true, saveUninitialized: true }
  const sessions = expressSession({ ...options, cookie: { maxAge: 60_000 } })
  const holds = new Map<string, (held: Held) => void>()
  const server = createServer((request, response) => {
    sessions(request as never, response as never, (error?: unknown) => {
      const { session, sessionID: id } = request as unknown as { session: object; sessionID: string }
      const hold = holds.get(request.url ?? '') ?? (held => held.end())
      if (error || session === undefined) response.writeHead(500).end(String(error))
      else hold({ session, id, end: () => void response.end('done') })
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  let visits = 0
  try {
    await run(async ({ cookie, hold } = {}) => {
      const path = `/${++visits}`
      if (hold !== undefined) holds.set(path, hold)
      const headers = cookie === undefined ? {} : { cookie }
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
      const [set] = response.headers.getSetCookie()
      const body = await response.text()
      assert.equal(response.status, 200, body)
      return { cookie: set?.split(';')[0] ?? cookie ?? '', body }
    })
  } finally {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
}
