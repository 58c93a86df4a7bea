/** What session-file-store wrote: see test/fixtures/importers/README.md. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importSessions } from '../../src/importers/import-sessions.ts'
import { all } from '../cli/cli.ts'
import { create, temporary } from '../support/store.ts'

const FIXTURE = 'test/fixtures/importers/session-file-store'
const FOREVER = 3e9

const from = 'session-file-store'

/** A file as that store writes it, that ends in an hour. */
function file(session: object, lastAccess = Date.now(), originalMaxAge: unknown = 3_600_000): string {
  return JSON.stringify({ cookie: { originalMaxAge, path: '/' }, ...session, __lastAccess: lastAccess })
}

function directory(files: Record<string, string | Uint8Array>): string {
  const dir = temporary()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content)
  return dir
}

describe('import from a directory of session-file-store', () => {
  test('brings each session, says where it comes from, and leaves what is none', async () => {
    const store = await create()
    const report = await importSessions({ store, from, source: FIXTURE, ttl: FOREVER })
    expect(report).toMatchObject({
      records: 5,
      imported: 3,
      refused: 1,
      ignored: 1,
      expired: 0,
      conflicts: 0,
    })
    expect([...store.ids()].sort()).toEqual(['Xk3_9pQw-VbT2mZ', 'browser-session', 'nOcart00000'])
    const written = JSON.parse(readFileSync(join(FIXTURE, 'Xk3_9pQw-VbT2mZ.json'), 'utf8'))
    const { __lastAccess, ...session } = written
    expect(store.get('Xk3_9pQw-VbT2mZ')).toEqual({ ...session, cookie: { ...session.cookie, expires: true } })
    expect(Object.keys(store.get('nOcart00000') as object)).toContain('__proto__')
    const [event] = await all(store.history('Xk3_9pQw-VbT2mZ'))
    expect(event).toMatchObject({
      type: 'imported',
      actor: 'import',
      reason: 'imported from session-file-store, Xk3_9pQw-VbT2mZ.json',
      data: { from, place: 'Xk3_9pQw-VbT2mZ.json' },
      occurredAt: __lastAccess,
      expiresAt: __lastAccess + session.cookie.originalMaxAge,
    })
    const problems = Object.fromEntries(
      report.problems.map(({ place, kind, reason }) => [place, kind + reason]),
    )
    expect(problems['locked.json']).toMatch(/^refused.*encrypted/)
    expect(problems['Xk3_9pQw-VbT2mZ.json.3141592653']).toMatch(/^ignored.*temporary/)
  })

  test('changes nothing when it is run again, also where a session has changed or ended since', async () => {
    const store = await create()
    const options = { store, from, source: FIXTURE, ttl: FOREVER } as const
    await importSessions(options)
    await store.save('nOcart00000', { changed: true })
    await store.delete('browser-session')
    const { position } = store
    expect(await importSessions({ ...options, overwrite: true })).toMatchObject({
      imported: 0,
      alreadyThere: 3,
    })
    expect(store.position).toBe(position)
    expect(store.has('browser-session')).toBe(false)
  })

  test('a bad file stops no other, and each is named', async () => {
    const source = directory({
      'a.json': file({ n: 1 }),
      'cut.json': '{"cookie":{"path"',
      'empty.json': '',
      'latin1.json': Buffer.from('{"cookie":{},"name":"\xe9","__lastAccess":1}', 'latin1'),
      'list.json': '[1]',
      'no-cookie.json': '{"n":1,"__lastAccess":1}',
      'no-access.json': '{"cookie":{}}',
      'bad-age.json': file({}, Date.now(), 'soon'),
      'bad-cookie.json': '{"cookie":7,"__lastAccess":1}',
      'notes.txt': 'mine',
      '._a.json': 'macOS',
      'z.json': file({ n: 2 }),
    })
    mkdirSync(join(source, 'folder.json'))
    const store = await create()
    const report = await importSessions({ store, from, source })
    expect(report).toMatchObject({ records: 13, imported: 2, refused: 8, ignored: 3 })
    expect([...store.ids()].sort()).toEqual(['a', 'z'])
    const refused = report.problems.filter(({ kind }) => kind === 'refused').map(({ place }) => place)
    expect(refused.sort()).toEqual(
      ['bad-age', 'bad-cookie', 'cut', 'empty', 'latin1', 'list', 'no-access', 'no-cookie'].map(
        id => `${id}.json`,
      ),
    )
  })

  test('leaves out what is over by its own rule, unless asked: then the store ends it at once', async () => {
    const hour = 3_600_000
    const source = directory({
      'over.json': file({ n: 1 }, Date.now() - hour - 1),
      'ttl-over.json': file({ n: 2 }, Date.now() - hour, null),
      'lives.json': file({ n: 3 }, Date.now() - hour, 2 * hour),
    })
    const store = await create()
    expect(await importSessions({ store, from, source, ttl: 3599 })).toMatchObject({
      imported: 1,
      expired: 2,
    })
    expect(store.version('over')).toBe(0)
    expect(await importSessions({ store, from, source, ttl: 3599, keepExpired: true })).toMatchObject({
      imported: 2,
      alreadyThere: 1,
    })
    expect([...store.ids()]).toEqual(['lives'])
    await store.flush()
    expect((await all(store.history('over'))).map(({ type }) => type)).toEqual(['imported', '$expired'])
    expect(await store.stateAt('over', { version: 1 })).toMatchObject({ n: 1 })
    const again = await importSessions({ store, from, source, keepExpired: true, ttl: 3599 })
    expect(again).toMatchObject({ imported: 0, alreadyThere: 3 })
  })

  test('takes other endings, and none', async () => {
    const store = await create()
    const dotted = directory({ 'a.sess': file({ n: 1 }), 'b.json': file({ n: 2 }) })
    expect(await importSessions({ store, from, source: dotted, extension: '.sess' })).toMatchObject({
      imported: 1,
    })
    const bare = directory({ c: file({ n: 3 }), 'c.123456789': 'half' })
    expect(await importSessions({ store, from, source: bare, extension: '' })).toMatchObject({
      imported: 1,
      ignored: 1,
    })
    expect([...store.ids()].sort()).toEqual(['a', 'c'])
  })

  test('never touches the directory', async () => {
    const source = temporary()
    cpSync(FIXTURE, source, { recursive: true })
    const store = await create()
    await importSessions({ store, from, source })
    const names = [
      'locked.json',
      'Xk3_9pQw-VbT2mZ.json.3141592653',
      'nOcart00000.json',
      'browser-session.json',
    ]
    for (const name of names)
      expect(readFileSync(join(source, name))).toEqual(readFileSync(join(FIXTURE, name)))
  })
})
