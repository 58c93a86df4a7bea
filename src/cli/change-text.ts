import type { Change, Changes, RecordedEvent } from '../index.ts'
import { apply } from '../state/apply.ts'
import { parsePointer } from '../state/pointer.ts'
import { own, type Plain } from '../state/values.ts'
import { shortValue } from './text.ts'

const CHANGES_MAX = 4
/** For a value that has a line, or nearly one, for itself. */
export const LINE_VALUE_COLUMNS = 60

/**
 * What an event changed, in a line: `/cart/3/qty: 1 → 2`, `+/items/4 "tea"`, `-/note`, `~/text @120 -1 +3`.
 * Given the state before it, old values are named too.
 */
export function describeChanges({ changes }: RecordedEvent, before?: { readonly state: unknown }): string {
  if (changes.length === 0) return '(nothing)'
  const described = changes.slice(0, CHANGES_MAX).map((change, index) =>
    // The paths of later changes lead into the state as the earlier ones left it.
    describeChange(change, index === 0 || change.op === 'replace' ? before : undefined),
  )
  const more = changes.length - CHANGES_MAX
  return described.join(', ') + (more > 0 ? `, … ${more} more` : '')
}

/** Each change in a line of its own, told with what was there before it. */
export function* describeEach(changes: Changes, before: unknown): Generator<string, void, undefined> {
  for (const { change, state } of eachChange(changes, before))
    yield describeChange(change, { state }, LINE_VALUE_COLUMNS)
}

/** Each change with the state that it finds. */
export function* eachChange(
  changes: Changes,
  before: unknown,
): Generator<{ change: Change; state: unknown }, void, undefined> {
  let state = before
  for (const change of changes) {
    yield { change, state }
    state = apply([change], state)
  }
}

export function describeChange(
  change: Change,
  before: { readonly state: unknown } | undefined,
  columns?: number,
): string {
  const { op, path } = change
  switch (op) {
    case 'add':
      return `+${path} ${shortValue(change.value, path === '' ? LINE_VALUE_COLUMNS : columns)}`
    case 'replace':
      return path === ''
        ? `= ${shortValue(change.value, LINE_VALUE_COLUMNS)}`
        : `${path}: ${was(path, before, columns)}${shortValue(change.value, columns)}`
    case 'remove':
      return path === '' ? 'deleted' : `-${path}`
  }
  return describeSplice(change, columns)
}

function was(path: string, before: { readonly state: unknown } | undefined, columns?: number): string {
  if (before === undefined) return '→ '
  return `${shortValue(valueAt(before.state, path), columns)} → `
}

function describeSplice(
  { path, index, remove, insert }: Extract<Change, { op: 'splice' }>,
  columns?: number,
): string {
  const place = `${path}/${index}`
  if (typeof insert === 'string')
    return `~${path} @${index}${remove ? ` -${remove}` : ''}${insert ? ` +${insert.length}` : ''}`
  if (insert.length === 0) return `-${place}${remove > 1 ? `…${index + remove - 1}` : ''}`
  if (remove === 0)
    return `+${place} ${insert.length === 1 ? shortValue(insert[0], columns) : `(${insert.length})`}`
  return `~${path} @${index} -${remove} +${insert.length}`
}

/** What stands at a path, or undefined. */
export function valueAt(state: unknown, path: string): unknown {
  return parsePointer(path)?.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? own(value as Plain, key) : undefined),
    state,
  )
}
