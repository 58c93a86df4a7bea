import { cpSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fresh, task } from '../fresh.ts'
import {
  DOCUMENTS,
  type Documents,
  documentsDir,
  HISTORY,
  QUICK_DOCUMENTS,
  QUICK_HISTORY,
  storeDir,
} from '../history.ts'
import { atLeast, type Bench, type Measure, type Row } from '../measure.ts'
import { discard, scratch } from '../places.ts'
import type { Input } from '../tasks/hash-events.ts'
import type { Verified } from '../tasks/verify-store.ts'
import { inTurn, prepareStore, sizeOf } from './opening.ts'

const verify = task<{ dir: string }, Verified>('verify-store')
const hash = task<Input, Verified>('hash-events')
const buildDocuments = task<Documents, null>('build-documents')

/** Every byte of every event is hashed in both; verify() also decodes, folds, links and compares. */
export const verifyRow: Row = {
  name: 'verify',
  about: 'verify(), beside a bare loop that hashes the same events: many small ones, and large states',
  async run(bench: Bench): Promise<Measure[]> {
    const history = bench.quick ? QUICK_HISTORY : HISTORY
    const documents = bench.quick ? QUICK_DOCUMENTS : DOCUMENTS
    await prepareStore(bench, history)
    await prepareDocuments(bench, documents)
    const small = withoutSnapshots(storeDir(history))
    const large = withoutSnapshots(documentsDir(documents))
    const measures: Measure[] = []
    for (const [name, dir, log] of [
      [sizeOf(history), storeDir(history), small],
      [nameOf(documents), documentsDir(documents), large],
    ] as const) {
      measures.push(await line(bench, `verify(), ${name}, without snapshots`, log, 'memory'))
      measures.push(await line(bench, `verify(), ${name}, without snapshots`, log, 'disk'))
      measures.push(await line(bench, 'the same, with snapshots', dir, 'disk'))
    }
    for (const dir of [small, large]) discard(dir)
    return measures
  },
}

const AGAINST = {
  memory: 'a bare loop of SHA-256 over events in memory',
  disk: 'a bare loop that reads what it hashes, too',
}

async function line(bench: Bench, measure: string, dir: string, from: Input['from']): Promise<Measure> {
  const against = AGAINST[from]
  bench.say(`${measure}: ${against}`)
  const ours = { work: verify, input: { dir } }
  const rate = ({ events, elapsedMs }: Verified): number => (events / elapsedMs) * 1000
  const { a, b, ratio } = await inTurn(bench, ours, { work: hash, input: { dir, from } }, rate)
  return { measure, unit: 'events/s', ours: a, against, peer: b, ratio, must: atLeast(0.5) }
}

/** A copy of the log alone. */
function withoutSnapshots(dir: string): string {
  const copy = scratch('verify')
  cpSync(join(dir, 'log'), join(copy, 'log'), { recursive: true })
  mkdirSync(join(copy, 'sessions_v3'))
  return copy
}

async function prepareDocuments(bench: Bench, documents: Documents): Promise<void> {
  if (!bench.rebuild && existsSync(documentsDir(documents))) return
  bench.say(`Building a store: ${nameOf(documents)}`)
  await fresh(buildDocuments, documents)
}

function nameOf({ sessions, events }: Documents): string {
  return `${sessions.toLocaleString('en')} documents of 10 to 100 kB, ${events.toLocaleString('en')} events`
}
