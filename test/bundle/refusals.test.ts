import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { encodeItem, ITEM, type Item } from '../../src/bundle/item.ts'
import { Seal } from '../../src/bundle/seal.ts'
import { generateKey, openBundle, type SessionStore } from '../../src/index.ts'
import { signNote } from '../../src/proof/note.ts'
import { bundlePath, itemsOf, writeItems } from '../support/bundles.ts'
import { Chance } from '../support/chance.ts'
import { codeOf, failureOf } from '../support/outcome.ts'
import { everything, sized } from '../support/states.ts'
import { create, temporary } from '../support/store.ts'
import { inLog } from '../support/tampered-store.ts'

async function makeStore(signingKey?: string): Promise<SessionStore<unknown>> {
  const store = await create<unknown>(signingKey === undefined ? {} : { signingKey })
  for (let n = 1; n <= 12; n++) {
    await store.save('a', {
      ...sized(300),
      n,
      secret: n % 4 === 0 ? 'swordfish' : 'tuna',
      rest: everything(),
    })
    await store.save('b', n)
  }
  return store
}

async function makeBundle(): Promise<{ file: string; key: string; items: Item[] }> {
  const file = bundlePath()
  const { skey, vkey } = generateKey('store')
  await (await makeStore(skey)).exportBundle(['a', 'b'], { file, redact: ['/secret'] })
  return { file, key: vkey, items: await itemsOf(file) }
}

describe('openBundle() refuses', () => {
  test('what is no bundle, and says which file', async () => {
    const file = bundlePath()
    expect(await failureOf(() => openBundle(file))).toMatchObject({ code: 'SESSIONLOG_IO_ERROR', path: file })
    for (const content of [
      '',
      'text',
      gzipSync(''),
      gzipSync('{"session":"a"}\n'.repeat(9)),
      gzipSync('\xd8\x18\x5a'),
    ]) {
      writeFileSync(file, content)
      expect(await failureOf(() => openBundle(file))).toMatchObject({
        code: 'SESSIONLOG_CORRUPTION',
        path: file,
      })
    }
    expect(await codeOf(() => openBundle(dirname(file)))).toBe('SESSIONLOG_IO_ERROR')
    for (const path of [1 as never, '', 'a\0b'])
      expect(await codeOf(() => openBundle(path))).toBe('SESSIONLOG_INVALID_ARGUMENT')
    for (const key of [5, [], '', [5], 'no key'] as never[])
      expect(await codeOf(() => openBundle('none', { key }))).toMatch(
        /^SESSIONLOG_(INVALID_ARGUMENT|PROOF_INVALID)$/,
      )
    expect(await codeOf(() => openBundle(file, { keys: '' } as never))).toBe('SESSIONLOG_INVALID_ARGUMENT')
  })

  test('a file that was cut, wherever', async () => {
    const { file } = await makeBundle()
    const whole = readFileSync(file)
    for (let bytes = whole.length - 1; bytes >= 0; bytes -= 97) {
      truncateSync(file, bytes)
      expect(await codeOf(() => openBundle(file)), `${bytes}`).toBe('SESSIONLOG_CORRUPTION')
      writeFileSync(file, whole)
    }
  })

  test('items that are missing, twice, or of another order', async () => {
    const { file, items } = await makeBundle()
    const other = (await makeBundle()).items
    for (const at of items.keys()) {
      const variants = {
        missing: items.toSpliced(at, 1),
        twice: items.toSpliced(at, 0, items[at]!),
        swapped: items.with(at, items[at + 1] ?? items[0]!),
        foreign: items.with(at, other[at]!),
      }
      for (const [what, tampered] of Object.entries(variants)) {
        if (isDeepStrictEqual(tampered, items)) continue
        writeItems(file, tampered)
        expect(await codeOf(() => openBundle(file)), `${what} ${at}: ${items[at]![0]}`).toMatch(
          /_CORRUPTION$|_PROOF_INVALID$/,
        )
      }
    }
  })

  test('any changed byte of what it holds', async () => {
    const { file, key } = await makeBundle()
    const whole = gunzipSync(readFileSync(file))
    const chance = new Chance(20240229)
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(whole)
      const at = chance.below(bytes.length)
      bytes[at]! ^= 1 << chance.below(8)
      writeFileSync(file, gzipSync(bytes))
      expect(await codeOf(() => openBundle(file, { key })), `byte ${at}`).toMatch(
        /^SESSIONLOG_(CORRUPTION|PROOF_INVALID|FORMAT_UNSUPPORTED)$/,
      )
    }
  })

  test('a format to come', async () => {
    const { file, items } = await makeBundle()
    const header = items[0]![1] as object
    for (const change of [{ 'sessionlog-bundle': 1 }, { format: 2 }]) {
      writeItems(file, items.with(0, [ITEM.HEADER, { ...header, ...change }]))
      expect(await codeOf(() => openBundle(file))).toBe('SESSIONLOG_FORMAT_UNSUPPORTED')
    }
  })

  test('more than it may unpack to', async () => {
    const { file } = await makeBundle()
    expect(await failureOf(() => openBundle(file, { bytesMax: 1000 }))).toMatchObject({
      code: 'SESSIONLOG_INVALID_ARGUMENT',
      path: 'bytesMax',
    })
  })

  test('one that the key did not sign', async () => {
    const { skey, vkey } = generateKey('store')
    const file = bundlePath()
    await (await makeStore(skey)).exportBundle('a', { file })
    expect((await openBundle(file, { key: vkey })).version('a')).toBe(12)
    const other = generateKey('store').vkey
    expect(await codeOf(() => openBundle(file, { key: other }))).toBe('SESSIONLOG_PROOF_INVALID')
    await (await makeStore()).exportBundle('a', { file })
    expect(await codeOf(() => openBundle(file, { key: vkey }))).toBe('SESSIONLOG_PROOF_INVALID')
    expect((await openBundle(file)).version('a')).toBe(12)
  })

  test('a redacted event of which something else is shown, whoever makes it fit', async () => {
    const { file, key, items } = await makeBundle()
    const at = items.findIndex(item => item[0] === ITEM.REDACTED)
    const other = items.findLastIndex(item => item[0] === ITEM.REDACTED)
    const shown = Buffer.from(items[at]![2] as Uint8Array)
    const text = shown.indexOf('Item number 3')
    shown.write('Item number 9', text)
    const event = shown.subarray(5, -34)
    shown.write(createHash('sha256').update(event).digest('hex'), shown.length - 32, 32, 'hex')
    expect([text > 0, other > at]).toEqual([true, true])
    const changed = items.with(at, [ITEM.REDACTED, items[at]![1], shown, items[at]![3]])
    writeItems(file, changed)
    expect(await codeOf(() => openBundle(file))).toBe('SESSIONLOG_CORRUPTION')
    const seal = new Seal((items[0]![1] as { origin: string }).origin)
    for (const item of changed.slice(0, -1)) seal.add(encodeItem(item))
    const [kind, sessions, events] = changed.at(-1)!
    writeItems(
      file,
      changed.with(-1, [kind, sessions, events, signNote(seal.end(), generateKey('store').skey)]),
    )
    expect((await openBundle(file)).version('a')).toBe(12)
    expect(await codeOf(() => openBundle(file, { key }))).toBe('SESSIONLOG_PROOF_INVALID')
  })

  test('a checkpoint of another tree', async () => {
    const { file, items } = await makeBundle()
    const header = items[0]![1] as object
    for (const change of [
      { position: 23 },
      { root: '0'.repeat(64) },
      { origin: 'another' },
      { checkpoint: 'none' },
    ]) {
      writeItems(file, items.with(0, [ITEM.HEADER, { ...header, ...change }]))
      expect(await codeOf(() => openBundle(file))).toBe('SESSIONLOG_PROOF_INVALID')
    }
  })
})

describe('exportBundle() refuses', () => {
  test('wrong arguments, and sessions and versions that are not there, and writes nothing', async () => {
    const store = await makeStore()
    const file = bundlePath()
    const calls: [ids: unknown, options: object, code: string, path?: string][] = [
      [[], {}, 'INVALID_ARGUMENT', 'ids'],
      [1, {}, 'INVALID_ARGUMENT', 'ids'],
      [['a', ''], {}, 'INVALID_ARGUMENT', 'ids/1'],
      ['a', { file: '' }, 'INVALID_ARGUMENT', 'file'],
      ['a', { path: 'x' }, 'INVALID_ARGUMENT', 'path'],
      ['a', { from: 0 }, 'INVALID_ARGUMENT', 'from'],
      [['a', 'b'], { to: 3 }, 'INVALID_ARGUMENT', 'to'],
      ['a', { from: 3, to: 2 }, 'INVALID_ARGUMENT', 'from'],
      ['a', { redact: 'x' }, 'INVALID_ARGUMENT'],
      ['a', { redact: null }, 'INVALID_ARGUMENT', 'redact'],
      ['a', { redact: [Object.create(null)] }, 'INVALID_ARGUMENT', 'redact/state/0'],
      ['a', { file: 'a\0b' }, 'INVALID_ARGUMENT', 'file'],
      ['a', { file: tmpdir() }, 'INVALID_ARGUMENT', 'file'],
      ['a', { redact: ['x'] }, 'INVALID_ARGUMENT', 'redact/state/0'],
      ['a', { redact: { data: ['/a', 'x'] } }, 'INVALID_ARGUMENT', 'redact/data/1'],
      ['a', { redact: { facts: ['type'] } }, 'INVALID_ARGUMENT', 'redact/facts/0'],
      ['a', { redact: { states: [] } }, 'INVALID_ARGUMENT', 'states'],
      ['c', {}, 'SESSION_NOT_FOUND'],
      ['a', { to: 13 }, 'VERSION_NOT_FOUND'],
      ['a', { from: 13 }, 'VERSION_NOT_FOUND'],
    ]
    for (const [ids, options, code, path] of calls) {
      const failure = await failureOf(() => store.exportBundle(ids as string, { file, ...options }))
      expect(failure, JSON.stringify(options)).toMatchObject({
        code: `SESSIONLOG_${code}`,
        ...(path && { path }),
      })
    }
    expect(readdirSync(dirname(file))).toEqual([])
  })

  test('a place that it can not write to, and a log that is damaged, and leaves nothing behind', async () => {
    const store = await makeStore()
    const file = bundlePath()
    expect(await codeOf(() => store.exportBundle('a', { file: `${file}/none` }))).toBe('SESSIONLOG_IO_ERROR')
    const stop = new AbortController()
    const stopped = store.exportBundle(['a', 'b'], {
      file,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    })
    expect(await failureOf(() => stopped)).toMatchObject({ message: 'enough' })
    const dir = temporary()
    const damaged = await create<unknown>({ dir })
    for (let n = 1; n <= 50; n++) await damaged.save('a', sized(300 + n))
    await damaged.compact()
    await damaged.close()
    await inLog(dir, async db => {
      const [[key, value] = []] = await db.iterator({ gte: Buffer.from('s'), lt: Buffer.from('t') }).all()
      value![value!.length >> 1]! ^= 1
      await db.put(key!, value!)
    })
    const reopened = await create<unknown>({ dir })
    expect(await codeOf(() => reopened.exportBundle('a', { file }))).toBe('SESSIONLOG_CORRUPTION')
    expect(existsSync(file)).toBe(false)
    expect(readdirSync(dirname(file))).toEqual([])
  })
})
