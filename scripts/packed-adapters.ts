import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Adapter {
  readonly name: string
  /** What its users have installed besides. */
  readonly frameworks: readonly string[]
  /** Uses it with `store`, and throws where something is wrong. */
  readonly program: string
}

const EXPRESS = `
import express from 'express'
import session from 'express-session'
import { createExpressStore } from 'sessionlog/express'
const app = express()
const sessions = createExpressStore({ store, actor: 'ada' })
app.use(session({ store: sessions, secret: 'secret', resave: false, saveUninitialized: false }))
app.get('/', (request, response) => {
  request.session.views = (request.session.views ?? 0) + 1
  response.json(request.session.views)
})
const server = app.listen(0)
const url = 'http://localhost:' + server.address().port
const first = await fetch(url)
const cookie = first.headers.get('set-cookie').split(';')[0]
const second = await fetch(url, { headers: { cookie } })
assert.equal(await second.json(), 2)
server.close()`

const KOA = `
import { createKoaStore } from 'sessionlog/koa'
import Koa from 'koa'
import session from 'koa-session'
const app = new Koa()
app.keys = ['secret']
app.use(session({ store: createKoaStore({ store }) }, app))
app.use(ctx => { ctx.session.views = (ctx.session.views ?? 0) + 1; ctx.body = String(ctx.session.views) })
const server = app.listen(0)
const url = 'http://localhost:' + server.address().port
const first = await fetch(url)
const cookie = first.headers.getSetCookie().map(each => each.split(';')[0]).join('; ')
assert.equal(await (await fetch(url, { headers: { cookie } })).text(), '2')
server.close()`

const FASTIFY = `
import cookies from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { createExpressStore } from 'sessionlog/express'
const app = Fastify()
await app.register(cookies)
await app.register(session, { secret: 's'.repeat(32), cookie: { secure: false }, store: createExpressStore({ store }) })
app.get('/', request => { request.session.views = (request.session.views ?? 0) + 1; return request.session.views })
const first = await app.inject('/')
const second = await app.inject({ url: '/', headers: { cookie: first.headers['set-cookie'].split(';')[0] } })
assert.equal(second.json(), 2)
await app.close()`

const LANGGRAPH = `
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { SessionlogSaver } from 'sessionlog/langgraph'
const graph = new StateGraph(MessagesAnnotation)
  .addNode('answer', () => ({ messages: [{ role: 'assistant', content: 'tea' }] }))
  .addEdge(START, 'answer').addEdge('answer', END)
  .compile({ checkpointer: new SessionlogSaver({ store }) })
const config = { configurable: { thread_id: 'one' } }
await graph.invoke({ messages: [{ role: 'user', content: 'what?' }] }, config)
assert.equal((await graph.getState(config)).values.messages.length, 2)`

const OPENAI_AGENTS = `
import { SessionlogSession } from 'sessionlog/openai-agents'
const session = new SessionlogSession({ store, sessionId: 'one' })
await session.addItems([{ role: 'user', content: 'what?' }])
assert.equal((await session.getItems()).length, 1)`

const AI_SDK = `
import { validateUIMessages } from 'ai'
import { createChatStore } from 'sessionlog/ai-sdk'
const chats = createChatStore({ store })
const chatId = await chats.createChat()
await chats.saveChat({ chatId, messages: [{ id: 'm1', role: 'user', parts: [{ type: 'text', text: 'what?' }] }] })
assert.equal((await validateUIMessages({ messages: await chats.loadChat(chatId) })).length, 1)`

const UNSTORAGE = `
import driver from 'sessionlog/unstorage'
import { createStorage } from 'unstorage'
const storage = createStorage({ driver: driver({ store }) })
await storage.setItem('cart', { items: ['tea'] })
assert.deepEqual(await storage.getItem('cart'), { items: ['tea'] })`

const TESTING = `
import session from 'express-session'
import { expressStoreTests } from 'sessionlog/testing'
assert.ok(expressStoreTests({ create: () => new session.MemoryStore() }).length > 10)`

const ADAPTERS: readonly Adapter[] = [
  { name: 'express', frameworks: ['express', 'express-session'], program: EXPRESS },
  {
    name: 'express under Fastify',
    frameworks: ['fastify', '@fastify/cookie', '@fastify/session'],
    program: FASTIFY,
  },
  { name: 'koa', frameworks: ['koa', 'koa-session'], program: KOA },
  { name: 'langgraph', frameworks: ['@langchain/langgraph', '@langchain/core'], program: LANGGRAPH },
  { name: 'openai-agents', frameworks: [], program: OPENAI_AGENTS },
  { name: 'ai-sdk', frameworks: ['ai', 'zod'], program: AI_SDK },
  { name: 'unstorage', frameworks: ['unstorage'], program: UNSTORAGE },
  { name: 'testing', frameworks: ['express-session'], program: TESTING },
]

const PEERS = ['express-session', '@langchain/core', '@openai/agents-core', 'ai', 'unstorage']

/**
 * Installs the packed package once for each adapter, with that adapter's own framework and no other's, and uses it. What
 * one of them loaded of another's would not be found.
 */
export function useEachAlone(tarball: string, scratch: string, npm: string): void {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
  for (const { name, frameworks, program } of ADAPTERS) {
    const dir = join(scratch, name.replaceAll(' ', '-'))
    mkdirSync(dir)
    writeFileSync(join(dir, 'package.json'), '{ "name": "alone", "private": true, "type": "module" }')
    writeFileSync(join(dir, 'program.mjs'), `${BEFORE}${program}${AFTER}`)
    const installed = frameworks.map(framework => `${framework}@${devDependencies[framework]}`)
    run(npm, ['install', '--no-audit', '--no-fund', tarball, ...installed], dir)
    const strangers = PEERS.filter(peer => existsSync(join(dir, 'node_modules', peer)))
    const unwanted = strangers.filter(peer => !frameworks.includes(peer))
    if (unwanted.length > 0) throw new Error(`${name}: ${unwanted.join(', ')} came along`)
    run(process.execPath, ['program.mjs'], dir)
    console.log(
      `The packed package works with ${frameworks.join(', ') || 'nothing else'}: sessionlog/${name}`,
    )
  }
}

const BEFORE = `
import assert from 'node:assert/strict'
import { openStore } from 'sessionlog'
const store = await openStore({ dir: 'data' })`

const AFTER = `
assert.ok((await store.verify()).ok)
await store.close()
`

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] })
}
