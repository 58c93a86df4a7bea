import type { RecordedEvent } from '../index.ts'
import { toSourceCode } from '../state/source-code.ts'
import { isoTime, printable } from './text.ts'

export type Runner = 'vitest' | 'node'

/** What a regression test is made of. */
export interface Fixture {
  readonly sessionId: string
  readonly origin: string
  readonly before: unknown
  readonly events: readonly RecordedEvent[]
  readonly after: unknown
  /** What is true where the state is wrong. */
  readonly expr: string | undefined
  /** Where the test imports the reducer from. */
  readonly reducer: string | undefined
}

const IMPORTS = {
  vitest: `import { expect, test } from 'vitest'`,
  node: `import assert from 'node:assert/strict'\nimport { test } from 'node:test'`,
} as const

const EQUAL = {
  vitest: 'expect(state).toEqual(recorded)',
  node: 'assert.deepEqual(state, recorded)',
} as const

/** Facts of an event that a reducer may ask for. */
const FACTS = ['version', 'type', 'data', 'actor', 'reason', 'occurredAt', 'recordedAt'] as const

export function testSource(fixture: Fixture, runner: Runner): string {
  const { sessionId, origin, events, before, after, expr, reducer } = fixture
  const [first, last] = [events[0]!.version, events.at(-1)!.version]
  const range = first === last ? `version ${last}` : `versions ${first} to ${last}`
  const lines = [
    `// Session ${printable(JSON.stringify(sessionId))}, ${range}, of the store ${origin}.`,
    `// Version ${last} was recorded at ${isoTime(events.at(-1)!.recordedAt)}. Made by \`sessionlog repro\`.`,
    IMPORTS[runner],
    ...(reducer === undefined ? [] : [`import * as module from ${JSON.stringify(reducer)}`]),
    '',
    ...(reducer === undefined ? ownCode() : ['const reducer = module.default ?? module.reducer']),
    '',
    '/** The state before the first of the events. */',
    `const before = ${toSourceCode(before)}`,
    '',
    `const events = ${toSourceCode(events.map(factsOf))}`,
    '',
    ...(expr === undefined
      ? ['/** As it was recorded. If that was wrong, write down here what it should have been. */']
      : ['/** As it was recorded, wrong. */']),
    `const recorded = ${toSourceCode(after)}`,
    '',
    `test(${JSON.stringify(`session ${JSON.stringify(sessionId)}, ${range}`)}, () => {`,
    '  const state = events.reduce((state, event) => reducer(state, event), before)',
    ...(expr === undefined ? [`  ${EQUAL[runner]}`] : failing(expr, runner)),
    '})',
    '',
  ]
  return lines.join('\n')
}

/** Stands in for the code under test, and fails until that is there. */
function ownCode(): string[] {
  return [
    '/** The code under test: the state after an event, of the state before it. */',
    'function reducer(state, event) {',
    "  throw new Error('Call your code here')",
    '}',
  ]
}

function failing(expr: string, runner: Runner): string[] {
  const wrong = `(state => Boolean(${expr}))(state)`
  return [
    `  // Of what was recorded it is true: ${printable(expr)}`,
    runner === 'vitest' ? `  expect(${wrong}).toBe(false)` : `  assert.equal(${wrong}, false)`,
  ]
}

function factsOf(event: RecordedEvent): object {
  return Object.fromEntries(FACTS.flatMap(fact => (event[fact] === undefined ? [] : [[fact, event[fact]]])))
}
