/** The same small shop on each framework: who logs in, puts things into a cart, looks at it, logs out. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastifyCookie from '@fastify/cookie'
import fastifySession from '@fastify/session'
import express from 'express'
import expressSession from 'express-session'
import fastify from 'fastify'
import Koa from 'koa'
import koaSession from 'koa-session'
import { createExpressStore } from '../../src/adapters/express.ts'
import { createKoaStore } from '../../src/adapters/koa.ts'
import type { SessionStore } from '../../src/index.ts'
import { deferred } from './outcome.ts'

const SECRET = 'a secret of at least thirty-two characters'

export interface Shop {
  readonly url: string
  /** Lets the requests to /slow go on; a new one waits for the next call. */
  release(): void
  /** Resolves when the next request to /slow has its session, and waits. */
  held(): Promise<void>
  close(): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: each framework types its sessions in its own way.
type Session = any

/** A gate that requests wait at. */
class Gate {
  #open = deferred()
  #arrived = deferred()

  async pass(): Promise<void> {
    this.#arrived.resolve()
    await this.#open.promise
  }

  async held(): Promise<void> {
    await this.#arrived.promise
    this.#arrived = deferred()
  }

  release(): void {
    this.#open.resolve()
    this.#open = deferred()
  }
}

/** What a request does to its session; logging in and out is each framework's own. */
async function serve(path: string, query: URLSearchParams, session: Session, gate: Gate): Promise<unknown> {
  if (path === '/edit') session.cart = [...(session.cart ?? []), query.get('item')]
  else if (path === '/slow') {
    await gate.pass()
    if (query.has('item')) session.cart = [...(session.cart ?? []), query.get('item')]
  }
  return { user: session.user ?? null, cart: session.cart ?? [] }
}

const actor = (session: Session) => session.user

async function listen(listener: RequestListener, gate: Gate): Promise<Shop> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    release: () => gate.release(),
    held: () => gate.held(),
    close: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** With the default options that call `set` on every page view. */
export async function expressShop(store: SessionStore<unknown>): Promise<Shop> {
  const gate = new Gate()
  const app = express()
  const options = { secret: SECRET, resave: true, saveUninitialized: true, rolling: true }
  app.use(
    expressSession({ ...options, cookie: { maxAge: 600_000 }, store: createExpressStore({ store, actor }) }),
  )
  app.use((request, response, next) => {
    const query = new URL(request.url, 'http://shop').searchParams
    if (request.path === '/login')
      request.session.regenerate(error => {
        if (error) return next(error)
        Object.assign(request.session, { user: query.get('user') })
        response.json({})
      })
    else if (request.path === '/logout')
      request.session.destroy(error => (error ? next(error) : response.json({})))
    else serve(request.path, query, request.session, gate).then(answer => response.json(answer), next)
  })
  return listen(app, gate)
}

export async function fastifyShop(store: SessionStore<unknown>): Promise<Shop> {
  const gate = new Gate()
  const app = fastify()
  await app.register(fastifyCookie)
  const cookie = { secure: false, maxAge: 600_000 }
  await app.register(fastifySession, { secret: SECRET, cookie, store: createExpressStore({ store, actor }) })
  app.get('/*', async request => {
    const { pathname, searchParams } = new URL(request.url, 'http://shop')
    if (pathname === '/login') {
      await request.session.regenerate()
      Object.assign(request.session, { user: searchParams.get('user') })
      return {}
    }
    if (pathname === '/logout') {
      await request.session.destroy()
      return {}
    }
    return serve(pathname, searchParams, request.session, gate)
  })
  await app.ready()
  const shop = await listen((request, response) => app.routing(request, response), gate)
  return { ...shop, close: () => shop.close().then(() => app.close()) }
}

export async function koaShop(store: SessionStore<unknown>): Promise<Shop> {
  const gate = new Gate()
  const app = new Koa()
  app.keys = [SECRET]
  app.use(
    koaSession({ rolling: true, maxAge: 600_000, store: createKoaStore({ store, actor }) as never }, app),
  )
  app.use(async context => {
    const { session } = context as Session
    if (context.path === '/login') {
      session.user = context.query.user
      await session.regenerate()
      context.body = {}
    } else if (context.path === '/logout') {
      Object.assign(context, { session: null })
      context.body = {}
    } else context.body = await serve(context.path, new URLSearchParams(context.querystring), session, gate)
  })
  return listen(app.callback(), gate)
}

/** A browser: it keeps its cookies. */
export class Client {
  readonly #shop: Pick<Shop, 'url'>
  readonly cookies = new Map<string, string>()

  constructor(shop: Pick<Shop, 'url'>, cookies: Iterable<readonly [string, string]> = []) {
    this.#shop = shop
    this.cookies = new Map(cookies)
  }

  async visit<T = { user: string | null; cart: string[] }>(path: string): Promise<T> {
    const cookie = [...this.cookies].map(pair => pair.join('=')).join('; ')
    const response = await fetch(this.#shop.url + path, cookie === '' ? {} : { headers: { cookie } })
    const body = await response.text()
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${body}`)
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = set.split(';')[0]!.split('=')
      if (value === '') this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return JSON.parse(body)
  }
}
