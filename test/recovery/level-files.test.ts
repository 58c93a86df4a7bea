import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { expect, test } from 'vitest'
import type { LevelEntry } from '../../src/recovery/level-entry.ts'
import { type Damage, LevelFiles } from '../../src/recovery/level-files.ts'
import { unpack } from '../../src/recovery/snappy.ts'
import { temporary } from '../support/store.ts'

/** A database of values that pack well, badly and not at all, some of them deleted, some written twice. */
async function makeLevel(): Promise<{ dir: string; written: Map<string, string> }> {
  const dir = temporary()
  const written = new Map<string, string>()
  for (let session = 0; session < 3; session++) {
    const db = new ClassicLevel<string, Buffer>(dir, { valueEncoding: 'buffer', writeBufferSize: 1 << 17 })
    for (let n = 0; n < 400; n++) {
      const key = `key ${(n * 7 + session) % 500} ${'long '.repeat(n % 9)}`
      const value = Buffer.concat([Buffer.from('a '.repeat(n)), randomBytes(n % 3 === 0 ? n * 5 : 9)])
      await db.put(key, n % 50 === 49 ? Buffer.concat([value, randomBytes(40_000)]) : value)
      if (n % 11 === 0) await db.del(key)
    }
    for await (const [key, value] of db.iterator()) written.set(key, value.toString('hex'))
    for (const key of written.keys()) if ((await db.get(key)) === undefined) written.delete(key)
    await db.close()
  }
  return { dir, written }
}

async function read(dir: string): Promise<{ found: Map<string, string>; damages: Damage[] }> {
  const damages: Damage[] = []
  const last = new Map<string, LevelEntry>()
  const files = new LevelFiles(dir)
  await files.check(damage => damages.push(damage))
  for await (const entry of files.entries(() => {})) {
    const key = entry.key.toString()
    if (entry.sequence > (last.get(key)?.sequence ?? -1)) last.set(key, entry)
  }
  const found = new Map<string, string>()
  for (const [key, { value }] of last) if (value !== undefined) found.set(key, value.toString('hex'))
  return { found, damages }
}

/** Tables and logs that are missed where they are gone: LevelDB may have left others, of which nothing is told. */
async function needed(dir: string): Promise<string[]> {
  const names: string[] = []
  for (const name of readdirSync(dir).filter(each => /\.(ldb|log)$/.test(each))) {
    const path = join(dir, name)
    const bytes = readFileSync(path)
    rmSync(path)
    const { damages } = await read(dir)
    if (damages.some(each => each.path === path)) names.push(name)
    writeFileSync(path, bytes)
  }
  return names
}

test('What LevelDB has is read without it', async () => {
  const { dir, written } = await makeLevel()
  expect(readdirSync(dir).some(name => name.endsWith('.ldb'))).toBe(true)
  const { found, damages } = await read(dir)
  expect(damages).toEqual([])
  expect(found).toEqual(written)
})

test('A table without its index is read up to where it ends', async () => {
  const { dir, written } = await makeLevel()
  const table = (await needed(dir)).find(name => name.endsWith('.ldb'))!
  truncateSync(join(dir, table), readFileSync(join(dir, table)).length - 20)
  const { found, damages } = await read(dir)
  expect(damages).toMatchObject([{ path: join(dir, table), what: expect.stringContaining('no index') }])
  for (const [key, value] of written) expect(found.get(key)).toBe(value)
})

test('A flipped bit anywhere is found, and costs no more than what lies around it', async () => {
  const { dir, written } = await makeLevel()
  const manifest = readFileSync(join(dir, 'CURRENT'), 'utf8').trim()
  const names = await needed(dir)
  expect(names.some(name => name.endsWith('.ldb'))).toBe(true)
  for (const name of [manifest, ...names]) {
    const path = join(dir, name)
    const bytes = readFileSync(path)
    for (let trial = 0; trial < 12 && bytes.length > 0; trial++) {
      const damaged = Buffer.from(bytes)
      const at = Math.floor((bytes.length / 12) * trial)
      damaged[at]! ^= 1 << (trial % 8)
      writeFileSync(path, damaged)
      const { found, damages } = await read(dir)
      // A footer has room that nothing is in.
      if (at < bytes.length - 48)
        expect(
          damages.map(each => each.path),
          `${name} at ${at}`,
        ).toContain(path)
      const same = [...written].filter(([key, value]) => found.get(key) === value)
      expect(same.length, `${name} at ${at}`).toBeGreaterThan(written.size / 4)
    }
    writeFileSync(path, bytes)
  }
})

test('Files that the manifest names and that are gone are told, and CURRENT', async () => {
  const { dir } = await makeLevel()
  const table = (await needed(dir)).find(name => name.endsWith('.ldb'))!
  rmSync(join(dir, table))
  expect((await read(dir)).damages).toEqual([{ path: join(dir, table), what: 'it is not there' }])
  rmSync(join(dir, 'CURRENT'))
  expect((await read(dir)).damages).toEqual([{ path: join(dir, 'CURRENT'), what: 'it is not there' }])
})

test('Bytes that nothing packed are refused, whatever they are', () => {
  for (let trial = 0; trial < 2000; trial++) {
    const bytes = randomBytes(trial % 64)
    try {
      unpack(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
    }
  }
})
