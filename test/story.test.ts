import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ndjson, outcomeOf, start, temporary, withStore } from './cli/cli.ts'

test('npm start tells its story again and again, and leaves the sessions of others alone', async () => {
  const cwd = temporary()
  const data = join(cwd, 'data')
  await withStore(data, store => store.save('mine', { kept: true }))
  for (const [run, args] of [[], ['--dir', 'data']].entries()) {
    const { code, stdout, stderr } = await outcomeOf(start('scripts/story.ts', args, { cwd }))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.match(/✓/g)).toHaveLength(3)
    expect(stdout).not.toContain('✗')
    expect(existsSync(join(data, 'sessions_v3', 'founding-story.json'))).toBe(true)
    await withStore(data, async store => {
      expect(store.get('founding-story')).toMatchObject({
        saves: { ann: 100 * (run + 1), june: 100 * (run + 1) },
      })
      expect(store.get('mine')).toEqual({ kept: true })
      expect(store.version('mine')).toBe(1)
    })
  }
})

test('npm start with a file imports it, counts it and checks it', async () => {
  const cwd = temporary()
  writeFileSync(join(cwd, 'saves.ndjson'), ndjson({ session: 'a', state: 1 }, { session: 'a', state: 2 }))
  const { code, stdout } = await outcomeOf(start('scripts/story.ts', ['saves.ndjson'], { cwd }))
  expect(code).toBe(0)
  expect(stdout).toContain('Verified')
  await withStore(join(cwd, 'data'), async store => expect(store.get('a')).toBe(2))
  const refused = await outcomeOf(start('scripts/story.ts', ['none.ndjson'], { cwd }))
  expect(refused.code).toBe(7)
})

test('the nightly script compacts a store that nobody holds, and has an app compact the one that it holds', async () => {
  const dir = temporary()
  await withStore(dir, store => store.save('a', 1))
  const closed = await outcomeOf(start('scripts/compact.ts', ['--dir', dir, '--json']))
  expect(closed.code).toBe(0)
  expect(closed.json).toMatchObject([{ sessions: 1, snapshotsWritten: 1, problems: [] }])
  await withStore(dir, async store => {
    await store.save('b', 1)
    const held = await outcomeOf(start('scripts/compact.ts', ['--dir', dir, '--json']))
    expect(held.code).toBe(0)
    expect(held.json).toMatchObject([{ sessions: 1, snapshotsWritten: 1, position: 2 }])
    expect(await store.compact()).toMatchObject({ sessions: 0, position: 2 })
  })
})

test('the nightly script ends with 3 where an app holds the store and does not share it', async () => {
  const dir = temporary()
  await withStore(
    dir,
    async store => {
      await store.save('a', 1)
      const held = await outcomeOf(start('scripts/compact.ts', ['--dir', dir]))
      expect(held.code).toBe(3)
      expect(held.stderr).toContain(`process ${process.pid}`)
    },
    { share: false },
  )
})
