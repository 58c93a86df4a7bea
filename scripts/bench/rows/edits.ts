import { performance } from 'node:perf_hooks'
import { quantile } from '../figures.ts'
import { atMost, type Bench, type Measure, type Row } from '../measure.ts'
import { discard, scratch } from '../places.ts'
import { alternate, compared } from '../rounds.ts'
import { loadStore, type Store } from '../sessionlog.ts'
import { initialState, type State } from '../workload.ts'

/** Both sessions have this shape, so that the edit is the same. */
interface Book {
  pages: { entries: State[] }[]
}

const GROUP = 100
const AGAINST = 'the same edit in a 1 kB session'

export const editRow: Row = {
  name: 'edits',
  about: 'edit() of one field in a 1 MB session, beside a 1 kB session',
  async run(bench: Bench): Promise<Measure[]> {
    const dir = scratch('edits')
    const openStore = await loadStore()
    const store = await openStore<Book>({ dir })
    await store.save('large', book(32, 32))
    await store.save('small', book(1, 1))
    const durable = await durableEdits(bench, store)
    const returns = await editReturns(bench, store)
    await store.close()
    discard(dir)
    return [durable, returns]
  },
}

function book(pages: number, entries: number): Book {
  const page = (at: number) => ({
    entries: Array.from({ length: entries }, (_, index) => initialState(at * entries + index)),
  })
  return { pages: Array.from({ length: pages }, (_, at) => page(at)) }
}

/** One field, far inside. */
class Editor {
  readonly #store: Store<Book>
  readonly #id: string
  readonly #pages: number
  #step = 0

  constructor(store: Store<Book>, id: string) {
    this.#store = store
    this.#id = id
    this.#pages = store.get(id)!.pages.length
  }

  edit(): Promise<unknown> {
    const step = ++this.#step
    const place = step % this.#pages
    return this.#store.edit(this.#id, draft => {
      draft.pages[place]!.entries[place]!.cart.total = step
    })
  }
}

async function durableEdits(bench: Bench, store: Store<Book>): Promise<Measure> {
  bench.say('edit() in bursts')
  const side = (id: string) => {
    const editor = new Editor(store, id)
    return async (sliceMs: number): Promise<number> => {
      const startMs = performance.now()
      let edits = 0
      while (performance.now() - startMs < sliceMs) {
        await Promise.all(Array.from({ length: GROUP }, () => editor.edit()))
        edits += GROUP
      }
      return ((performance.now() - startMs) / edits) * 1000
    }
  }
  const { a, b, ratio } = await alternate(side('large'), side('small'), bench.rounds, bench.sliceMs)
  const measure = 'edit() of one field in a 1 MB session, durable, bursts of 100'
  return { measure, unit: 'µs', ours: a, against: AGAINST, peer: b, ratio, must: atMost(3) }
}

async function editReturns(bench: Bench, store: Store<Book>): Promise<Measure> {
  bench.say('edit() until it returns')
  const large = new Editor(store, 'large')
  const small = new Editor(store, 'small')
  const rounds: { a: number; b: number }[] = []
  for (let round = -1; round < bench.rounds; round++) {
    const largeUs: number[] = []
    const smallUs: number[] = []
    let underWay: Promise<unknown>[] = []
    for (let step = 0; step < 500; step++) {
      const startMs = performance.now()
      underWay.push(large.edit())
      const betweenMs = performance.now()
      underWay.push(small.edit())
      smallUs.push((performance.now() - betweenMs) * 1000)
      largeUs.push((betweenMs - startMs) * 1000)
      if (underWay.length < GROUP) continue
      await Promise.all(underWay)
      underWay = []
    }
    if (round >= 0) rounds.push({ a: quantile(largeUs, 0.5), b: quantile(smallUs, 0.5) })
  }
  const { a, b, ratio } = compared(rounds)
  const measure = 'time until edit() returns, 1 MB session, p50'
  return { measure, unit: 'µs', ours: a, against: AGAINST, peer: b, ratio, must: atMost(3) }
}
