/**
 * Packs the package, installs the tarball into an empty project, and uses it there: the store by its import, the
 * command line by its name, each adapter with its framework alone. Then asks publint and attw what they think of it. Run by `npm test`.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { useEachAlone } from './packed-adapters.ts'

const PROGRAM = `
import { openStore } from 'sessionlog'
import { importSessions } from 'sessionlog/import'
import { verifyProof } from 'sessionlog/verify'
if (typeof verifyProof !== 'function') throw new Error('The verifier is not in the package')
const dry = await importSessions({ from: 'connect-redis', source: (async function* () {})(), dryRun: true })
if (dry.records !== 0) throw new Error('The importer is not in the package')
const store = await openStore({ dir: 'data' })
const receipt = await store.save('cart-42', { items: ['tea'] }, { actor: 'ada' })
await store.compact()
const { ok } = await store.verify()
await store.close()
if (!ok || receipt.version !== 1 || receipt.durability !== 'synced') throw new Error('The installed package is wrong')
`

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
const project = mkdtempSync(join(tmpdir(), 'sessionlog-package-'))
try {
  const tarball = pack()
  writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }')
  writeFileSync(join(project, 'program.mjs'), PROGRAM)
  run(npm, ['install', '--no-audit', '--no-fund', tarball], project)
  run(process.execPath, ['program.mjs'], project)
  const state = run(
    'npx',
    ['--no-install', 'sessionlog', 'show', 'cart-42', '--dir', 'data', '--json'],
    project,
  )
  if (!state.includes('tea')) throw new Error(`The installed command line said: ${state}`)
  useEachAlone(tarball, project, npm)
  run('npx', ['--no-install', 'publint', 'run', tarball, '--strict'], '.')
  run('npx', ['--no-install', 'attw', tarball, '--profile', 'esm-only'], '.')
  console.log('The packed package installs, runs, and is well formed.')
} finally {
  rmSync(project, { recursive: true, force: true })
}

function pack(): string {
  // The build is a step of its own before this one.
  const [packed] = JSON.parse(
    run(npm, ['pack', '--json', '--ignore-scripts', '--pack-destination', project], '.'),
  )
  const tarball = resolve(project, packed.filename)
  const names: string[] = packed.files.map((file: { path: string }) => file.path)
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8'))
  for (const file of ['dist/index.js', 'dist/index.d.ts', bin.sessionlog, 'LICENSE', 'README.md']) {
    if (!names.includes(file)) throw new Error(`The package lacks ${file}`)
  }
  return tarball
}

function run(command: string, args: readonly string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}
