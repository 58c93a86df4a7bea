/** LangGraph's own tests of a checkpointer, on a store in a directory. They expect vitest's functions as globals. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as vitest from 'vitest'
import { SessionlogSaver } from '../../../src/adapters/langgraph.ts'
import { openStore, type SessionStore } from '../../../src/index.ts'

const { describe, it, test, expect, beforeAll, afterAll, beforeEach, afterEach } = vitest
Object.assign(globalThis, { describe, it, test, expect, beforeAll, afterAll, beforeEach, afterEach })
const { deltaChannelHistoryTests, validate } = await import('@langchain/langgraph-checkpoint-validation')

const stores = new Map<SessionlogSaver, { store: SessionStore<unknown>; dir: string }>()

const initializer = {
  checkpointerName: 'sessionlog/langgraph',
  async createCheckpointer() {
    const dir = mkdtempSync(join(tmpdir(), 'sessionlog-langgraph-'))
    const store = await openStore({ dir, compactEvery: 0 })
    const saver = new SessionlogSaver({ store })
    stores.set(saver, { store, dir })
    return saver
  },
  async destroyCheckpointer(saver: SessionlogSaver) {
    const { store, dir } = stores.get(saver)!
    const { ok } = await store.verify()
    await store.close()
    rmSync(dir, { recursive: true, force: true })
    expect(ok).toBe(true)
  },
}

validate(initializer)
deltaChannelHistoryTests(initializer)
