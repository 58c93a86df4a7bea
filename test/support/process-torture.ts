import { join } from 'node:path'
import type { RecordedEvent, SessionStore } from '../../src/index.ts'
import { Chance } from './chance.ts'
import { collect } from './outcome.ts'
import { type Acked, StoreProcess } from './workers.ts'

const SESSIONS = 6
const BURST_MAX = 60

export interface ProcessTally {
  steps: number
  bursts: number
  kills: number
  stops: number
  closes: number
  compactions: number
  backups: number
  archives: number
  acked: number
}

/** Processes that write to one store, and are killed, stopped, resumed and closed; the seed makes the schedule of it. */
export class ProcessTorture {
  readonly tally: ProcessTally = {
    steps: 0,
    bursts: 0,
    kills: 0,
    stops: 0,
    closes: 0,
    compactions: 0,
    backups: 0,
    archives: 0,
    acked: 0,
  }
  readonly #dir: string
  readonly #backup: string
  readonly #count: number
  readonly #chance: Chance
  readonly #gone: StoreProcess[] = []
  #running: StoreProcess[] = []
  #bursts: Promise<unknown>[] = []

  constructor({ dir, processes, seed }: { dir: string; processes: number; seed: number }) {
    this.#dir = join(dir, 'store')
    this.#backup = join(dir, 'backup')
    this.#count = processes
    this.#chance = new Chance(seed)
  }

  /** The directory of the store. */
  get dir(): string {
    return this.#dir
  }

  async run(steps: number, until = Number.POSITIVE_INFINITY): Promise<void> {
    try {
      for (let n = 0; n < this.#count; n++) await this.#spawn()
      for (let step = 0; step < steps && performance.now() < until; step++) {
        this.tally.steps++
        await this.#step()
      }
      await Promise.all(this.#bursts)
    } finally {
      // Also where something failed: who runs this would wait for them.
      await Promise.all(this.#running.map(each => each.kill()))
    }
    this.#gone.push(...this.#running)
    this.tally.acked = this.acked.length
  }

  get acked(): Acked[] {
    return this.#gone.flatMap(each => each.acked)
  }

  async #spawn(): Promise<void> {
    this.#running.push(await StoreProcess.open(this.#dir))
  }

  async #step(): Promise<void> {
    const one = this.#running[this.#chance.below(this.#running.length)]!
    const action = this.#chance.below(21)
    if (action < 13) this.#burst(one)
    else if (action < 15) await this.#replace(one, 'kills')
    else if (action === 15) await this.#replace(one, 'closes')
    else if (action < 18) await this.#pause(one)
    else if (action === 18) await this.#compact(one)
    else if (action === 19) await this.#takeBackup(one)
    else await this.#archive(one)
  }

  #burst(one: StoreProcess): void {
    this.tally.bursts++
    const id = `s${this.#chance.below(SESSIONS)}`
    const done = one.call('burst', id, `${this.tally.bursts}`, 1 + this.#chance.below(BURST_MAX))
    // One that is killed never answers. What goes wrong is told at the end.
    const over = Promise.race([done, one.ended])
    over.catch(() => {})
    this.#bursts.push(over)
  }

  async #replace(one: StoreProcess, how: 'kills' | 'closes'): Promise<void> {
    this.tally[how]++
    const before = one.acked.length
    const last = this.#bursts.at(-1)
    // Where nothing has been asked for yet, nothing will be acknowledged.
    if (this.#chance.once(2) && last !== undefined) await Promise.race([one.untilAcked(before + 1), last])
    if (how === 'closes') await one.call('close')
    await one.kill()
    this.#running = this.#running.filter(each => each !== one)
    this.#gone.push(one)
    await this.#spawn()
  }

  /** Meanwhile the others go on, or wait. */
  async #pause(one: StoreProcess): Promise<void> {
    this.tally.stops++
    one.signal('SIGSTOP')
    for (const each of this.#running) if (each !== one) this.#burst(each)
    await new Promise(resolve => setTimeout(resolve, 20 + this.#chance.below(100)))
    one.signal('SIGCONT')
  }

  async #compact(one: StoreProcess): Promise<void> {
    this.tally.compactions++
    await one.call('compact')
  }

  async #archive(one: StoreProcess): Promise<void> {
    this.tally.archives++
    await one.call('archive', this.#chance.below(50))
  }

  async #takeBackup(one: StoreProcess): Promise<void> {
    this.tally.backups++
    await one.call('backup', this.#backup)
  }
}

/**
 * The independent check: what was acknowledged is in the log where it was said to be, each mark once, in each session one
 * version after the other, and who was told of a write could read it. Throws where it isn't so.
 */
export async function checkHistory(store: SessionStore<unknown>, acked: readonly Acked[]): Promise<void> {
  const events: RecordedEvent[] = await collect(store.events())
  const versions = new Map<string, number>()
  const marks = new Set<unknown>()
  for (const [index, { sessionId, version, position, reason }] of events.entries()) {
    must(position === index + 1, `position ${index + 1} is ${position}`)
    must(version === (versions.get(sessionId) ?? 0) + 1, `version ${version} of ${sessionId} is out of order`)
    versions.set(sessionId, version)
    must(!marks.has(reason), `${reason} is recorded twice`)
    marks.add(reason)
  }
  for (const { id, version, position, hash, state } of acked) {
    const { reason, isSeen } = state as { reason: string; isSeen: boolean }
    const event = events[position - 1]
    must(
      event?.hash === hash && event.sessionId === id && event.version === version,
      `${reason} is not at ${position}`,
    )
    must(event!.reason === reason, `${reason} was told the place of ${event!.reason}`)
    must(isSeen, `${reason} was acknowledged, and not seen by who wrote it`)
  }
  const { ok, problems } = await store.verify()
  must(ok, `verify() found ${JSON.stringify(problems)}`)
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}
