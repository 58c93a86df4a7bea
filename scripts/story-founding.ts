import { readFile, stat } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { EXIT, type ExitCode } from '../src/cli/exit-code.ts'
import { printTable } from '../src/cli/history.ts'
import type { Output } from '../src/cli/output.ts'
import { formatBytes, formatCount, formatDuration, plural } from '../src/cli/text.ts'
import { openStore, type Receipt, type SessionStore } from '../src/index.ts'
import { snapshotPath } from '../src/snapshot/snapshot.ts'
import { killInMidBurst } from './story-kill.ts'

/** What the story's one session holds. */
export interface Story {
  /** How many saves each caller has made. */
  readonly saves: Readonly<Record<string, number>>
  readonly last: string
}

export const STORY = 'founding-story'
const CALLERS = ['ann', 'ben', 'cleo', 'dan', 'eve', 'finn', 'gus', 'hana', 'ivo', 'june']
const SAVES_EACH = 100
const FILE_LINES = 13

type Store = SessionStore<Story>

/** Saves as one caller; whoever reads next sees it. */
export function saveAs(store: Store, caller: string, reason?: string): Promise<Receipt> {
  const { saves = {} } = store.get(STORY) ?? {}
  const count = (saves[caller] ?? 0) + 1
  const state = { saves: { ...saves, [caller]: count }, last: caller }
  return store.save(STORY, state, { actor: caller, type: 'counted', ...(reason !== undefined && { reason }) })
}

/** Tells the story in a directory. Every number is measured as it runs; what is not as it should be ends it with 1. */
export async function tellStory(dir: string, out: Output): Promise<ExitCode> {
  const { bold, green, red } = out.colors
  const chapter = async (title: string) => {
    await out.line(`\n${bold(title)}`)
    await out.flush()
  }
  const check = async (holds: boolean, text: string) => {
    await out.line(`  ${holds ? green('✓') : red('✗')} ${text}`)
    await out.flush()
    return holds
  }
  const results: boolean[] = []

  await chapter(`${CALLERS.length} callers, ${SAVES_EACH} rapid saves each, one session`)
  const before = await withStore(dir, async store => {
    results.push(await check(...(await saveAtOnce(store))))
    return store.version(STORY)
  })

  await chapter('A process is killed in the middle of a burst')
  const killed = await killInMidBurst(dir)
  await out.line(
    `  process ${killed.pid} saved at full speed until SIGKILL, ${formatDuration(killed.ms)} later`,
  )

  return withStore(dir, async store => {
    results.push(await check(...(await compareAcknowledged(store, before, killed.acknowledged))))

    await chapter('Who, when, what changed')
    await printTrail(store, before, out)

    await chapter('Compaction writes the state as readable JSON')
    await store.compact()
    await printSnapshot(dir, out)

    await chapter('Everything is read back and checked')
    const report = await store.verify()
    const { position, sessions, durationMs, problems } = report
    const read = `${plural(position, 'event')} of ${plural(sessions, 'session')} in ${formatDuration(durationMs)}`
    results.push(await check(report.ok, `verify: ${read}, ${plural(problems.length, 'problem')}`))
    return results.every(Boolean) ? EXIT.OK : EXIT.NO
  })
}

/** None of the callers waits for the disk, or for another. */
async function saveAtOnce(store: Store): Promise<[boolean, string]> {
  const first = store.version(STORY) + 1
  const counted = { ...store.get(STORY)?.saves }
  const startedAt = performance.now()
  let visibleMs = 0
  const perCaller = CALLERS.map(async caller => {
    const receipts: Promise<Receipt>[] = []
    for (let i = 0; i < SAVES_EACH; i++) {
      const calledAt = performance.now()
      receipts.push(saveAs(store, caller))
      visibleMs += performance.now() - calledAt
      // Lets the next caller in.
      await nextTurn()
    }
    return Promise.all(receipts)
  })
  const versions = (await Promise.all(perCaller)).flat().map(receipt => receipt.version)
  const ms = performance.now() - startedAt
  const { saves } = store.get(STORY)!
  const nothingLost = CALLERS.every(caller => saves[caller] === (counted[caller] ?? 0) + SAVES_EACH)
  const nothingTwice = versions.toSorted((a, b) => a - b).every((version, index) => version === first + index)
  const range = `versions ${formatCount(first)} to ${formatCount(store.version(STORY))}, none lost, none twice`
  const each = `${((visibleMs / versions.length) * 1000).toFixed(0)} µs`
  const speed = `each visible after ${each}, all on the disk after ${formatDuration(ms)}`
  return [nothingLost && nothingTwice, `${formatCount(versions.length)} saves: ${speed}; ${range}`]
}

/** Holds what the killed process was told against what is there, hash by hash. */
async function compareAcknowledged(
  store: Store,
  before: number,
  acknowledged: ReadonlyMap<number, string>,
): Promise<[boolean, string]> {
  let found = 0
  let more = 0
  for await (const { version, hash } of store.history(STORY, { from: before + 1 })) {
    if (acknowledged.get(version) === hash) found++
    else more++
  }
  const told = formatCount(acknowledged.size)
  const rest = `${formatCount(more)} more were on their way to it`
  const text = `${told} saves had been acknowledged to it, ${formatCount(found)} of them are there; ${rest}`
  return [found === acknowledged.size && found > 0, text]
}

async function printTrail(store: Store, before: number, out: Output): Promise<void> {
  const from = before - 2
  const state = await store.stateAt(STORY, { version: from - 1 })
  await printTable({ out }, store.history(STORY, { from, to: before + 2 }), { state })
}

async function printSnapshot(dir: string, out: Output): Promise<void> {
  const path = snapshotPath(`${dir}/sessions_v3`, STORY)
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  await out.line(`  ${path}, ${formatBytes((await stat(path)).size)}`)
  for (const line of lines.slice(0, FILE_LINES)) await out.line(out.colors.dim(`  ${line}`))
  await out.line(out.colors.dim(`  … ${lines.length - FILE_LINES} more lines`))
}

async function withStore<T>(dir: string, task: (store: Store) => Promise<T>): Promise<T> {
  const store = await openStore<Story>({ dir, compactEvery: 0 })
  try {
    return await task(store)
  } finally {
    await store.close()
  }
}
