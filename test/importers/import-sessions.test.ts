import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type ImportProblem, importSessions } from '../../src/importers/import-sessions.ts'
import { all, ndjson } from '../cli/cli.ts'
import { create, temporary } from '../support/store.ts'

const from = 'connect-redis'

/** A line of a dump, that expires in an hour. */
function line(sid: string, body: object = {}): object {
  return { key: `sess:${sid}`, value: JSON.stringify({ cookie: { path: '/' }, ...body }), pttl: 3_600_000 }
}

function bytes(text: string | Uint8Array): AsyncIterable<Uint8Array> {
  return Readable.from([Buffer.from(text)])
}

function dump(...lines: object[]): AsyncIterable<Uint8Array> {
  return bytes(ndjson(...lines))
}

describe('a conflict', () => {
  test('is listed and not overwritten; with overwrite it is, as an event of its own', async () => {
    const store = await create()
    await store.save('a', { mine: true }, { actor: 'ann' })
    const lines = [line('a', { n: 1 }), line('b', { n: 2 })]
    const report = await importSessions({ store, from, source: dump(...lines) })
    expect(report).toMatchObject({ imported: 1, conflicts: 1 })
    expect(report.problems).toMatchObject([{ kind: 'conflict', place: 'line 1', sessionId: 'a' }])
    expect(store.get('a')).toEqual({ mine: true })
    expect(await importSessions({ store, from, source: dump(...lines), overwrite: true })).toMatchObject({
      imported: 1,
      alreadyThere: 1,
    })
    expect(store.get('a')).toMatchObject({ n: 1 })
    expect((await all(store.history('a'))).map(({ type }) => type)).toEqual(['saved', 'imported'])
  })

  test('a session that has ended here stays so, also with overwrite', async () => {
    const store = await create()
    await store.save('a', { mine: true })
    await store.delete('a', { reason: 'logged out' })
    for (const overwrite of [false, true]) {
      const report = await importSessions({ store, from, source: dump(line('a', { n: 1 })), overwrite })
      expect(report).toMatchObject({ imported: 0, conflicts: 1 })
    }
    expect(store.has('a')).toBe(false)
  })

  test('of two records of one session in one dump, the first stays', async () => {
    const store = await create()
    const lines = [line('a', { n: 1 }), line('a', { n: 2 }), line('a', { n: 1 })]
    const counts = { imported: 1, conflicts: 1, alreadyThere: 1 }
    expect(await importSessions({ from, source: dump(...lines), dryRun: true })).toMatchObject(counts)
    expect(await importSessions({ store, from, source: dump(...lines) })).toMatchObject(counts)
    expect(store.get('a')).toMatchObject({ n: 1 })
  })
})

describe('a dry run', () => {
  test('says what the run will say, and changes nothing', async () => {
    const store = await create()
    await store.save('there', { other: true })
    await store.save('gone', {})
    await store.delete('gone')
    const lines = [
      line('a'),
      line('there'),
      line('gone'),
      { key: 'x' },
      { ...line('old'), pttl: -2 },
      line(''),
    ]
    const { position } = store
    const dry = await importSessions({ store, from, source: dump(...lines), dryRun: true })
    expect(dry).toMatchObject({ records: 6, imported: 1, conflicts: 2, refused: 2, expired: 1 })
    expect(store.position).toBe(position)
    expect([...store.ids()]).toEqual(['there'])
    const real = await importSessions({ store, from, source: dump(...lines) })
    expect(real).toEqual({ ...dry, dryRun: false })
  })
})

describe('many records', () => {
  test('are read in order, by chunks that cut lines and characters anywhere, with progress', async () => {
    const store = await create({ durability: 'buffered' })
    const text = ndjson(...Array.from({ length: 3000 }, (_, n) => line(`s${n}`, { n, text: '日本😀' })))
    const path = join(temporary(), 'dump.gz')
    writeFileSync(path, gzipSync(text))
    const told: number[] = []
    const options = {
      store,
      from,
      onProgress: ({ records }: { records: number }) => told.push(records),
    } as const
    async function* chunks() {
      const whole = Buffer.from(text)
      for (let at = 0; at < whole.length; at += 777) yield whole.subarray(at, at + 777)
    }
    expect(await importSessions({ ...options, source: chunks() })).toMatchObject({
      imported: 3000,
      refused: 0,
    })
    expect(store.get('s2999')).toMatchObject({ n: 2999, text: '日本😀' })
    expect(told.length).toBeGreaterThan(5)
    expect(told.at(-1)).toBe(3000)
    expect(await importSessions({ store, from, source: path })).toMatchObject({ alreadyThere: 3000 })
    expect(store.position).toBe(3000)
  })

  test('wait for a store whose queue is full', async () => {
    const store = await create({ pendingBytesMax: 4096 })
    const lines = Array.from({ length: 300 }, (_, n) => line(`s${n}`, { text: 'x'.repeat(500), n }))
    expect(await importSessions({ store, from, source: dump(...lines) })).toMatchObject({ imported: 300 })
    expect(store.size).toBe(300)
  })

  test('stop where the signal says so; what was imported stays, and the next run goes on', async () => {
    const store = await create()
    const abort = new AbortController()
    async function* endless() {
      for (let n = 0; ; n++) {
        if (n === 100) abort.abort(new Error('enough'))
        yield Buffer.from(ndjson(line(`s${n}`, { n })))
      }
    }
    await expect(importSessions({ store, from, source: endless(), signal: abort.signal })).rejects.toThrow(
      'enough',
    )
    expect(store.size).toBe(100)
    await store.flush()
    const lines = Array.from({ length: 120 }, (_, n) => line(`s${n}`, { n }))
    expect(await importSessions({ store, from, source: dump(...lines) })).toMatchObject({
      imported: 20,
      alreadyThere: 100,
    })
  })

  test('keep the first hundred problems, and tell of all', async () => {
    const store = await create()
    const told: ImportProblem[] = []
    const lines = Array.from({ length: 150 }, () => ({ key: 'wrong' }))
    const report = await importSessions({
      store,
      from,
      source: dump(...lines),
      onProblem: each => told.push(each),
    })
    expect([report.refused, report.problems.length, told.length]).toEqual([150, 100, 150])
    expect(told[149]).toMatchObject({ kind: 'refused', place: 'line 150' })
  })
})

describe('damage', () => {
  test('a gzip file that is cut gives what is before the cut, and says so', async () => {
    const store = await create()
    const path = join(temporary(), 'dump.gz')
    const lines = Array.from({ length: 5000 }, (_, n) => line(`s${n}`, { n: Math.sin(n) }))
    const packed = gzipSync(ndjson(...lines))
    writeFileSync(path, packed.subarray(0, packed.length / 2))
    const report = await importSessions({ store, from, source: path })
    expect(report.refused).toBeGreaterThan(0)
    expect(report.problems.at(-1)).toMatchObject({ place: expect.stringMatching(/^after line|^line/) })
    expect(report.imported).toBe(store.size)
    expect(report.imported).toBeGreaterThan(100)
  })

  test.each([
    ['an id that is too long', line('x'.repeat(1025))],
    ['a key without the prefix', { ...line('a'), key: 'other:a' }],
    ['a value that is no JSON', { ...line('a'), value: 'j:{' }],
    ['an encrypted value', { ...line('a'), value: '{"hmac":"x","ct":"y","iv":"z"}' }],
    ['no value', { ...line('a'), value: null }],
    ['no expiry', { ...line('a'), pttl: undefined }],
    ['an expiry that is no time', { ...line('a'), pttl: 'soon' }],
    ['a list', [1]],
  ])('%s is refused, and no other is', async (_, bad) => {
    const store = await create()
    const report = await importSessions({ store, from, source: dump(line('first'), bad, line('last')) })
    expect(report).toMatchObject({
      imported: 2,
      refused: 1,
      problems: [{ kind: 'refused', place: 'line 2' }],
    })
    expect([...store.ids()]).toEqual(['first', 'last'])
  })

  test('a store with a schema refuses what does not fit it', async () => {
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) =>
          (value as { ok?: boolean }).ok ? { value } : { issues: [{ message: 'not ok' }] },
      },
    }
    const store = await create({ schema })
    const report = await importSessions({ store, from, source: dump(line('a'), line('b', { ok: true })) })
    expect(report).toMatchObject({ imported: 1, refused: 1 })
  })

  test('a store that is closed ends the import', async () => {
    const store = await create()
    await store.close()
    const done = importSessions({ store, from, source: dump(line('a')) })
    await expect(done).rejects.toMatchObject({ code: 'SESSIONLOG_NOT_OPEN' })
  })

  test('a source that is not there is an error of the disk', async () => {
    const store = await create()
    for (const name of ['connect-redis', 'session-file-store'] as const) {
      const done = importSessions({ store, from: name, source: join(temporary(), 'missing') })
      await expect(done).rejects.toMatchObject({ code: 'SESSIONLOG_IO_ERROR' })
    }
  })
})

describe('arguments', () => {
  test.each([
    ['from', { from: 'memorystore' }],
    ['source', { source: '' }],
    ['source', { from: 'session-file-store', source: bytes('') }],
    ['store', { store: undefined }],
    ['store', { store: {} }],
    ['prefix', { from: 'connect-mongo', prefix: 'x' }],
    ['ttl', { from: 'session-file-store', source: 'x', ttl: Number.NaN }],
    ['ttl', { ttl: 5 }],
    ['dryRun', { dryRun: 'yes' }],
    ['signal', { signal: {} }],
    ['', { typo: 1 }],
  ])('%s is named where it is wrong', async (path, wrong) => {
    const options = { store: await create(), from, source: dump(), ...wrong }
    const done = importSessions(options as never)
    const name = path === '' ? 'typo' : path
    await expect(done).rejects.toMatchObject({ code: 'SESSIONLOG_INVALID_ARGUMENT', path: name })
  })
})
