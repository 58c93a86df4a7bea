/** One Express app in a process of its own: `app.ts STORE DIR [REDIS]` prints its port. Ends with its standard input. */
import { load } from '../peers/packages.ts'
import { STORES } from './stores.ts'

interface Request {
  readonly session: Shopper
}

interface Response {
  status(code: number): this
  json(body: unknown): void
  end(body?: string): void
}

type Handler = (request: Request, response: Response, next: () => void) => void

interface App {
  use(handler: unknown): void
  get(path: string, handler: Handler): void
  post(path: string, handler: Handler): void
  listen(port: number, host: string, listening: () => void): { address(): { port: number } }
}

interface Shopper {
  user?: string
  views?: number
  cart?: { item: string; count: number }[]
}

const ITEMS_MAX = 20
const [name = '', dir = '', redis] = process.argv.slice(2)
const session = load<(options: object) => unknown>('express-session')
const app = load<() => App>('express')()
const store = await STORES[name]!({ session, dir, redis })
app.use(session({ store, secret: 'bench', resave: false, saveUninitialized: false }))
app.post('/login', (request, response) => {
  const shopper = request.session
  shopper.user = 'somebody'
  shopper.cart = Array.from({ length: ITEMS_MAX }, (_, at) => ({ item: `item ${at}`, count: 0 }))
  shopper.views = 0
  response.end('in')
})
// A session that isn't there would make this a page of nothing, answered faster than it should be.
const refuse: Handler = ({ session: { user } }, response, next) =>
  user === undefined ? response.status(401).end() : next()
app.use(refuse)
app.post('/edit', (request, response) => {
  const shopper = request.session
  shopper.views!++
  shopper.cart![shopper.views! % ITEMS_MAX]!.count++
  response.end('edited')
})
app.get('/view', (request, response) => void response.json(request.session.cart))
const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.resume().on('end', () => process.exit())
