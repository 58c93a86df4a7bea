/** The rules of the kit, held against our store in each of its places, and against a store that is known to break some. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MemoryStore } from 'express-session'
import { describe, expect, test } from 'vitest'
import { createExpressStore } from '../../../src/adapters/express.ts'
import { expressStoreTests, testExpressStore } from '../../../src/adapters/testing.ts'
import { openStore } from '../../../src/index.ts'
import { temporary } from '../../support/store.ts'
import { StoreProcess } from '../../support/workers.ts'

describe('a store of sessionlog keeps the rule:', () => {
  testExpressStore(test, kit())
})

describe.skipIf(process.platform === 'win32')('a store of sessionlog that follows another process:', () => {
  testExpressStore(test, kit({ follows: true }))
})

test('the memory store of express-session breaks these rules, and no others', async () => {
  const broken: string[] = []
  for (const { name, run } of expressStoreTests({ create: () => new MemoryStore() }))
    await run().catch(() => broken.push(name))
  expect(broken).toEqual([
    'a set() by a request that began before a destroy() does not bring the session back',
    'a set() that began before a clear() does not bring the session back',
    'a request that changed nothing does not undo what another one changed meanwhile',
    'through express-session: a slow request that ends after the logout does not log in again',
    'through express-session: a page view that ends after an edit leaves the edit alone',
  ])
})

test('the kit runs in node:test as well', () => {
  const file = join(temporary(), 'kit.test.mjs')
  const [testing, express, index] = ['adapters/testing.ts', 'adapters/express.ts', 'index.ts'].map(
    name => pathToFileURL(resolve('src', name)).href,
  )
  writeFileSync(
    file,
    `import { test } from 'node:test'
import { mkdtempSync } from 'node:fs'
import { testExpressStore } from '${testing}'
import { createExpressStore } from '${express}'
import { openStore } from '${index}'
const stores = new Map()
testExpressStore(test, {
  async create() {
    const store = await openStore({ dir: mkdtempSync('${temporary()}/') })
    const made = createExpressStore({ store })
    stores.set(made, store)
    return made
  },
  cleanup: made => stores.get(made).close(),
})`,
  )
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, ...env } = process.env
  const args = ['--import', import.meta.resolve('tsx'), '--test', '--test-reporter=tap', file]
  const { stdout, status } = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
  expect(stdout).toContain(`# pass ${expressStoreTests(kit()).length}`)
  expect(status).toBe(0)
})

/** What the kit needs for a store of ours; with `follows` another process owns the log. */
function kit({ follows = false } = {}) {
  const places = new Map<object, { dir: string; close: () => Promise<void> }>()
  const open = async (dir: string) => {
    const owner = follows ? await StoreProcess.open(dir, { compactEvery: 0 }) : undefined
    const store = await openStore({ dir, compactEvery: 0, role: follows ? 'follower' : 'owner' })
    const made = createExpressStore({ store })
    const close = async () => {
      await store.close()
      await owner?.kill()
    }
    places.set(made, { dir, close })
    return made
  }
  return {
    create: () => open(join(temporary(), 'data')),
    cleanup: (store: object) => places.get(store)!.close(),
    async reopen(store: object) {
      const { dir, close } = places.get(store)!
      await close()
      return open(dir)
    },
    directory: (store: object) => places.get(store)!.dir,
  }
}

test('the kit refuses to be without a store', () => {
  expect(() => expressStoreTests({} as never)).toThrow(
    expect.objectContaining({ code: 'SESSIONLOG_INVALID_ARGUMENT', path: 'create' }),
  )
})
