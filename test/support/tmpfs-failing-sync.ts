/**
 * A process whose disk is made to fail from outside. It writes until the store stops, or all is written, and says on
 * standard output how each write ended.
 */
import { hasCode } from '../../src/errors.ts'
import { openStore, type Receipt, type SessionStore } from '../../src/index.ts'

export interface Outcome {
  /** The code of the error that open() rejected with. */
  readonly refused?: string | undefined
  readonly acked: Receipt[]
  /** In the order of the calls. */
  readonly rejected: {
    readonly id: string
    readonly eventId: string
    readonly n: number
    readonly code: string
  }[]
  readonly status?: string | undefined
  readonly compaction?: { readonly problems: number; readonly written: number } | string | undefined
}

interface State {
  n: number
}

const WRITES = 300

async function run(dir: string, compacts: boolean): Promise<Outcome> {
  const acked: Receipt[] = []
  const rejected: Outcome['rejected'][number][] = []
  let store: SessionStore<State>
  try {
    store = await openStore<State>({ dir, compactEvery: 0 })
  } catch (error) {
    return { refused: codeOf(error), acked, rejected }
  }
  for (let n = 1; n <= WRITES; ) {
    const burst: Promise<unknown>[] = []
    for (const last = Math.min(n + (n % 7), WRITES); n <= last; n++) {
      const [id, eventId, number] = [`s${n % 4}`, `e${n}`, n]
      const saved = store.save(id, { n }, { eventId })
      burst.push(
        saved.then(
          receipt => acked.push(receipt),
          error => rejected.push({ id, eventId, n: number, code: codeOf(error) }),
        ),
      )
    }
    await Promise.all(burst)
  }
  const compaction = compacts ? await compact(store) : undefined
  const { status } = store
  // The mark of a clean close may fail to be written, too.
  await store.close().catch(codeOf)
  return { acked, rejected, status, compaction }
}

async function compact(store: SessionStore<State>): Promise<Outcome['compaction']> {
  try {
    const { problems, snapshotsWritten } = await store.compact()
    return { problems: problems.length, written: snapshotsWritten }
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): string {
  return hasCode(error) ? (error as { code: string }).code : String((error as Error).stack)
}

const [dir, compacts] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await run(dir!, compacts === 'compacts')))
