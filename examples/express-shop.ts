/**
 * A shop on Express whose sessions have a history: `npx tsx examples/express-shop.ts [DIR] [PORT]`, then open the address
 * that it prints, log in, put things into the cart, and look at /audit. In an app of your own the two imports of this
 * project are 'sessionlog' and 'sessionlog/express'.
 */
import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import express from 'express'
import session from 'express-session'
import { createExpressStore } from '../src/adapters/express.ts'
import { openStore, type RecordedEvent } from '../src/index.ts'

declare module 'express-session' {
  interface SessionData {
    user: string
    cart: string[]
  }
}

const [dir = 'data', port = '3000'] = process.argv.slice(2)

const store = await openStore({ dir })
const app = express()
app.use(express.urlencoded({ extended: false }))
app.use(
  session({
    store: createExpressStore({ store, touchAfter: 60_000, actor: ({ user }) => user }),
    secret: process.env.SHOP_SECRET ?? 'only good enough for an example',
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: 24 * 3_600_000, sameSite: 'lax' },
  }),
)

app.get('/', ({ session }, response) => {
  const items = (session.cart ?? []).map(item => `<li>${html(item)}</li>`).join('')
  const forms = session.user
    ? `<p>Hello, ${html(session.user)}.</p><ul>${items}</ul>
       <form method="post" action="/cart"><input name="item" value="tea"><button>Add</button></form>
       <form method="post" action="/logout"><button>Log out</button></form>`
    : '<form method="post" action="/login"><input name="user" value="ada"><button>Log in</button></form>'
  response.send(page('Shop', `${forms}<p><a href="/audit">Audit</a></p>`))
})

app.post('/login', (request, response, next) => {
  // A new id at each login: one that somebody planted before is worth nothing.
  request.session.regenerate(error => {
    if (error) return next(error)
    request.session.user = String(request.body.user)
    response.redirect(303, '/')
  })
})

app.post('/cart', (request, response) => {
  if (request.session.user === undefined) return void response.status(403).send('Log in first')
  request.session.cart = [...(request.session.cart ?? []), String(request.body.item)]
  response.redirect(303, '/')
})

app.post('/logout', (request, response, next) => {
  request.session.destroy(error => (error ? next(error) : response.redirect(303, '/')))
})

app.get('/audit', async (_request, response) => {
  const rows: string[] = []
  for await (const event of store.events()) rows.push(rowOf(event))
  const head = '<tr><th>when<th>who<th>what<th>session<th>changes</tr>'
  response.send(page('Audit', `<table border="1">${head}${rows.reverse().join('')}</table>`))
})

const server = app.listen(Number(port), '127.0.0.1', () => {
  console.log(`The shop is open: http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

async function close(): Promise<void> {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await store.close()
}
process.once('SIGINT', () => void close())
process.once('SIGTERM', () => void close())

function rowOf({ recordedAt, actor, type, sessionId, changes }: RecordedEvent): string {
  // Whoever knows the id of a session is half way into it: an audit page shows a name for it.
  const name = createHash('sha256').update(sessionId).digest('hex').slice(0, 8)
  const cells = [new Date(recordedAt).toISOString(), String(actor ?? '-'), type, name]
  return `<tr>${[...cells, JSON.stringify(changes)].map(cell => `<td>${html(cell)}`).join('')}</tr>`
}

function page(title: string, body: string): string {
  return `<!doctype html><title>${title}</title><h1>${title}</h1>${body}`
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
