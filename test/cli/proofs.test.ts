import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { verifyCheckpoint } from '../../src/index.ts'
import { sessionlog, temporary, withStore } from './cli.ts'

/** A store, a pair of keys beside it, and the command line on both. */
async function makeStore() {
  const folder = temporary()
  const dir = join(folder, 'data')
  await withStore(dir, async store => {
    for (const total of [1, 2, 3])
      await store.save('cart', { total, when: new Date(total) }, { actor: 'ann' })
    await store.save('other', 1)
  })
  const skey = join(folder, 'skey')
  const { code, stdout } = await sessionlog(['keygen', skey, '--dir', dir])
  expect(code).toBe(0)
  return { folder, dir, skey, vkey: stdout.trim() }
}

test('keygen makes a key that nobody else can read, and never replaces one', async () => {
  const { dir, skey, vkey } = await makeStore()
  if (process.platform !== 'win32') expect(statSync(skey).mode & 0o777).toBe(0o600)
  const before = readFileSync(skey, 'utf8')
  expect(before).toMatch(/^PRIVATE\+KEY\+sessionlog\//)
  await withStore(dir, async store => expect(vkey.startsWith(`sessionlog/${store.origin}+`)).toBe(true))
  expect((await sessionlog(['keygen', skey, '--dir', dir])).code).toBe(7)
  expect(readFileSync(skey, 'utf8')).toBe(before)
  const named = await sessionlog(['keygen', `${skey}-2`, '--name', 'records.example', '--json'])
  expect(named.json).toEqual([{ vkey: expect.stringMatching(/^records\.example\+/) }])
})

test('a proof convinces whoever has the key, without the store', async () => {
  const { folder, dir, skey, vkey } = await makeStore()
  const file = join(folder, 'edit.tlog-proof')
  expect((await sessionlog(['prove', 'cart', '2', '--key', skey, '--out', file, '--dir', dir])).code).toBe(0)
  const elsewhere = temporary()
  await cp(file, join(elsewhere, 'proof'))
  const { code, json } = await sessionlog(['verify-proof', 'proof', '--key', vkey, '--json'], {
    cwd: elsewhere,
  })
  expect(code).toBe(0)
  expect(json).toMatchObject([
    {
      sessionId: 'cart',
      version: 2,
      size: 4,
      actor: 'ann',
      state: { total: 2, when: { $date: '1970-01-01T00:00:00.002Z' } },
    },
  ])
  const text = await sessionlog(['verify-proof', file, '--key', vkey])
  expect(text.stdout).toContain('cart, version 2')
  expect(text.stdout).toContain('"total":2')
  // A changed digit, another key, another log.
  const proof = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    proof.replace(/[A-P](?=[A-Za-z0-9+/]{20})/, letter => (letter === 'B' ? 'C' : 'B')),
  )
  expect((await sessionlog(['verify-proof', file, '--key', vkey])).code).toBe(1)
  writeFileSync(file, proof)
  const other = (await sessionlog(['keygen', `${skey}-2`, '--dir', dir])).stdout.trim()
  expect((await sessionlog(['verify-proof', file, '--key', other])).code).toBe(1)
  expect((await sessionlog(['verify-proof', file, '--key', vkey, '--origin', 'another'])).code).toBe(1)
})

test('verify against a checkpoint finds a store that was rolled back as a whole', async () => {
  const { folder, dir, skey, vkey } = await makeStore()
  const before = join(folder, 'before')
  await cp(dir, before, { recursive: true })
  await withStore(dir, store => store.save('cart', { total: 4 }))
  const note = join(folder, 'checkpoint')
  expect((await sessionlog(['checkpoint', '--key', skey, '--out', note, '--dir', dir])).code).toBe(0)
  const verify = (path: string) =>
    sessionlog(['verify', '--checkpoint', note, '--key', vkey, '--dir', path, '--json'])
  expect((await verify(dir)).code).toBe(0)
  expect((await sessionlog(['verify', '--dir', before])).code).toBe(0)
  const rolledBack = await verify(before)
  expect(rolledBack.code).toBe(1)
  expect(rolledBack.json[0].problems).toMatchObject([{ code: 'SESSIONLOG_EVENTS_MISSING' }])
})

test('compact leaves a checkpoint where it is told to', async () => {
  const { folder, dir, skey, vkey } = await makeStore()
  const note = join(folder, 'nightly')
  for (const size of [4, 5]) {
    expect((await sessionlog(['compact', '--checkpoint', note, '--key', skey, '--dir', dir])).code).toBe(0)
    expect(verifyCheckpoint(readFileSync(note, 'utf8'), vkey)).toMatchObject({ size })
    await withStore(dir, store => store.save('other', size))
  }
  expect((await sessionlog(['compact', '--checkpoint', note, '--dir', dir])).code).toBe(2)
  const nowhere = join(folder, 'no', 'where')
  expect((await sessionlog(['compact', '--checkpoint', nowhere, '--key', skey, '--dir', dir])).code).toBe(7)
})

test('what is missing is wrong usage, what is not there says so', async () => {
  const { folder, dir, skey, vkey } = await makeStore()
  const code = async (...args: string[]) => (await sessionlog([...args, '--dir', dir])).code
  expect(await code('checkpoint')).toBe(2)
  expect(await code('checkpoint', '--key', join(folder, 'nothing'))).toBe(7)
  expect(await code('prove', 'cart', '9', '--key', skey)).toBe(1)
  expect(await code('prove', 'cart', 'x', '--key', skey)).toBe(2)
  expect(await code('prove', 'cart', '1', '--key', skey, '--out', join(folder, 'no', 'where'))).toBe(7)
  expect(await code('verify', '--checkpoint', skey)).toBe(2)
  expect(await code('verify-proof', skey, '--key', vkey)).toBe(1)
  expect(await code('verify-proof', join(folder, 'nothing'), '--key', vkey)).toBe(7)
  expect(existsSync(join(folder, 'no'))).toBe(false)
})
