import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { parseLine } from '../../src/cli/import-line.ts'
import { decode } from '../../src/importers/lines.ts'
import { ndjson, sessionlog, temporary, withStore } from './cli.ts'

const shared = fileURLToPath(new URL('../../../shared', import.meta.url))
const workloads = join(shared, 'workloads')
const parsing = join(shared, 'conformance/JSONTestSuite/test_parsing')
const naughty = join(shared, 'conformance/naughty-strings/blns.json')

const absent = (path: string) => (existsSync(path) ? '' : ` (skipped: ${path} is absent)`)

describe.skipIf(absent(workloads))(`workloads${absent(workloads)}`, () => {
  test.each([
    'cart-otto',
    'doc-mdn-bcd',
    'stream-rrweb-demo',
  ])('%s comes back from an export of an import', async name => {
    const dir = temporary()
    const file = `${name}.ndjson.gz`
    expect((await sessionlog(['import', join(workloads, file), '--dir', dir])).code).toBe(0)
    const exported = await sessionlog(['export', '--dir', dir])
    const said = ({ session, at, actor, state }: Record<string, unknown>) =>
      JSON.stringify([session, at ?? null, actor ?? null, state])
    const lines = gunzipSync(readFileSync(join(workloads, file)))
      .toString()
      .trimEnd()
      .split('\n')
    expect(exported.json.length).toBe(lines.length)
    const first = exported.json.findIndex((line, index) => said(line) !== said(JSON.parse(lines[index]!)))
    expect(first).toBe(-1)
    const expected = JSON.parse(readFileSync(join(workloads, 'expected.json'), 'utf8'))[file]
    expect(await digest(dir)).toBe(expected.sha256OfFinalStates)
  })

  test('a file of text patches is refused', async () => {
    const dir = join(temporary(), 'data')
    const { code } = await sessionlog([
      'import',
      join(workloads, 'text-sveltecomponent.ndjson.gz'),
      '--dir',
      dir,
    ])
    expect(code).toBe(5)
    expect(existsSync(dir)).toBe(false)
  })
})

function digest(dir: string): Promise<string> {
  return withStore(dir, async store => {
    const states = [...store.ids()].sort().map(id => `${id}\t${JSON.stringify(store.get(id))}`)
    return createHash('sha256').update(states.join('\n')).digest('hex')
  })
}

describe.skipIf(absent(parsing))(`JSONTestSuite${absent(parsing)}`, () => {
  const names = existsSync(parsing) ? readdirSync(parsing) : []
  const read = (name: string) => readFileSync(join(parsing, name))
  /** A line with the file's bytes as its state. */
  const lineOf = (name: string, raw: Buffer) =>
    Buffer.concat([Buffer.from(`{"session":${JSON.stringify(name)},"state":`), raw, Buffer.from('}\n')])
  /** In valid JSON an end of line is white space: in a string it is escaped. */
  const flat = (raw: Buffer) => Buffer.from(raw.toString('latin1').replaceAll(/[\r\n]/g, ' '), 'latin1')

  test('every y_ file imports and comes back equal', async () => {
    const valid = names.filter(name => name.startsWith('y_'))
    expect(valid.length).toBeGreaterThan(90)
    const dir = temporary()
    const input = Buffer.concat(valid.map(name => lineOf(name, flat(read(name)))))
    expect((await sessionlog(['import', '-', '--dir', dir], { input })).code).toBe(0)
    await withStore(dir, async store => {
      expect(store.size).toBe(valid.length)
      for (const name of valid) expect(store.get(name)).toStrictEqual(JSON.parse(read(name).toString()))
    })
  })

  test('every n_ file is refused, each by itself and all of them beside a good line', async () => {
    const invalid = names.filter(name => name.startsWith('n_'))
    expect(invalid.length).toBeGreaterThan(180)
    for (const name of invalid) {
      const line = lineOf(name, read(name)).subarray(0, -1)
      expect(() => parseLine(decode(line)), name).toThrow(
        expect.objectContaining({ code: 'SESSIONLOG_INVALID_ARGUMENT' }),
      )
    }
    const dir = temporary()
    const input = Buffer.concat([
      Buffer.from(ndjson({ session: 'good', state: 1 })),
      ...invalid.map(name => lineOf(name, read(name))),
    ])
    expect((await sessionlog(['import', '-', '--dir', join(dir, 'none')], { input })).code).toBe(5)
    expect(existsSync(join(dir, 'none'))).toBe(false)
    const { code, json } = await sessionlog(['import', '-', '-k', '--dir', dir, '--json'], { input })
    expect(code).toBe(6)
    expect(json[0].saved).toBe(1)
    expect(json[0].refused).toBeGreaterThanOrEqual(invalid.length)
  })
})

test.skipIf(absent(naughty))(
  `naughty strings as ids, actors, keys and values come back from an export${absent(naughty)}`,
  async () => {
    const strings: string[] = JSON.parse(readFileSync(naughty, 'utf8'))
    const lines = strings.map((text, index) => ({
      session: text === '' ? `empty-${index}` : text,
      actor: text,
      reason: text,
      state: { [text]: text, list: [text] },
    }))
    const dir = temporary()
    expect((await sessionlog(['import', '-', '--dir', dir], { input: ndjson(...lines) })).code).toBe(0)
    const { json } = await sessionlog(['export', '--dir', dir])
    expect(json.map(({ session, actor, reason, state }) => ({ session, actor, reason, state }))).toEqual(
      lines,
    )
    const argument = strings
      .filter(text => text !== '' && !text.includes('\0'))
      .slice(0, 500)
      .at(-7)!
    const { code, json: shown } = await sessionlog(['show', '--json', '--dir', dir, '--', argument])
    expect(code).toBe(0)
    expect(shown).toMatchObject([{ session: argument }])
    expect((await sessionlog(['ls', '-l', '--dir', dir])).code).toBe(0)
    await withStore(dir, async store => {
      await store.compact()
      expect(await store.verify()).toMatchObject({ ok: true })
    })
  },
)
