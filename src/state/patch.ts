import { apply } from './apply.ts'
import type { Change, Changes } from './changes.ts'
import type { JsonPatchOperation } from './json-patch.ts'
import { childAt, parsePointer } from './pointer.ts'
import { isPlainJson, toTaggedJson } from './tagged-json.ts'
import { own, type Plain } from './values.ts'

/** A change that an RFC 6902 patch says less exactly than ours. */
export interface Inexact {
  path: string
  reason: 'not-json' | 'key-order' | 'deleted'
}

export interface PlainPatch {
  patch: JsonPatchOperation[]
  /** Empty where the patch leads to the same state, to the order of its keys. */
  inexact: Inexact[]
}

type Splice = Extract<Change, { op: 'splice' }>

/**
 * The changes as a plain RFC 6902 patch for the state `before` them. Values that JSON lacks stand in it in their
 * tagged form, and a delete as the removal of the whole document: `inexact` lists where.
 */
export function toJsonPatch(changes: Changes, before: unknown): PlainPatch {
  const result: PlainPatch = { patch: [], inexact: [] }
  let state = before
  for (const change of changes) {
    if (change.op === 'splice') addSplice(result, change, targetOf(state, change.path))
    else addPlain(result, change)
    state = apply([change], state)
  }
  return result
}

function addPlain({ patch, inexact }: PlainPatch, change: Exclude<Change, Splice>): void {
  const { op, path } = change
  if (op === 'remove') {
    patch.push({ op, path })
    if (path === '') inexact.push({ path, reason: 'deleted' })
  } else {
    if (op === 'add' && change.before !== undefined) inexact.push({ path, reason: 'key-order' })
    patch.push({ op, path, value: json(change.value, path, inexact) })
  }
}

/** Element by element, or the whole array where that is shorter. A text is always written whole. */
function addSplice({ patch, inexact }: PlainPatch, change: Splice, target: unknown): void {
  const { path, insert } = change
  const whole: JsonPatchOperation = { op: 'replace', path, value: apply([{ ...change, path: '' }], target) }
  const single = typeof insert === 'string' ? [whole] : operations(change, insert)
  const shorter = length(single) > length([whole]) ? [whole] : single
  for (const operation of shorter) {
    if ('value' in operation) operation.value = json(operation.value, operation.path, inexact)
    patch.push(operation)
  }
}

function operations({ path, index, remove }: Splice, insert: readonly unknown[]): JsonPatchOperation[] {
  const replaced = Math.min(remove, insert.length)
  const found: JsonPatchOperation[] = []
  insert.forEach((value, step) => {
    found.push({ op: step < replaced ? 'replace' : 'add', path: childAt(path, index + step), value })
  })
  for (let step = replaced; step < remove; step++)
    found.push({ op: 'remove', path: childAt(path, index + replaced) })
  return found
}

function length(patch: readonly JsonPatchOperation[]): number {
  return JSON.stringify(
    patch.map(operation => ({
      ...operation,
      value: 'value' in operation ? toTaggedJson(operation.value) : undefined,
    })),
  ).length
}

function json(value: unknown, path: string, inexact: Inexact[]): unknown {
  if (isPlainJson(value)) return value
  inexact.push({ path, reason: 'not-json' })
  return toTaggedJson(value)
}

function targetOf(state: unknown, path: string): unknown {
  return parsePointer(path)?.reduce((value: unknown, key) => own(value as Plain, key), state)
}
