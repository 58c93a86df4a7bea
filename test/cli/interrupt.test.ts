import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { diskUse } from '../../src/snapshot/disk-use.ts'
import { outcomeOf, sessionlog, start, temporary, withStore } from './cli.ts'

const LINES = 40_000

async function writeFile(path: string): Promise<void> {
  const file = createWriteStream(path)
  for (let n = 0; n < LINES; n++) {
    const line = JSON.stringify({
      session: `s${n % 100}`,
      state: { n, items: Array.from({ length: 20 }, () => n) },
    })
    if (!file.write(`${line}\n`)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}

test('Ctrl-C stops an import, closes the store in order and ends with 130', async () => {
  const dir = temporary()
  const file = join(dir, 'long.ndjson')
  const data = join(dir, 'data')
  await writeFile(file)
  const child = start('src/cli/main.ts', ['import', file, '--dir', data])
  const outcome = outcomeOf(child)
  // Written to from the second pass on.
  while (child.exitCode === null && diskUse(join(data, 'log')).bytes < 5000) await delay(5)
  child.kill('SIGINT')
  const { code, stdout, stderr } = await outcome
  expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
  expect(stderr).toMatch(/^sessionlog: .*\(SIGINT\)\n$/)
  const verified = await sessionlog(['verify', '--json', '--dir', data])
  expect(verified.json).toMatchObject([{ ok: true }])
  expect(verified.json[0].position).toBeLessThan(LINES)
})

test('a request to end stops an export, and ends with 143', async () => {
  const dir = temporary()
  await withStore(dir, async store => {
    await Promise.all(
      Array.from({ length: 2000 }, (_, n) => store.save('a', { n, text: 'x'.repeat(2000) + n })),
    )
  })
  // Nobody reads its output, so it waits in the middle.
  const child = start('src/cli/main.ts', ['export', '--dir', dir])
  await once(child.stdout!, 'readable')
  child.kill('SIGTERM')
  child.stdout!.resume()
  const [code] = await once(child, 'close')
  expect(code).toBe(143)
  expect((await sessionlog(['verify', '--dir', dir])).code).toBe(0)
})
