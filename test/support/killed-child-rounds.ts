import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openStore, type SessionStore } from '../../src/index.ts'
import { parseState } from '../../src/state/tagged-json.ts'
import { Chance } from './damage.ts'
import type { Line, Orders } from './killed-child.ts'
import { type Acked, Ledger, must } from './killed-child-ledger.ts'

/** In the middle of what the process is killed. */
type Moment = 'opening' | 'saving' | 'compacting' | 'closing'
const MOMENTS: readonly Moment[] = [
  'opening',
  'saving',
  'saving',
  'saving',
  'compacting',
  'compacting',
  'closing',
]

export interface Tally {
  rounds: number
  /** Kills by what they came into the middle of; `too late` where the process had come to its end. */
  readonly kills: Record<string, number>
  acked: number
  /** Found without having been acknowledged: written, but killed before anybody was told. */
  surplus: number
  /** Temporary files that the killed left behind. */
  leftovers: number
  /** Rounds after which the next process came straight away, without a look at the store. */
  unchecked: number
  /** Writes with an event id that were tried again, those of unknown outcome among them. */
  retried: number
}

interface Counts {
  readonly acked: number
  readonly compacting: number
}

interface Trying {
  readonly id: string
  readonly eventId: string
  readonly data: unknown
  readonly state: string
}

/** Kills one process after the other in one directory after the other, and looks at what is left. */
export class Rounds {
  readonly tally: Tally = {
    rounds: 0,
    kills: {},
    acked: 0,
    surplus: 0,
    leftovers: 0,
    unchecked: 0,
    retried: 0,
  }
  readonly #chance: Chance
  readonly #acksMax: number
  /** How many rounds a directory lives. */
  readonly #lifetime: number
  #dir = ''
  #ledger = new Ledger()
  #trying: Trying[] = []
  /** The next process, which starts while the last one is looked at. */
  #next: ChildProcess | undefined

  constructor({ seed, acksMax, lifetime }: { seed: number; acksMax: number; lifetime: number }) {
    this.#chance = new Chance(seed)
    this.#acksMax = acksMax
    this.#lifetime = lifetime
  }

  /** The directory of the store under test. Kept where a round fails. */
  get dir(): string {
    return this.#dir
  }

  /** Kills at a moment of chance. */
  async run(): Promise<void> {
    const round = this.#begin()
    await this.#killAt(this.#chance.of(MOMENTS), round)
    const last = (round + 1) % this.#lifetime === 0
    if (!last && this.#chance.once(5)) this.tally.unchecked++
    else await this.#look(last)
  }

  /**
   * Kills in the middle of the `nth` call of a kind, of all that a process makes that opens, saves, compacts and
   * closes. False where there are fewer. REQUIRES: `canTrace`.
   */
  async runToCall(calls: string, nth: number): Promise<boolean> {
    const round = this.#begin()
    const inject = ['-e', `trace=${calls}`, '-e', `inject=${calls}:signal=SIGKILL:when=${nth}`]
    // Calls are counted in each thread for itself: so there is to be only one, beside LevelDB's own.
    const child = start(['strace', '-f', '-qq', '-o', '/dev/null', ...inject], { UV_THREADPOOL_SIZE: '1' })
    const orders = this.#orders({ round, compacting: true, closeAfter: 60 })
    const { code, signal } = await this.#follow(child, orders, () => false)
    const killed = signal === 'SIGKILL'
    must(killed || code === 0, `the process ended with ${signal ?? code}`)
    this.#count(killed ? calls.split(',')[0]!.replace('?', '') : 'too late')
    await this.#look(true)
    return killed
  }

  end({ keep = false } = {}): void {
    this.#next?.kill('SIGKILL')
    if (!keep && this.#dir !== '') rmSync(this.#dir, { recursive: true, force: true })
  }

  #move(): void {
    if (this.#dir !== '') rmSync(this.#dir, { recursive: true, force: true })
    this.#dir = mkdtempSync(join(tmpdir(), 'sessionlog-killed-'))
    this.#ledger = new Ledger()
    this.#trying = []
  }

  #temporaries(): string[] {
    return readdirSync(this.#dir, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.tmp'))
  }

  #begin(): number {
    const round = this.tally.rounds++
    if (round % this.#lifetime === 0) this.#move()
    return round
  }

  #count(how: string): void {
    this.tally.kills[how] = (this.tally.kills[how] ?? 0) + 1
    this.tally.leftovers += this.#temporaries().length
  }

  #orders(some: Pick<Orders, 'round' | 'compacting' | 'closeAfter'>): Orders {
    const { known } = this.#ledger
    return {
      ...some,
      dir: this.#dir,
      seed: this.#chance.below(2 ** 31),
      durability: this.#chance.once(4) ? 'buffered' : 'sync',
      rebuild: this.#chance.once(6),
      known: Array.from({ length: Math.min(known.length, 5) }, () => this.#chance.of(known)),
    }
  }

  async #killAt(moment: Moment, round: number): Promise<void> {
    const child = this.#next ?? start()
    this.#next = start()
    // As likely to be few as to be many.
    const acks = Math.round(this.#acksMax ** (this.#chance.below(1000) / 1000))
    const compactions = 1 + this.#chance.below(4)
    const turns = this.#chance.below(30)
    const compacting = moment === 'compacting' || this.#chance.once(6)
    const orders = this.#orders({ round, compacting, closeAfter: moment === 'closing' ? acks : 0 })
    let since = 0
    const reached = (line: Line, counts: Counts) => {
      if (moment === 'saving') return counts.acked >= acks
      if (moment !== 'compacting') return line[0] === moment
      return counts.compacting >= compactions && since++ >= acks % 50
    }
    const { code, signal } = await this.#follow(child, orders, reached, turns)
    must(
      signal === 'SIGKILL' || (code === 0 && moment === 'closing'),
      `the process ended with ${signal ?? code}`,
    )
    this.#count(signal === null ? 'too late' : moment)
  }

  /** Reads what a process says, to its end, and kills it so many turns of the event loop after a moment is reached. */
  async #follow(
    child: ChildProcess,
    orders: Orders,
    reached: (line: Line, counts: Counts) => boolean,
    turns = 0,
  ): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
    child.stdin!.end(JSON.stringify(orders))
    const counts = { acked: 0, compacting: 0 }
    const acked: Acked[] = []
    let killing: Promise<void> | undefined
    for await (const text of createInterface(child.stdout!)) {
      const line = parse(text)
      if (line === undefined) continue
      if (line[0] === 'wrong') throw new Error(line[1])
      if (line[0] === 'acked') {
        acked.push({ sessionId: line[1], version: line[2], position: line[3], hash: line[4] })
        counts.acked++
      }
      if (line[0] === 'trying')
        this.#trying.push({ id: line[1], eventId: line[2], data: line[3], state: line[4] })
      if (line[0] === 'compacting') counts.compacting++
      if (killing === undefined && reached(line, counts)) killing = killAfter(turns, child)
    }
    const [code, signal] = await closed
    await killing
    this.tally.acked += acked.length
    this.#ledger.add(acked)
    return { code, signal }
  }

  async #look(last: boolean): Promise<void> {
    const options = { dir: this.#dir, compactEvery: 0 }
    // Nobody has to wait for the lock of one that is dead.
    const store = await openStore<unknown>({ ...options, rebuild: this.#chance.once(3) })
    must(this.#temporaries().length === 0, `temporaries are left: ${this.#temporaries().join(', ')}`)
    const surplus = this.#ledger.surplus
    await this.#ledger.check(store, this.#dir, this.#chance)
    this.tally.surplus += this.#ledger.surplus - surplus
    await this.#retry(store)
    if (this.#chance.once(3)) must((await store.compact()).problems.length === 0, 'compact() has problems')
    await store.close()
    if (!last) return
    const again = await openStore<unknown>({ ...options, rebuild: true })
    await this.#ledger.check(again, this.#dir, this.#chance)
    const whole = new Ledger()
    await whole.check(again, this.#dir, this.#chance)
    must(whole.position === this.#ledger.position, 'the whole log is not what was read bit by bit')
    await again.close()
  }

  /** Whoever was not told the outcome tries again: there is one event afterwards, whatever the outcome was. */
  async #retry(store: SessionStore<unknown>): Promise<void> {
    for (const { id, eventId, data, state } of this.#trying.splice(0).slice(-RETRIES)) {
      const receipt = await store.save(id, parseState(state), { eventId, data })
      if (!receipt.deduplicated) this.#ledger.add([receipt])
      else must(this.#ledger.has(receipt), `the receipt of ${eventId} is of no event`)
      this.tally.retried++
    }
  }
}

/** The last writes with an event id: those whose outcome is not known are among them. */
const RETRIES = 30

async function killAfter(turns: number, child: ChildProcess): Promise<void> {
  for (let i = 0; i < turns; i++) await turn()
  child.kill('SIGKILL')
}

function start(prefix: readonly string[] = [], env: Record<string, string> = {}): ChildProcess {
  const script = fileURLToPath(new URL('killed-child.ts', import.meta.url))
  const [command, ...args] = [...prefix, process.execPath, '--import', 'tsx', script]
  const child = spawn(command!, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  return child
}

/** The last line may be cut. */
function parse(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line
  } catch {
    return undefined
  }
}

/** Whether a process can be killed in the middle of a call to the system. */
export const canTrace =
  process.platform === 'linux' && spawnSync('strace', ['-f', '-qq', '-e', 'trace=none', 'true']).status === 0
