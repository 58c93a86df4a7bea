/**
 * A process that damages copies of a store and examines each, because LevelDB ends a process at some kinds of
 * damage. Says on standard output, one line of JSON each, what it found.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../src/index.ts'
import { readSnapshot } from '../../src/snapshot/snapshot.ts'
import { equal } from '../../src/state/values.ts'
import { codesOf, examine, filesIn, readContents, restore } from './damage.ts'

export interface Damage {
  /** The file's path in the store. */
  readonly file: string
  /** Where a byte is changed, and what it is XORed with. */
  readonly at: number
  readonly mask: number
}

export interface Report {
  readonly damage: Damage
  /** The code of the refusal; null where the store opened. */
  readonly refused: string | null
  /** Every code that came up: of the refusal, of a reader's errors, of what verify found. */
  readonly codes: string[]
  /** What was answered and is not what was written. */
  readonly wrong: string[]
  readonly failures: number
  /** Whether verify rejected, where it has to tell what it found. */
  readonly unverified: boolean
  readonly problems: number
  /** Errors that a session's reader got and that don't name the session. */
  readonly unnamed: string[]
  /** True where verify finds nothing, though a snapshot says something else than before. */
  readonly overlooked: boolean
  /** Known event ids that were taken for new, although all else that was read is sound. */
  readonly doubled: string[]
}

/** Where the store is that copies are made of, where the copies go, and what is to be done to each. */
interface Orders {
  readonly from: string
  readonly to: string
  readonly damages: readonly Damage[]
}

const { from, to, damages } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Orders
const files = filesIn(from)
const NOTHING = { unknown: [], errors: [] }

function copy(): void {
  rmSync(to, { recursive: true, force: true })
  restore(files, to)
}

copy()
const store = await openStore<unknown>({ dir: to, compactEvery: 0 })
const written = await readContents(store)
await store.close()

for (const damage of damages) {
  copy()
  const path = join(to, damage.file)
  const before = damage.file.startsWith('sessions_v3/') ? await readSnapshot(path) : undefined
  const bytes = Buffer.from(files.get(damage.file)!)
  bytes[damage.at]! ^= damage.mask
  writeFileSync(path, bytes)
  const finding = await examine(to, written)
  const { refused, failures, problems, wrong } = finding
  const ofSessions = [...failures].filter(([name]) => /^(history|stateAt)/.test(name))
  const unnamed = ofSessions.filter(([name, error]) => !name.includes(`(${error.sessionId}`))
  // An expiry moves without an event: nobody can say of an old one that it is wrong.
  const after = before && (await readSnapshot(path).catch(() => undefined))
  const same = after === undefined || equal({ ...after, expiresAt: 0 }, { ...before, expiresAt: 0 })
  const { unknown, errors } = refused === undefined ? await tryAgain() : NOTHING
  const report: Report = {
    damage,
    refused: refused?.code ?? null,
    codes: [...new Set([...codesOf(finding), ...errors])],
    wrong,
    failures: failures.size,
    unverified: failures.has('verify()'),
    problems: problems.length,
    unnamed: unnamed.map(([name, error]) => `${name}: ${error.message}`),
    doubled: problems.length + failures.size === 0 ? unknown : [],
    overlooked: problems.length === 0 && !same,
  }
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

/** Writes all that has an event id once more: which ids are not known any more, and the codes of refusals. */
async function tryAgain(): Promise<{ unknown: string[]; errors: string[] }> {
  const unknown: string[] = []
  const errors: string[] = []
  const store = await openStore<unknown>({ dir: to, compactEvery: 0 })
  for (const [id, { events, states }] of written.sessions) {
    for (const { eventId, version, hash } of events) {
      if (eventId === undefined) continue
      try {
        const receipt = await store.save(id, states[version], { eventId })
        if (!receipt.deduplicated) unknown.push(`${eventId} of '${id}'`)
        else if (receipt.hash !== hash) errors.push('another receipt')
      } catch (error) {
        errors.push((error as { code: string }).code)
      }
    }
  }
  await store.close()
  return { unknown, errors }
}
