import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { start, temporary, withStore } from './cli.ts'

interface Line {
  readonly position: number
  readonly sessionId: string
}

/** Follows a store in a process of its own; `until` answers with the lines up to one of that position. */
function follow(dir: string, ...args: string[]) {
  const tmp = temporary()
  const child = start('src/cli/main.ts', ['tail', '--follow', '--json', '--dir', dir, ...args], {
    env: { TMPDIR: tmp },
  })
  const lines: Line[] = []
  let news: (() => void) | undefined
  createInterface({ input: child.stdout! }).on('line', line => {
    lines.push(JSON.parse(line))
    news?.()
  })
  const until = async (position: number) => {
    while ((lines.at(-1)?.position ?? 0) < position)
      await new Promise<void>(resolve => {
        news = resolve
      })
    return lines
  }
  const end = async () => {
    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    return { code, left: readdirSync(tmp).filter(name => name.startsWith('sessionlog-')) }
  }
  return { until, end }
}

// LevelDB lets nobody else read its files there.
describe.skipIf(process.platform === 'win32')('tail --follow', () => {
  test('shows what another process records, each once and in order, through compactions and a new owner', async () => {
    const dir = temporary()
    await withStore(dir, async store => {
      for (let n = 1; n <= 20; n++) await store.save('a', n)
    })
    const { until, end } = follow(dir, '--lines', '3')
    await withStore(dir, async store => {
      for (let n = 21; n <= 400; n++) {
        await store.save(`s${n % 5}`, { n, text: 'text '.repeat(500) })
        if (n % 100 === 0) await store.compact()
        if (n === 40) await until(40)
      }
    })
    await withStore(dir, store => store.save('last', 1))
    const positions = (await until(401)).map(({ position }) => position)
    expect(positions).toEqual(Array.from({ length: 401 - positions[0]! + 1 }, (_, at) => positions[0]! + at))
    expect(positions[0]).toBeGreaterThanOrEqual(18)
    expect(await end()).toEqual({ code: 130, left: [] })
  })

  test('filters as an audit does', async () => {
    const dir = temporary()
    await withStore(dir, async store => {
      await store.save('a', 1, { actor: 'ann' })
      const { until, end } = follow(dir, 'a', '--actor', 'ann')
      await until(1)
      await store.save('a', 2, { actor: 'bob' })
      await store.save('b', 2, { actor: 'ann' })
      await store.save('a', 3, { actor: { id: 'ann', type: 'user' } })
      expect((await until(4)).map(({ position }) => position)).toEqual([1, 4])
      expect(await end()).toEqual({ code: 130, left: [] })
    })
  })
})
