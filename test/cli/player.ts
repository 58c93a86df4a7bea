import type { Key } from '../../src/cli/player-keys.ts'
import type { PlayerModel } from '../../src/cli/player-model.ts'
import type { RecordedEvent, ReplayStep } from '../../src/index.ts'
import { apply } from '../../src/state/apply.ts'
import { changesBetween } from '../../src/state/reconcile.ts'

export const SIZE = { columns: 100, rows: 24 }

/** A step from one state to another. */
export function stepOf(
  before: unknown,
  state: unknown,
  facts: Partial<RecordedEvent> = {},
): ReplayStep<unknown> {
  const changes = changesBetween(before, state)
  const event: RecordedEvent = {
    sessionId: 'cart',
    version: 1,
    position: 1,
    type: 'saved',
    recordedAt: Date.UTC(2024, 1, 29),
    schemaVersion: 0,
    changes,
    hash: '',
    previousHash: '',
    ...facts,
  }
  return { event, before: before as never, after: apply(changes, before) as never, changes }
}

/** The only event of a session. */
export const FIRST = stepOf(undefined, { n: 1 })

const numbers = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`n${n}`, n]))
const others = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`n${n + 150}`, -n - 1]))
/** A second event with more to see than a screen holds; it changes the end of the state. */
export const LONG = stepOf(numbers, { ...numbers, ...others }, { version: 2 })

/** A player that is paused at a step. */
export function modelOf(step: ReplayStep<unknown>, more: Partial<PlayerModel> = {}): PlayerModel {
  const { version, sessionId } = step.event
  return {
    session: sessionId,
    first: 1,
    last: version,
    head: more.last ?? version,
    step,
    playing: false,
    speed: 1,
    helping: false,
    focus: 'state',
    tops: { changes: 0, state: 0 },
    ...more,
  }
}

/** A key by its name; one character types itself. */
export function typed(name: string): Key {
  if (name === 'space' || name === ' ') return { name: 'space', text: ' ' }
  return [...name].length === 1 ? { name, text: name } : { name }
}
