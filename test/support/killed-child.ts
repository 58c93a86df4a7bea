/**
 * A process that writes at full speed until it is killed. It gets its orders as JSON on standard input, and says on
 * standard output what was acknowledged: one line a receipt, written before anything else happens.
 */
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { hasCode } from '../../src/errors.ts'
import { openStore, type Receipt, type SessionStore } from '../../src/index.ts'
import { stringifyState } from '../../src/state/tagged-json.ts'
import { Chance } from './damage.ts'

export interface Orders {
  readonly dir: string
  readonly seed: number
  /** Makes what this process writes different from what others wrote before. */
  readonly round: number
  readonly durability: 'sync' | 'buffered'
  readonly rebuild: boolean
  /** Compacts all the while. */
  readonly compacting: boolean
  /** Closes the store after as many receipts; 0 is never. */
  readonly closeAfter: number
  /** Writes of others that were acknowledged: each is tried again, and must be known. */
  readonly known: readonly KnownWrite[]
}

export interface KnownWrite {
  readonly id: string
  readonly version: number
  readonly hash: string
  readonly eventId: string
  readonly data: unknown
}

/** What it says: a word, and what goes with it. */
export type Line =
  | ['opening' | 'open' | 'compacting' | 'closing' | 'closed']
  | ['trying', sessionId: string, eventId: string, data: Mark, state: string]
  | ['acked', sessionId: string, version: number, position: number, hash: string]
  | ['wrong', what: string]

/** Who was not killed by then will not be: it closes, and the round fails instead of going on for ever. */
const ACKS_MAX = 50_000

/** What each event says of itself, in its `data`. */
export interface Mark {
  /** Of the state after it; left out for a delete. */
  readonly digest?: string
  /** How many events its commit has, where they were written together. */
  readonly together?: number
}

interface State {
  n: number
  text: string
  items: { n: number }[]
  [more: string]: unknown
}

const IDS = [
  ...Array.from({ length: 24 }, (_, i) => `s${i}`),
  ...['S0', 'a/b/../c', '名前 𝒳', 'con', `long ${'x'.repeat(300)}`, 'nul\0in it', '%00', 's0 '],
]

export function digestOf(state: unknown): string {
  return createHash('sha256').update(stringifyState(state)).digest('base64')
}

class Child {
  readonly #orders: Orders
  readonly #chance: Chance
  readonly #store: SessionStore<State>
  /** What each session's state has to be, told apart from the store. */
  readonly #states = new Map<string, State>()
  #written = 0
  #acked = 0

  constructor(orders: Orders, store: SessionStore<State>) {
    this.#orders = orders
    this.#chance = new Chance(orders.seed)
    this.#store = store
    for (const id of store.ids()) this.#states.set(id, structuredClone(store.get(id)) as State)
  }

  async run(): Promise<void> {
    await Promise.all(this.#orders.known.map(write => this.#tryAgain(write)))
    const compacting = this.#orders.compacting ? this.#compact() : undefined
    const { closeAfter } = this.#orders
    while (this.#acked < (closeAfter || ACKS_MAX)) {
      const size = 1 + this.#chance.below(this.#orders.compacting ? 12 : this.#chance.of([1, 20, 300]))
      await Promise.all(Array.from({ length: size }, () => this.#write()))
    }
    for (let i = 0; i < 50; i++) void this.#write()
    say(['closing'])
    await this.#store.close()
    await compacting
    say(['closed'])
  }

  async #compact(): Promise<void> {
    while (this.#store.status === 'open') {
      say(['compacting'])
      await this.#store.compact({ full: this.#chance.once(4) }).catch(unlessClosing)
    }
  }

  async #tryAgain({ id, version, hash, eventId, data }: KnownWrite): Promise<void> {
    const recipe = () => say(['wrong', `The event id ${eventId} of '${id}' is not known any more`])
    const receipt = await this.#store.edit(id, recipe, { eventId, data })
    if (receipt.version !== version || receipt.hash !== hash || !receipt.deduplicated)
      say(['wrong', `The event id ${eventId} of '${id}' has another receipt`])
  }

  async #write(): Promise<void> {
    const id = this.#chance.of(IDS)
    switch (this.#chance.below(8)) {
      case 0:
        return this.#delete(id)
      case 1:
        return this.#together()
      case 2:
      case 3:
        return this.#save(id)
    }
    return this.#states.has(id) ? this.#edit(id) : this.#save(id)
  }

  async #save(id: string): Promise<void> {
    const state = this.#fresh()
    this.#states.set(id, state)
    const options = this.#options({ digest: digestOf(state) })
    if (options.eventId !== undefined)
      say(['trying', id, options.eventId, options.data, stringifyState(state)])
    const receipt = this.#store.save(id, state, options)
    // One that is still on its way, tried again, is the same write.
    const again =
      options.eventId === undefined ? receipt : this.#store.save(id, structuredClone(state), options)
    this.#note(await receipt)
    if ((await again).hash !== (await receipt).hash)
      say(['wrong', `'${id}' was written twice under one event id`])
  }

  async #edit(id: string): Promise<void> {
    const state = this.#changed(id)
    const options = this.#options({ digest: digestOf(state) })
    this.#note(await this.#store.edit(id, draft => change(draft as State, state.n), options))
  }

  async #delete(id: string): Promise<void> {
    this.#states.delete(id)
    const receipt = await this.#store.delete(id)
    if (receipt !== undefined) this.#note(receipt)
  }

  async #together(): Promise<void> {
    const ids = [...new Set([0, 0, 0, 0].map(() => this.#chance.of(IDS)))]
    const items = ids.map(id => {
      const edit = this.#states.has(id) && this.#chance.once(2)
      const state = edit ? this.#changed(id) : this.#fresh()
      this.#states.set(id, state)
      const data = { digest: digestOf(state), together: ids.length } satisfies Mark
      return edit ? { id, data, edit: (draft: State) => change(draft, state.n) } : { id, data, state }
    })
    const correlationId = `${this.#orders.round}/${this.#written}`
    for (const receipt of await this.#store.saveAll(items, { correlationId })) this.#note(receipt)
  }

  #fresh(): State {
    const n = ++this.#written
    const words = Array.from({ length: this.#chance.below(60) }, () =>
      this.#chance.below(2 ** 31).toString(36),
    )
    return {
      n,
      text: words.join(' '),
      items: [],
      ...(this.#chance.once(4) && {
        at: new Date(n),
        seen: new Map([[n, new Set([n])]]),
        raw: new Uint8Array([n % 256]),
      }),
    }
  }

  #changed(id: string): State {
    const state = structuredClone(this.#states.get(id)!)
    change(state, ++this.#written)
    this.#states.set(id, state)
    return state
  }

  #options(data: Mark): { data: Mark; eventId?: string } {
    return this.#chance.once(4) ? { data, eventId: `${this.#orders.round}/${this.#written}` } : { data }
  }

  #note({ sessionId, version, position, hash }: Receipt): void {
    this.#acked++
    say(['acked', sessionId, version, position, hash])
  }
}

function unlessClosing(error: unknown): void {
  if (!hasCode(error, 'SESSIONLOG_NOT_OPEN')) throw error
}

/** What an edit does, to a draft and to a copy alike. */
function change(state: State, n: number): void {
  state.n = n
  state.items.unshift({ n })
  if (state.items.length > 15) state.items.splice(3, 10)
  state.text = `${state.text.slice(0, 7)}${n}${state.text.slice(7, 400)}`
}

function say(line: Line): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(1, bytes, written)
    } catch (error) {
      // Nobody reads fast enough, or nobody is there any more.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') process.exit(1)
    }
  }
}

async function main(): Promise<void> {
  const given = await text(process.stdin)
  if (given === '') return
  const orders = JSON.parse(given) as Orders
  const { dir, durability, rebuild } = orders
  say(['opening'])
  const store = await openStore<State>({ dir, durability, rebuild, compactEvery: 0, syncIntervalMs: 5 })
  say(['open'])
  await new Child(orders, store).run()
}

if (process.argv[1] === import.meta.filename) await main()
