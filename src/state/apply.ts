import { SessionlogError } from '../errors.ts'
import type { Change, Changes } from './changes.ts'
import { asItIs, freeze, freezeDeep, type Keep } from './freeze.ts'
import { parseIndex, parsePointer } from './pointer.ts'
import { copyPlain, define, isArray, isObject, kindOf, type Plain } from './values.ts'

type Splice = Extract<Change, { op: 'splice' }>
type Addition = Extract<Change, { op: 'add' }>
type Container = Plain | unknown[]

/** The key under which a draft holds the whole state, so that it is changed like any other member. */
const ROOT = 'state'

/**
 * The state after these changes, deeply frozen, sharing with `state` whatever they do not touch.
 * A change that does not fit the state it finds is corruption: it was made from another one.
 */
export function apply(changes: Changes, state: unknown): unknown {
  const draft = new Draft(state)
  for (const change of changes) draft.apply(change)
  return draft.finish()
}

/**
 * The same, of a state that belongs to the caller alone, as do the values of the changes: it is changed in place where
 * it is not frozen, and nothing is frozen.
 */
export function applyInPlace(changes: Changes, state: unknown): unknown {
  const draft = new Draft(state, true)
  for (const change of changes) draft.apply(change)
  return draft.finish()
}

/** A state under change: each container on the way to a change is copied once, however many changes follow. */
class Draft {
  readonly #root: Plain
  /** Containers that nobody else has yet, each after the one it is in. */
  readonly #copies = new Set<unknown>()
  /** Whether everything that is not frozen may be changed. */
  readonly #owned: boolean

  constructor(state: unknown, owned = false) {
    this.#root = { [ROOT]: state }
    this.#owned = owned
  }

  apply(change: Change): void {
    const keys = parsePointer(change.path) ?? fail(change)
    let parent: Container = this.#root
    let key = ROOT
    for (const step of keys) {
      parent = this.#open(parent, key, change)
      key = step
    }
    if (change.op === 'splice') this.#splice(parent, key, change)
    else if (parent === this.#root) replaceRoot(parent, change, this.#keep)
    else applyToMember(parent, key, change, this.#keep)
  }

  /** A change's value, as it goes into the state. */
  get #keep(): Keep {
    return this.#owned ? asItIs : freezeDeep
  }

  finish(): unknown {
    for (const copy of [...this.#copies].reverse()) freeze(copy as Container)
    return this.#root[ROOT]
  }

  /** The member of a container as a copy that may be changed. */
  #open(container: Container, key: string, change: Change): Container {
    const member = get(container, key)
    if (this.#owned ? isOpen(member) : this.#copies.has(member)) return member as Container
    const copy = copyOf(member) ?? fail(change)
    if (!this.#owned) this.#copies.add(copy)
    set(container, key, copy)
    return copy
  }

  #splice(parent: Container, key: string, change: Splice): void {
    const target = get(parent, key)
    const { index, remove, insert } = change
    if (typeof target === 'string' && typeof insert === 'string' && reaches(target, change)) {
      set(parent, key, target.slice(0, index) + insert + target.slice(index + remove))
    } else if (isArray(target) && isArray(insert) && reaches(target, change)) {
      replaceElements(this.#open(parent, key, change) as unknown[], index, remove, this.#keep(insert))
    } else throw misfit(change)
  }
}

/** A container that may be changed as it is. */
function isOpen(member: unknown): boolean {
  if (!isObject(member) || Object.isFrozen(member)) return false
  const kind = kindOf(member)
  return kind === 'object' || kind === 'array' || kind === 'bare'
}

/** `array.splice(index, remove, ...insert)` for more elements than a call can have arguments. */
function replaceElements(array: unknown[], index: number, remove: number, insert: readonly unknown[]): void {
  const behind = array.splice(index)
  for (const element of insert) array.push(element)
  for (let step = remove; step < behind.length; step++) array.push(behind[step])
}

/** The root takes any value over any other, so that a whole state can be applied to whatever was there. */
function replaceRoot(root: Container, change: Exclude<Change, Splice>, keep: Keep): void {
  if (change.op === 'remove' && get(root, ROOT) === undefined) throw misfit(change)
  set(root, ROOT, change.op === 'remove' ? undefined : keep(change.value))
}

function applyToMember(parent: Container, key: string, change: Exclude<Change, Splice>, keep: Keep): void {
  if (has(parent, key) === (change.op === 'add')) throw misfit(change)
  if (change.op === 'replace') set(parent, key, keep(change.value))
  else if (isArray(parent)) throw misfit(change)
  else if (change.op === 'remove') delete parent[key]
  else add(parent, key, change, keep)
}

/** Adds a key at the end, or in front of another: those from there on are taken off and put back after it. */
function add(object: Plain, key: string, change: Addition, keep: Keep): void {
  const { before } = change
  if (before !== undefined && !Object.hasOwn(object, before)) throw misfit(change)
  const keys = Object.keys(object)
  const behind = before === undefined ? [] : keys.slice(keys.indexOf(before))
  const values = behind.map(name => object[name])
  for (const name of behind.toReversed()) delete object[name]
  define(object, key, keep(change.value))
  for (const [index, name] of behind.entries()) define(object, name, values[index])
}

function reaches(target: { readonly length: number }, { index, remove }: Splice): boolean {
  return index >= 0 && remove >= 0 && index + remove <= target.length
}

function copyOf(value: unknown): Container | undefined {
  if (isArray(value)) return [...value]
  const kind = isObject(value) ? kindOf(value) : undefined
  return kind === 'object' || kind === 'bare' ? copyPlain(value as object) : undefined
}

function has(container: Container, key: string): boolean {
  if (!isArray(container)) return Object.hasOwn(container, key)
  const index = parseIndex(key)
  return index >= 0 && index < container.length
}

function get(container: Container, key: string): unknown {
  return has(container, key) ? (container as Plain)[key] : undefined
}

function set(container: Container, key: string, value: unknown): void {
  if (isArray(container)) container[Number(key)] = value
  else define(container, key, value)
}

function fail(change: Change): never {
  throw misfit(change)
}

function misfit({ op, path }: Change): SessionlogError {
  return new SessionlogError(
    'SESSIONLOG_CORRUPTION',
    `The change '${op}' does not fit the state at '${path}'`,
    { path },
  )
}
