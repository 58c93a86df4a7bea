/** Walks through the guide: each command on what the stores left, each program as it stands. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { EJSON } from 'bson'
import { expect, test } from 'vitest'
import { ndjson, sessionlog, temporary } from '../cli/cli.ts'

const guide = readFileSync('docs/guides/move-in-and-out.md', 'utf8')
const FIXTURE = 'test/fixtures/importers/session-file-store'
const [redisProgram = '', importProgram = ''] = blocks('js')

function blocks(language: string): string[] {
  return [...guide.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, name, text]) =>
    name === language ? [text!] : [],
  )
}

const session = (n: number) =>
  JSON.stringify({ cookie: { path: '/', expires: '2080-01-01T00:00:00.000Z' }, n })
const LATER = Date.UTC(2080, 0, 1)

/** What stands in for Redis: two keys, one of which ends while it is read. */
const REDIS = `
const values = { 'sess:r1': ${JSON.stringify(session(1))}, 'sess:gone': null }
const client = {
  async *scanIterator({ MATCH }) { if (MATCH === 'sess:*') yield Object.keys(values) },
  get: async key => values[key],
  pTTL: async key => (values[key] === null ? -2 : 3_600_000),
  close: async () => {},
}
export const createClient = () => ({ connect: async () => client })
`

function runProgram(folder: string, name: string, source: string): string {
  writeFileSync(join(folder, name), source)
  const args = ['--import', import.meta.resolve('tsx'), name]
  return execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
}

test('every command of "move in, and out again" runs, and so does every program', async () => {
  const folder = temporary()
  mkdirSync(join(folder, 'sessions'))
  for (const name of ['Xk3_9pQw-VbT2mZ.json', 'nOcart00000.json'])
    copyFileSync(join(FIXTURE, name), join(folder, 'sessions', name))
  writeFileSync(
    join(folder, 'sqlite.json'),
    `[${ndjson({ sid: 's1', expired: LATER, sess: session(1) }).trim()}]\n`,
  )
  const document = { _id: 'm1', expires: new Date(LATER), session: session(1) }
  writeFileSync(join(folder, 'mongo.ndjson'), `${EJSON.stringify(document, { relaxed: false })}\n`)
  writeFileSync(join(folder, 'redis.mjs'), REDIS)
  const dump = runProgram(folder, 'dump.mjs', redisProgram.replace("'redis'", "'./redis.mjs'"))
  writeFileSync(join(folder, 'redis.ndjson'), dump)

  const printed: string[] = []
  for (const line of blocks('sh').join('').trimEnd().split('\n')) {
    const [command = '', file] = line.split(' > ')
    const [runner, program, ...args] = command.split(' ')
    expect([runner, program]).toEqual(['npx', 'sessionlog'])
    const { code, stdout, stderr } = await sessionlog(args, { cwd: folder })
    expect([code, stderr], line).toEqual([0, ''])
    if (file !== undefined) writeFileSync(join(folder, file), stdout)
    printed.push(stdout)
  }
  const [dry, files, audit, ...dumps] = printed
  expect(dry).toMatch(/^Would import 2 sessions, in/)
  expect(files).toMatch(/^Imported 2 sessions, in/)
  expect(audit).toMatch(/import[\s\S]*nOcart00000/)
  for (const each of dumps.slice(0, 3)) expect(each).toMatch(/^Imported 1 session, in/)

  const ids = readFileSync(join(folder, 'out.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line)._id)
  expect(ids).toEqual(['Xk3_9pQw-VbT2mZ', 'm1', 'nOcart00000', 'r1', 's1'])

  const source = importProgram
    .replace("'sessionlog'", `'${pathToFileURL(resolve('src/index.ts'))}'`)
    .replace("'sessionlog/import'", `'${pathToFileURL(resolve('src/importers/import-sessions.ts'))}'`)
  expect(runProgram(folder, 'program.mjs', source)).toBe('0 1 []\n')
})
