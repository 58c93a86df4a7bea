/** The shop of the examples, started as its comment says, and driven as a browser would. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporary } from '../support/store.ts'

async function open(dir: string) {
  const args = ['--import', 'tsx', 'examples/express-shop.ts', dir, '0']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = await Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error('The shop did not open'))),
  ])
  return { child, url: /http:\S+/.exec(line as string)![0] }
}

/** A browser with one cookie, which goes on where it is sent. */
class Browser {
  cookie = ''

  async get(url: string): Promise<string> {
    const response = await fetch(url, { headers: { cookie: this.cookie } })
    return response.text()
  }

  async post(url: string, form: Record<string, string> = {}): Promise<number> {
    const options = { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' } as const
    const response = await fetch(url, { ...options, headers: { cookie: this.cookie } })
    const [set] = response.headers.getSetCookie()
    if (set !== undefined) this.cookie = set.split(';')[0]!
    await response.arrayBuffer()
    return response.status
  }
}

test('the Express shop keeps a cart over a kill, and its audit page says who did what', async () => {
  const dir = join(temporary(), 'data')
  const first = await open(dir)
  const ada = new Browser()
  expect(await ada.post(`${first.url}/cart`, { item: 'tea' })).toBe(403)
  await ada.post(`${first.url}/login`, { user: 'ada' })
  await ada.post(`${first.url}/cart`, { item: '<b>tea</b>' })
  expect(await ada.get(first.url)).toContain('&lt;b>tea&lt;/b>')
  first.child.kill('SIGKILL')
  await once(first.child, 'exit')

  const { child, url } = await open(dir)
  expect(await ada.get(url)).toContain('Hello, ada.')
  const bob = new Browser()
  await bob.post(`${url}/login`, { user: 'bob' })
  await bob.post(`${url}/cart`, { item: 'milk' })
  await ada.post(`${url}/logout`)
  expect(await ada.get(url)).not.toContain('Hello')
  const audit = await bob.get(`${url}/audit`)
  const rows = [...audit.matchAll(/<tr><td>[^<]*<td>([^<]*)<td>([^<]*)<td>[0-9a-f]{8}<td>([^<]*)/g)]
  expect(rows.map(([, who, what]) => [who, what])).toEqual([
    ['ada', 'deleted'],
    ['bob', 'saved'],
    ['bob', 'saved'],
    ['ada', 'saved'],
    ['ada', 'saved'],
  ])
  expect(rows[1]![3]).toContain('milk')
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})
