import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { sessionlog, temporary, withStore } from './cli.ts'

const naughty = fileURLToPath(
  new URL('../../../shared/conformance/naughty-strings/blns.json', import.meta.url),
)
const absent = existsSync(naughty) ? '' : ` (skipped: ${naughty} is absent)`

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there.
const ACTING = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

/** One session a string, with it as id, actor, reason, key and value; and one session that takes them all in turn. */
async function makeStore(strings: readonly string[]): Promise<string> {
  const dir = temporary()
  await withStore(dir, async store => {
    for (const [index, text] of strings.entries()) {
      const options = { actor: text, reason: text, type: text === '' ? 'none' : `.${text}`, data: text }
      void store.save(text === '' ? `empty-${index}` : text, { [text]: text }, options)
      void store.save('all at once', { [text]: text, list: [text] }, options)
    }
    void store.save('all at once', Object.fromEntries(strings.map(text => [text, text])))
  })
  return dir
}

describe.skipIf(absent)(`naughty strings${absent}`, () => {
  const strings: string[] = [...(absent ? [] : JSON.parse(readFileSync(naughty, 'utf8'))), '\x1b[31m\x9b2J']
  const session = 'all at once'
  const last = `${strings.length + 1}`

  test.each([
    ['audit'],
    ['audit', '--json'],
    ['audit', '--format', 'cloudevents'],
    ['tail', '-n', '2000'],
    ['diff', session, '100', last],
    ['diff', session, '100', last, '--json'],
    ['diff', session, '100', last, '--patch'],
    ['blame', session],
    ['blame', session, '/list/0', '--at', '400'],
    ['blame', session, '/list/0', '--at', '400', '--json'],
    ['replay', session],
    ['replay', session, '--json'],
    ['bisect', session, '--expr', 'event.version > 300'],
    ['bisect', session, '--expr', 'event.version > 300', '--json'],
  ])('do not act on the terminal through %s %s %s %s %s', async (...args) => {
    const dir = await makeStore(strings)
    const { code, stdout, stderr } = await sessionlog([...args, '--dir', dir])
    expect(code).toBe(0)
    expect(stdout.length).toBeGreaterThan(20)
    expect(stdout + stderr).not.toMatch(ACTING)
  })

  test('come back from the attributes and the data of CloudEvents', async () => {
    const dir = await makeStore(strings)
    const { json } = await sessionlog(['audit', '--format', 'cloudevents', '--dir', dir])
    expect(json.filter(({ data }) => data.sessionId !== session).map(({ data }) => data.actor)).toEqual(
      strings,
    )
    for (const { subject, type } of json) expect(subject + type).not.toMatch(/[\p{Cc}\p{Cs}]/u)
  })

  test('are found as arguments', async () => {
    const dir = await makeStore(strings)
    const arguments_ = strings.filter(text => text.trim() !== '' && !text.includes('\0')).slice(-4)
    for (const text of arguments_) {
      const { json } = await sessionlog([
        ...['audit', `--actor=${text}`, `--session=${text}`, '--json', '--dir', dir],
      ])
      expect(json).toMatchObject([{ sessionId: text, actor: text }])
      const blamed = await sessionlog(['blame', '--json', '--dir', dir, '--', text])
      expect(blamed.json).toMatchObject([{ version: 1, actor: text }])
    }
  })
})
