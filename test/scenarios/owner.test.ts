import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { cp, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore, type SessionStore } from '../../src/index.ts'
import { inChild } from '../support/child.ts'
import { codeOf, collect } from '../support/outcome.ts'
import { create, temporary } from '../support/store.ts'

/** What lets a worker thread load the sources. */
const tsx = import.meta.resolve('tsx/esm/api')
const source = new URL('../../src/index.ts', import.meta.url).href

/** At each of these LevelDB's own lock is lost, or would be if LevelDB were asked. */
const triggers: [name: string, trigger: (dir: string) => Promise<unknown>][] = [
  ['a second openStore() in the process', dir => refused(dir)],
  ['an openStore() in a worker thread', dir => refusedInWorker(dir)],
  ["reading LevelDB's file LOCK", dir => readFile(join(dir, 'log', 'LOCK'))],
  ['copying the directory', dir => copied(dir)],
  ['an openStore() by a relative path', dir => refused(relative(process.cwd(), dir))],
  ['an openStore() through a symbolic link', dir => refused(linkTo(dir))],
  ['an openStore() with a slash at the end', dir => refused(dir + sep)],
]

describe('Another process is refused, and nothing is lost, after', () => {
  for (const [name, trigger] of triggers) {
    test(name, async () => {
      const dir = temporary()
      const store = await create<number>({ dir })
      for (let n = 1; n <= 20; n++) await store.save('s', n)
      await trigger(dir)
      const saves = Array.from({ length: 50 }, (_, i) => store.save('s', 21 + i))
      const paths = [dir, relative(process.cwd(), dir), linkTo(dir), dir + sep]
      for (const { path, code, message } of await intruded(paths)) {
        expect({ path, code }).toEqual({ path, code: 'SESSIONLOG_LOCKED' })
        expect(message).toContain(`process ${process.pid}`)
      }
      await Promise.all(saves)
      await store.compact()
      for (let n = 71; n <= 90; n++) await store.save('s', n)
      expect(await store.verify()).toMatchObject({ ok: true, position: 90 })
      await store.close()
      await expectAllThere(await create<number>({ dir }))
    })
  }
})

test('The next process is let in as soon as the owner has closed, and finds everything', async () => {
  const dir = temporary()
  const store = await create<number>({ dir })
  await Promise.all(Array.from({ length: 90 }, (_, i) => store.save('s', 1 + i)))
  await store.close()
  expect(await intruded([dir])).toEqual([{ path: dir, code: 'none', message: '90' }])
})

test('A copy of the directory is a store of its own, which can be opened beside the first', async () => {
  const dir = temporary()
  const store = await create<number>({ dir })
  for (let n = 1; n <= 90; n++) await store.save('s', n)
  const copy = await copied(dir)
  await expectAllThere(await create<number>({ dir: copy }))
  await store.save('s', 91)
  expect(await store.verify()).toMatchObject({ ok: true, position: 91 })
})

async function refused(dir: string): Promise<void> {
  expect(await codeOf(() => openStore({ dir }))).toBe('SESSIONLOG_LOCKED')
}

async function refusedInWorker(dir: string): Promise<void> {
  const code = `
    import { parentPort } from 'node:worker_threads'
    import { register } from ${JSON.stringify(tsx)}
    register()
    const { openStore } = await import(${JSON.stringify(source)})
    parentPort.postMessage(await openStore({ dir: ${JSON.stringify(dir)}, role: 'owner' }).then(() => 'open', error => error.code))`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
  onTestFinished(() => void worker.terminate())
  expect(await once(worker, 'message')).toEqual(['SESSIONLOG_LOCKED'])
}

async function copied(dir: string): Promise<string> {
  const copy = join(temporary(), 'copy')
  await cp(dir, copy, { recursive: true })
  return copy
}

function linkTo(dir: string): string {
  const link = join(temporary(), 'link')
  symlinkSync(dir, link)
  return link
}

interface Attempt {
  readonly path: string
  /** `none` where the store opened; then the message is its position. */
  readonly code: string
  readonly message: string
}

/** Another process tries each path in turn, and would write where it is let in. */
async function intruded(paths: readonly string[]): Promise<Attempt[]> {
  const { code, stdout, stderr } = await inChild(`
    import { openStore } from '/src/index.ts'
    const attempts = []
    for (const path of ${JSON.stringify(paths)}) {
      try {
        const store = await openStore({ dir: path, role: 'owner' })
        attempts.push({ path, code: 'none', message: String(store.version('s')) })
        await store.save('s', 'an intruder')
        await store.close()
      } catch ({ code, message }) {
        attempts.push({ path, code, message })
      }
    }
    process.stdout.write(JSON.stringify(attempts))`)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Attempt[]
}

async function expectAllThere(store: SessionStore<number>): Promise<void> {
  const events = await collect(store.history('s'))
  expect(events.map(event => event.version)).toEqual(Array.from({ length: 90 }, (_, i) => i + 1))
  for (const version of [1, 20, 21, 70, 71, 90]) expect(await store.stateAt('s', { version })).toBe(version)
  expect(store.get('s')).toBe(90)
  expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
}
