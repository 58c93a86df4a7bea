/** Sessions in several processes, and without the frameworks that one of them does not have. */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createExpressStore, type ExpressStore } from '../../../src/adapters/express.ts'
import { openStore } from '../../../src/index.ts'
import { collect } from '../../support/outcome.ts'
import { temporary } from '../../support/store.ts'
import { StoreProcess } from '../../support/workers.ts'

const ROUNDS = 200
const cookie = { originalMaxAge: null, expires: null }

const get = (store: ExpressStore, id: string) =>
  new Promise<{ n: number } | null>((done, fail) =>
    store.get(id, (error, session) => (error ? fail(error) : done(session))),
  )
const set = (store: ExpressStore, id: string, session: object) =>
  new Promise<void>((done, fail) => store.set(id, session, error => (error ? fail(error) : done())))

async function worker() {
  const dir = join(temporary(), 'data')
  const owner = await StoreProcess.open(dir, { compactEvery: 0 })
  const store = await openStore({ dir, compactEvery: 0 })
  onTestFinished(async () => {
    await store.close()
    await owner.kill()
  })
  return { owner, store, sessions: createExpressStore({ store }) }
}

describe.skipIf(process.platform === 'win32')('A worker that does not own the log', () => {
  test('sees at once what another process acknowledged, and its ends', async () => {
    const { owner, sessions } = await worker()
    for (let n = 1; n <= ROUNDS; n++) {
      await owner.call('save', `s${n % 7}`, { cookie, n })
      expect(await get(sessions, `s${n % 7}`)).toMatchObject({ n })
    }
    await owner.call('delete', 's1')
    expect(await get(sessions, 's1')).toBeNull()
  })

  test('asks for what is new before each answer, and the owner does not', async () => {
    const { owner, store, sessions } = await worker()
    const catchUp = vi.spyOn(store, 'catchUp')
    for (let n = 1; n <= 3; n++) {
      await get(sessions, 'a')
      expect(catchUp).toHaveBeenCalledTimes(n)
    }
    await owner.kill()
    await set(sessions, 'a', { cookie, n: 1 })
    catchUp.mockClear()
    await get(sessions, 'a')
    expect(catchUp).not.toHaveBeenCalled()
  })

  test('does not bring back what another process ended while a request was at work', async () => {
    const { owner, store, sessions } = await worker()
    for (let n = 1; n <= 20; n++) {
      const id = `s${n}`
      await set(sessions, id, { cookie, n })
      const loaded = (await get(sessions, id))!
      // At the same time: the owner may hear of the end before or after the write.
      await Promise.all([owner.call('delete', id), set(sessions, id, { ...loaded, n: -n })])
      await set(sessions, id, Object.assign(loaded, { n: 0 }))
      expect(await get(sessions, id)).toBeNull()
      expect((await collect(store.history(id))).map(({ type }) => type)).toContain('arrived_late')
    }
  })

  test('goes on when the owner is killed', async () => {
    const { owner, store, sessions } = await worker()
    await set(sessions, 'a', { cookie, n: 1 })
    await owner.kill()
    await set(sessions, 'a', { cookie, n: 2 })
    expect(await get(sessions, 'a')).toMatchObject({ n: 2 })
    expect(store.role).toBe('owner')
  })
})

/** Imports an adapter where the named packages fail to be found, and prints which packages were loaded. */
function imported(adapter: string, failing: Readonly<Record<string, string>>) {
  const hook = `
    const failing = ${JSON.stringify(failing)}
    export async function resolve(specifier, context, next) {
      if (specifier in failing) throw Object.assign(new Error(specifier), { code: failing[specifier] })
      return next(specifier, context)
    }`
  const url = (code: string) => JSON.stringify(`data:text/javascript,${encodeURIComponent(code)}`)
  const program = `
    import { register } from 'node:module'
    register(${url(hook)})
    const { ${adapter === 'koa' ? 'createKoaStore' : 'createExpressStore'}: create } =
      await import(${JSON.stringify(pathToFileURL(resolve(`src/adapters/${adapter}.ts`)).href)})
    const { openStore } = await import(${JSON.stringify(pathToFileURL(resolve('src/index.ts')).href)})
    const store = await openStore({ dir: ${JSON.stringify(join(temporary(), 'data'))} })
    const sessions = create({ store })
    await (sessions.set('a', { n: 1 }) ?? new Promise(resolve => sessions.set('a', { n: 1 }, resolve)))
    console.log(store.has('a'))
    await store.close()`
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', program]
  return spawnSync(process.execPath, args, { encoding: 'utf8' })
}

const NOT_FOUND = 'ERR_MODULE_NOT_FOUND'

test.each([
  ['express', ['express-session', 'express', 'fastify', '@fastify/session', 'koa', 'koa-session']],
  ['koa', ['express-session', 'express', 'fastify', '@fastify/session', 'koa', 'koa-session']],
])('sessionlog/%s works where no framework is installed', (adapter, missing) => {
  const outcome = imported(adapter, Object.fromEntries(missing.map(name => [name, NOT_FOUND])))
  expect([outcome.stdout, outcome.status]).toEqual(['true\n', 0])
})

test('an express-session that is there and broken is not taken for a missing one', () => {
  const outcome = imported('express', { 'express-session': 'ERR_INVALID_PACKAGE_CONFIG' })
  expect(outcome.status).not.toBe(0)
  expect(outcome.stderr).toContain('ERR_INVALID_PACKAGE_CONFIG')
})
