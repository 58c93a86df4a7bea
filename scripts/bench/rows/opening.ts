import { existsSync } from 'node:fs'
import { fresh, type Task, task } from '../fresh.ts'
import {
  framesFile,
  HISTORY,
  type History,
  LONG_HISTORY,
  QUICK_HISTORY,
  QUICK_LONG_HISTORY,
  stateFilesDir,
  statesFile,
  storeDir,
} from '../history.ts'
import { atLeast, atMost, type Bench, type Bound, type Measure, type Row } from '../measure.ts'
import { type Comparison, compared } from '../rounds.ts'
import type { Opened } from '../tasks/memory.ts'
import type { Input as OpenInput } from '../tasks/open-store.ts'

const build = task<History, { savingS: number; compactingS: number }>('build-store')
const buildFiles = task<History, null>('build-files')
const open = task<OpenInput, Opened>('open-store')
const parse = task<{ file: string }, Opened>('parse-states')
const readFiles = task<{ dir: string }, Opened>('read-files')
const replay = task<{ file: string }, Opened>('replay-frames')

export const openRow: Row = {
  name: 'open',
  about: 'open() of a compacted store, beside JSON and with ten times the history (built once: minutes)',
  async run(bench: Bench): Promise<Measure[]> {
    const history = bench.quick ? QUICK_HISTORY : HISTORY
    const long = bench.quick ? QUICK_LONG_HISTORY : LONG_HISTORY
    await prepare(bench, history)
    const measure = `open(), ${sizeOf(history)}, compacted`
    const ours = { work: open, input: { dir: storeDir(history) } }
    const line = async <I>(
      against: string,
      must: Bound,
      work: Task<I, Opened>,
      input: I,
    ): Promise<Measure> => {
      bench.say(`${measure}: ${against}`)
      const rate = ({ sessions, elapsedMs }: Opened): number => (sessions / elapsedMs) * 1000
      const { a, b, ratio } = await inTurn(bench, ours, { work, input }, rate)
      return { measure, unit: 'sessions/s', ours: a, against, peer: b, ratio, must }
    }
    const measures = [
      await line('JSON.parse of one file', atLeast(1.5), parse, { file: statesFile(history) }),
      await line(`${history.sessions.toLocaleString('en')} JSON files`, atLeast(4), readFiles, {
        dir: stateFilesDir(history),
      }),
    ]
    await prepareStore(bench, long)
    bench.say(`open(), ${sizeOf(long)}`)
    const longer = { work: open, input: { dir: storeDir(long) } }
    const { a, b, ratio } = await inTurn(bench, longer, ours, ({ elapsedMs }) => elapsedMs)
    const against = `open() with ${history.events.toLocaleString('en')} events`
    measures.push({
      measure: `open(), ${sizeOf(long)}, compacted`,
      ...{ unit: 'ms', ours: a, against, peer: b, ratio, must: atMost(1.2) },
    })
    return measures
  },
}

export const rebuildRow: Row = {
  name: 'rebuild',
  about: 'the same store from its log alone, beside a raw file of CBOR frames',
  async run(bench: Bench): Promise<Measure[]> {
    const history = bench.quick ? QUICK_HISTORY : HISTORY
    await prepare(bench, history)
    bench.say('rebuilt from the log alone')
    const ours = { work: open, input: { dir: storeDir(history), rebuild: true } }
    const theirs = { work: replay, input: { file: framesFile(history) } }
    const rate = ({ elapsedMs }: Opened): number => (history.events / elapsedMs) * 1000
    const { a, b, ratio } = await inTurn(bench, ours, theirs, rate)
    const against = 'decoding and applying CBOR frames'
    const measure = `rebuilt from the log alone, ${sizeOf(history)}`
    return [{ measure, unit: 'events/s', ours: a, against, peer: b, ratio, must: atLeast(1) }]
  },
}

export const memoryRow: Row = {
  name: 'memory',
  about: 'heap and external memory after open(), and once every state has been read',
  async run(bench: Bench): Promise<Measure[]> {
    const history = bench.quick ? QUICK_HISTORY : HISTORY
    await prepare(bench, history)
    const rounds: { ours: Opened; theirs: Opened }[] = []
    for (let round = 0; round < 3; round++) {
      bench.say(`memory after open(): ${round + 1} of 3`)
      rounds.push({
        ours: await fresh(open, { dir: storeDir(history), readAll: true }),
        theirs: await fresh(parse, { file: statesFile(history) }),
      })
    }
    const line = (measure: string, bytesOf: (opened: Opened) => number, must: Bound): Measure => {
      const found = rounds.map(({ ours, theirs }) => ({ a: bytesOf(ours) / 1e6, b: theirs.bytes / 1e6 }))
      const { a, b, ratio } = compared(found)
      return {
        measure,
        unit: 'MB',
        ours: a,
        against: 'the same states from JSON.parse in a Map',
        peer: b,
        ratio,
        must,
      }
    }
    return [
      line('memory after open()', opened => opened.bytes, atMost(1)),
      line('memory once every state has been read', opened => opened.bytesOnceRead, atMost(1.3)),
    ]
  },
}

interface Work<I, O> {
  readonly work: Task<I, O>
  readonly input: I
}

/** Fresh processes in turn, after one of each that isn't counted: the files are in the page cache for both. */
export async function inTurn<A, B, O = Opened>(
  bench: Bench,
  ours: Work<A, O>,
  theirs: Work<B, O>,
  figure: (outcome: O) => number,
): Promise<Comparison> {
  const found: { a: number; b: number }[] = []
  for (let round = -1; round < (bench.quick ? 3 : 5); round++) {
    const a = figure(await fresh(ours.work, ours.input))
    const b = figure(await fresh(theirs.work, theirs.input))
    if (round >= 0) found.push({ a, b })
  }
  return compared(found)
}

async function prepare(bench: Bench, history: History): Promise<void> {
  await prepareStore(bench, history)
  if (existsSync(framesFile(history))) return
  bench.say(`Building the peers' files: ${sizeOf(history)}`)
  await fresh(buildFiles, history)
}

const built = new Set<string>()

export async function prepareStore(bench: Bench, history: History): Promise<void> {
  const dir = storeDir(history)
  if (built.has(dir)) return
  built.add(dir)
  if (!bench.rebuild && existsSync(dir)) return
  bench.say(`Building a store: ${sizeOf(history)}`)
  const { savingS, compactingS } = await fresh(build, history)
  bench.say(`Built: ${savingS.toFixed(0)} s of saves, ${compactingS.toFixed(0)} s of compaction`)
}

export function sizeOf({ sessions, events }: History): string {
  return `${sessions.toLocaleString('en')} sessions of 1 kB, ${events.toLocaleString('en')} events`
}
