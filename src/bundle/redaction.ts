import { createHmac, randomBytes } from 'node:crypto'
import { isOwnType } from '../event.ts'
import type { EventFacts, EventPayload } from '../log/codec.ts'
import { type EventKind, KIND } from '../log/record.ts'
import { apply } from '../state/apply.ts'
import { encodeValue } from '../state/cbor-values.ts'
import type { Change, Changes } from '../state/changes.ts'
import { freeze } from '../state/freeze.ts'
import { child, parseIndex, parsePointer } from '../state/pointer.ts'
import { define, emptyLike, isObject, kindOf, type Plain } from '../state/values.ts'

/** Facts that an event can go without. */
export const REDACTABLE_FACTS = ['actor', 'reason', 'eventId', 'correlationId', 'causationId'] as const

/**
 * What to hide. Places are JSON Pointers in which `*` is any key, and a number any number: elements of an array move,
 * and what is to be hidden must be so wherever it lies.
 */
export interface RedactOptions {
  /** Places in the states. */
  readonly state?: readonly string[]
  /** Places in the events' `data`. Default: all of it where places in the states are named, else none. */
  readonly data?: readonly string[]
  /** Facts that are left out. */
  readonly facts?: readonly (typeof REDACTABLE_FACTS)[number][]
}

/** What stands in the place of a value: its kind, and whether it is the same as another one. */
export interface Redacted {
  readonly $redacted: string
  /** Of two values in one bundle the same where they were the same; nothing else can be told from it. */
  readonly alias: string
}

/** What to put in the place of a value, and which places asked for it. */
export type Mark = (value: unknown, places: Places) => Redacted

/**
 * Marks of which the aliases are keyed hashes (HMAC-SHA256). The key is thrown away with the function: without it
 * nobody can try out what a value may have been.
 */
export function marks(): Mark {
  const key = randomBytes(32)
  return value => {
    const alias = createHmac('sha256', key).update(encodeValue(value)).digest('hex').slice(0, ALIAS_DIGITS)
    return Object.freeze({
      $redacted: isObject(value) ? kindOf(value)! : value === null ? 'null' : typeof value,
      alias,
    })
  }
}

const ALIAS_DIGITS = 16

/** A place, as far as it has been followed into a value. */
interface Place {
  readonly pointer: string
  readonly keys: readonly string[]
}

export type Places = readonly Place[]

export function placesOf(pointers: readonly string[]): Places {
  return pointers.map(pointer => ({ pointer, keys: parsePointer(pointer)! }))
}

/** Hides values in a session's events, one after another: what they then make is each state without these values. */
export class Redaction {
  readonly #state: Places
  readonly #data: Places
  readonly #facts: readonly (keyof EventFacts)[]
  /** Pointers at which nothing has lain so far. */
  readonly unmatched: Set<string>
  readonly #newMark = marks()
  /** The session's state as it is, up to the changes that wait to be applied. */
  #current: unknown
  #waiting: Change[] = []

  constructor({ state = [], data = [], facts = [] }: RedactOptions) {
    this.#state = placesOf(state)
    this.#data = placesOf(data)
    this.unmatched = new Set([...state, ...data.filter(pointer => pointer !== '')])
    this.#facts = facts
  }

  /**
   * The session's next event without what is hidden; the payload itself where it has nothing of that.
   * REQUIRES: a session's first event holds the whole state.
   */
  redact(kind: EventKind, payload: EventPayload): EventPayload {
    const facts = this.#redactFacts(payload.facts)
    const state = hide(payload.state, this.#state, this.#mark)
    const changes = this.#state.length === 0 ? payload.changes : this.#redactChanges(payload.changes)
    if (kind !== KIND.CHANGES) {
      this.#current = payload.state
      this.#waiting = []
    }
    const isUntouched = facts === payload.facts && changes === payload.changes && state === payload.state
    return isUntouched ? payload : { facts, changes, state }
  }

  readonly #mark: Mark = (value, places) => {
    for (const { pointer } of places) this.unmatched.delete(pointer)
    return this.#newMark(value, places)
  }

  #redactFacts(facts: EventFacts): EventFacts {
    // The data of the store's own events are ids, versions and hashes.
    const data = isOwnType(facts.type) ? facts.data : hide(facts.data, this.#data, this.#mark)
    const given = this.#facts.filter(name => facts[name] !== undefined)
    if (given.length === 0 && data === facts.data) return facts
    return { ...facts, data, ...Object.fromEntries(given.map(name => [name, undefined])) }
  }

  #redactChanges(changes: Changes): Changes {
    const shown = changes.map(change => {
      this.#waiting.push(change)
      return this.#redactChange(change)
    })
    return shown.every((change, index) => change === changes[index]) ? changes : shown
  }

  #redactChange(change: Change): Change {
    const keys = parsePointer(change.path)!
    let places = this.#state
    for (const [depth, key] of keys.entries()) {
      if (places.some(isHere)) return this.#replaceHidden(keys.slice(0, depth))
      places = inside(places, key)
    }
    if (change.op === 'remove' || places.length === 0) return change
    if (change.op !== 'splice') {
      const value = hideMember(change.value, places, this.#mark)
      return value === change.value ? change : { ...change, value }
    }
    if (places.some(isHere)) return this.#replaceHidden(keys)
    if (typeof change.insert === 'string') return change
    const insert = hide(change.insert, places, this.#mark) as readonly unknown[]
    return insert === change.insert ? change : { ...change, insert }
  }

  /** What a change inside a hidden value comes to: another one is hidden there. */
  #replaceHidden(keys: readonly string[]): Change {
    this.#current = apply(this.#waiting, this.#current)
    this.#waiting = []
    const value = keys.reduce<unknown>((at, key) => (at as Plain | undefined)?.[key], this.#current)
    return { op: 'replace', path: keys.reduce(child, ''), value: this.#mark(value, []) }
  }
}

/** The value without what lies at these places; the value itself where nothing does. */
export function hide(value: unknown, places: Places, mark: Mark): unknown {
  if (places.length === 0 || value === undefined) return value
  if (places.some(isHere)) return mark(value, places.filter(isHere))
  if (!isObject(value)) return value
  switch (kindOf(value)) {
    case 'array':
      return hideElements(value as readonly unknown[], places, mark)
    case 'object':
    case 'bare':
      return hideMembers(value as Plain, places, mark)
    case 'map':
    case 'set':
      // No pointer leads into them: rather too much than too little.
      return mark(value, places)
    default:
      return value
  }
}

function hideElements(list: readonly unknown[], places: Places, mark: Mark): readonly unknown[] {
  const shown = list.map((element, index) => hideMember(element, inside(places, String(index)), mark))
  return shown.every((element, index) => Object.is(element, list[index])) ? list : freeze(shown)
}

function hideMembers(object: Plain, places: Places, mark: Mark): Plain {
  const shown = emptyLike(object)
  let isSame = true
  for (const [key, value] of Object.entries(object)) {
    const member = hideMember(value, inside(places, key), mark)
    isSame &&= Object.is(member, value)
    define(shown, key, member)
  }
  return isSame ? object : freeze(shown)
}

/** Where there is a member there is a mark, even of one that is undefined. */
function hideMember(value: unknown, places: Places, mark: Mark): unknown {
  return value === undefined && places.some(isHere)
    ? mark(value, places.filter(isHere))
    : hide(value, places, mark)
}

function isHere({ keys }: Place): boolean {
  return keys.length === 0
}

/** Of places in a value, those in a member of it. */
function inside(places: Places, key: string): Places {
  return places
    .filter(({ keys }) => fits(keys[0], key))
    .map(({ pointer, keys }) => ({ pointer, keys: keys.slice(1) }))
}

function fits(step: string | undefined, key: string): boolean {
  if (step === undefined) return false
  return step === '*' || step === key || (parseIndex(step) >= 0 && parseIndex(key) >= 0)
}
