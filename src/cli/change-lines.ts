import type { Change, Changes } from '../index.ts'
import { effectOf } from '../state/effect.ts'
import { describeChange, eachChange, LINE_VALUE_COLUMNS, valueAt } from './change-text.ts'
import type { Line } from './player-rows.ts'
import { plural, printable, shortValue, widthOf } from './text.ts'

/** More than anybody reads; each costs a copy of what it changes. */
const SHOWN_MAX = 500
const VALUE_COLUMNS = 4 * LINE_VALUE_COLUMNS

/** Each change of an event as `sessionlog diff` words it, and below it what it took away and put there. */
export function* changeLines(
  changes: Changes,
  before: unknown,
  sought?: readonly string[],
): Generator<Line, void, undefined> {
  if (changes.length === 0) yield { text: '(nothing)' }
  for (const { change, state } of eachChange(changes.slice(0, SHOWN_MAX), before)) {
    const text = printable(describeChange(change, { state }, LINE_VALUE_COLUMNS))
    yield { text, isSought: sought !== undefined && effectOf([change], sought) !== 'none' }
    yield* valueLines(change, valueAt(state, change.path))
  }
  if (changes.length > SHOWN_MAX) yield { text: `… ${plural(changes.length - SHOWN_MAX, 'more change')}` }
}

/** The values that the line above did not name, or did not have room for. */
function* valueLines(change: Change, old: unknown): Generator<Line, void, undefined> {
  switch (change.op) {
    case 'add':
      if (isLong(change.value)) yield valueLine('+', change.value)
      return
    case 'remove':
      return yield valueLine('-', old)
    case 'replace':
      if (change.path !== '' && !isLong(old) && !isLong(change.value)) return
      if (old !== undefined) yield valueLine('-', old)
      return yield valueLine('+', change.value)
  }
  const { index, remove, insert } = change
  const isNamed = remove === 0 && insert.length === 1 && typeof insert !== 'string' && !isLong(insert[0])
  if (remove > 0) yield valueLine('-', (old as string | readonly unknown[]).slice(index, index + remove))
  if (insert.length > 0 && !isNamed) yield valueLine('+', insert)
}

function isLong(value: unknown): boolean {
  return widthOf(shortValue(value, LINE_VALUE_COLUMNS + 1)) > LINE_VALUE_COLUMNS
}

function valueLine(sign: string, value: unknown): Line {
  return { text: `  ${sign} ${shortValue(value, VALUE_COLUMNS)}` }
}
