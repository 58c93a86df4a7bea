import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { SessionlogError } from '../../src/errors.ts'
import {
  ensureDirectory,
  type FileEntry,
  removeFile,
  replaceFile,
  replaceFiles,
  sweepTemporaries,
  syncDirectory,
} from '../../src/snapshot/file.ts'

describe('replaceFile()', () => {
  test('creates and replaces a file, and leaves nothing beside it', async () => {
    const path = join(directory(), 'a.json')
    await replaceFile(path, 'première')
    expect(readFileSync(path, 'utf8')).toBe('première')
    await replaceFile(path, new Uint8Array([0, 255, 1]).subarray(1))
    expect([...readFileSync(path)]).toEqual([255, 1])
    await replaceFile(path, '')
    expect(readFileSync(path, 'utf8')).toBe('')
    expect(readdirSync(join(path, '..'))).toEqual(['a.json'])
  })

  test('shows a reader either content whole while many replace one file', async () => {
    const path = join(directory(), 'a.json')
    const contents = Array.from({ length: 50 }, (_, i) => String(i).repeat(50_000))
    await replaceFile(path, contents[0]!)
    const writes = Promise.all(contents.map(content => replaceFile(path, content)))
    let written = false
    void writes.then(() => {
      written = true
    })
    while (!written) {
      expect(contents).toContain(readFileSync(path, 'utf8'))
      await new Promise(setImmediate)
    }
    await writes
    expect(readdirSync(join(path, '..'))).toEqual(['a.json'])
  })

  test('rejects with the path and the cause, and leaves no temporary', async () => {
    const dir = directory()
    mkdirSync(join(dir, 'a.json', 'full'), { recursive: true })
    const error = await failure(replaceFile(join(dir, 'a.json'), 'x'))
    expect(error).toMatchObject({ code: 'SESSIONLOG_IO_ERROR', path: join(dir, 'a.json') })
    expect((error.cause as NodeJS.ErrnoException).syscall).toBe('rename')
    expect(readdirSync(dir)).toEqual(['a.json'])
    const absent = join(dir, 'none', 'a.json')
    expect(await failure(replaceFile(absent, 'x'))).toMatchObject({
      code: 'SESSIONLOG_IO_ERROR',
      path: absent,
    })
  })
})

describe('replaceFiles()', () => {
  test('replaces and removes what it is given, from any iterable', async () => {
    const dir = directory()
    mkdirSync(join(dir, 'other'))
    writeFileSync(join(dir, '3.json'), 'old')
    await replaceFiles(entries(dir, 100))
    expect(readdirSync(dir)).toHaveLength(101)
    expect(readFileSync(join(dir, '3.json'), 'utf8')).toBe('content 3')
    const later = async function* (): AsyncGenerator<FileEntry> {
      for (const { path } of entries(dir, 100)) yield { path, data: undefined }
      yield { path: join(dir, 'absent.json'), data: undefined }
      yield { path: join(dir, 'other', 'b.json'), data: 'b' }
    }
    await replaceFiles(later())
    expect(readdirSync(dir)).toEqual(['other'])
    expect(readdirSync(join(dir, 'other'))).toEqual(['b.json'])
    await replaceFiles([])
  })

  test('pulls no more entries than it has hands for', async () => {
    const dir = directory()
    let pulled = 0
    const counted = function* () {
      for (const entry of entries(dir, 40)) {
        pulled++
        expect(pulled - readdirSync(dir).filter(name => name.endsWith('.json')).length).toBeLessThanOrEqual(3)
        yield entry
      }
    }
    await replaceFiles(counted(), { concurrency: 3 })
    expect(pulled).toBe(40)
  })

  test('ends with the first failure, and pulls nothing after it', async () => {
    const dir = directory()
    mkdirSync(join(dir, '2.json'))
    let pulled = 0
    const counted = function* () {
      for (const entry of entries(dir, 1_000)) {
        pulled++
        yield entry
      }
    }
    expect(await failure(replaceFiles(counted(), { concurrency: 2 }))).toMatchObject({
      path: join(dir, '2.json'),
    })
    expect(pulled).toBeLessThan(10)
    expect(readdirSync(dir).filter(name => name.endsWith('.tmp'))).toEqual([])
  })

  test('goes on where onFailure takes the failure, and ends where it throws', async () => {
    const dir = directory()
    for (const name of ['2.json', '5.json']) mkdirSync(join(dir, name))
    const failed: string[] = []
    const onFailure = (error: SessionlogError, entry: FileEntry) => {
      expect(error).toMatchObject({ code: 'SESSIONLOG_IO_ERROR', path: entry.path })
      failed.push(entry.path)
    }
    await replaceFiles(entries(dir, 10), { onFailure })
    expect(failed.sort()).toEqual([join(dir, '2.json'), join(dir, '5.json')])
    expect(readFileSync(join(dir, '9.json'), 'utf8')).toBe('content 9')
    const own = new Error('enough')
    const ended = replaceFiles(entries(dir, 10), {
      onFailure: () => {
        throw own
      },
    })
    expect(await failure(ended)).toBe(own)
  })

  test('rejects with what the entries throw', async () => {
    const own = new Error('cannot build the content')
    const broken = function* (): Generator<FileEntry> {
      yield* entries(directory(), 3)
      throw own
    }
    expect(await failure(replaceFiles(broken()))).toBe(own)
  })
})

describe('a disk that fills up', () => {
  const able = process.platform === 'linux' && spawnSync('unshare', ['-m', 'true']).status === 0
  const onSmallDisk = test.skipIf(!able)
  if (!able) console.log('SKIP a disk that fills up: no right to mount one here')

  onSmallDisk('leaves the old content whole and no temporary, also where a write was cut short', async () => {
    const dir = smallDisk()
    const path = join(dir, 'a.json')
    await replaceFile(path, 'o'.repeat(100_000))
    // 156 kB are left: the first write is cut short without an error, the next one fails.
    const error = await failure(replaceFile(path, 'n'.repeat(200_000)))
    expect(error).toMatchObject({ code: 'SESSIONLOG_IO_ERROR', path, cause: { code: 'ENOSPC' } })
    expect(readFileSync(path, 'utf8')).toBe('o'.repeat(100_000))
    expect(readdirSync(dir)).toEqual(['a.json'])
  })

  onSmallDisk('ends a batch, with each file old or new and no temporary', async () => {
    const dir = smallDisk()
    const batch = (letter: string, size: number) =>
      Array.from({ length: 20 }, (_, i) => ({ path: join(dir, `${i}.json`), data: letter.repeat(size) }))
    await replaceFiles(batch('o', 4_000))
    expect(await failure(replaceFiles(batch('n', 40_000)))).toMatchObject({ cause: { code: 'ENOSPC' } })
    expect(readdirSync(dir)).toHaveLength(20)
    const sizes = readdirSync(dir).map(name => readFileSync(join(dir, name)).length)
    expect(new Set(sizes)).toEqual(new Set([4_000, 40_000]))
  })
})

describe('removeFile()', () => {
  test('removes a file, and takes an absent one for removed', async () => {
    const path = join(directory(), 'a.json')
    writeFileSync(path, 'x')
    await removeFile(path)
    expect(existsSync(path)).toBe(false)
    await removeFile(path)
  })

  test('rejects where the file cannot be removed', async () => {
    const path = join(directory(), 'a.json')
    mkdirSync(path)
    expect(await failure(removeFile(path))).toMatchObject({ code: 'SESSIONLOG_IO_ERROR', path })
  })
})

describe('sweepTemporaries()', () => {
  test('removes the leftovers of a crash and nothing else', async () => {
    const dir = directory()
    const others = [
      'a.json',
      'a.tmp',
      'a.json.0123456789ABCDEF.tmp',
      'a.json.0123456789abcdef.tmp.json',
      'b.0123.tmp',
    ]
    for (const name of [...others, 'a.json.0123456789abcdef.tmp', 'a.json.fedcba9876543210.tmp']) {
      writeFileSync(join(dir, name), '')
    }
    expect(await sweepTemporaries(dir)).toBe(2)
    expect(readdirSync(dir).sort()).toEqual(others.sort())
    expect(await sweepTemporaries(join(dir, 'absent'))).toBe(0)
  })
})

describe('ensureDirectory()', () => {
  test('creates what is missing and takes what is there', async () => {
    const dir = directory()
    await ensureDirectory(join(dir, 'a', 'b', 'c'))
    await ensureDirectory(join(dir, 'a', 'b', 'c'))
    await syncDirectory(join(dir, 'a', 'b', 'c'))
    expect(readdirSync(join(dir, 'a', 'b'))).toEqual(['c'])
  })

  test('rejects where a file is in the way', async () => {
    const dir = directory()
    writeFileSync(join(dir, 'a'), '')
    const path = join(dir, 'a', 'b')
    expect(await failure(ensureDirectory(path))).toMatchObject({ code: 'SESSIONLOG_IO_ERROR', path })
  })
})

const undo: (() => unknown)[] = []

afterEach(() => {
  for (const step of undo.splice(0).reverse()) step()
})

function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sessionlog-file-'))
  undo.push(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A file system of 256 kB. */
function smallDisk(): string {
  const dir = directory()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'sessionlog', dir])
  undo.push(() => execFileSync('umount', [dir]))
  return dir
}

function* entries(dir: string, count: number): Generator<FileEntry> {
  for (let i = 0; i < count; i++) yield { path: join(dir, `${i}.json`), data: `content ${i}` }
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => expect.unreachable(),
    (error: Error) => error,
  )
}
