import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { RecordedEvent, SalvageReport } from '../../src/index.ts'
import { openStore } from '../../src/open.ts'
import { type Contents, filesIn } from './damage.ts'
import { collect } from './outcome.ts'

/** One hash over the names and the bytes of a directory. */
export function hashOf(dir: string): string {
  const hash = createHash('sha256')
  for (const [name, bytes] of filesIn(dir)) hash.update(`${name}\0${bytes.length}\0`).update(bytes)
  return hash.digest('hex')
}

/** The events of the old store that a new one has, by session and version; and those of which it has the state alone. */
export interface Saved {
  readonly events: ReadonlySet<string>
  readonly states: ReadonlySet<string>
}

const keyOf = (sessionId: string, version: number) => `${sessionId}@${version}`

/**
 * Holds a new store against the one that it was made from, and against the report: each event is either in it, with all that it
 * said and the state that it made, or the report says that it is lost. Nothing is both, and nothing is in it that never was.
 */
export async function expectSalvaged(dir: string, report: SalvageReport, written: Contents): Promise<Saved> {
  const store = await openStore<unknown>({ dir, compactEvery: 0 })
  try {
    expect((await store.verify()).problems).toEqual([])
    expect(store.origin).toBe(report.origin)
    const events = new Set<string>()
    const states = new Set<string>()
    const originals = new Map(
      written.events.map(event => [keyOf(event.sessionId, event.version), event] as const),
    )
    for (const event of await collect(store.events())) {
      const { sessionId, version, importedFrom } = event
      const from = importedFrom?.version ?? version
      const key = keyOf(sessionId, from)
      const original = originals.get(key)
      expect(original, `${key} never was`).toBeDefined()
      const made = await store.stateAt(sessionId, { version })
      expect(made, key).toEqual(written.sessions.get(sessionId)!.states[from])
      const hash = importedFrom?.hash ?? event.hash
      const position = importedFrom?.position ?? event.position
      expect({ hash, position }).toEqual({ hash: original!.hash, position: original!.position })
      const isState = event.type === '$imported'
      expect(events.has(key) || states.has(key), `${key} is there twice`).toBe(false)
      ;(isState ? states : events).add(key)
      if (!isState) expect(saidBy(event)).toEqual(saidBy(original!))
    }
    expect(events.size).toBe(report.kept + report.remade - report.states)
    expectReport(report, written, { events, states })
    return { events, states }
  } finally {
    await store.close()
  }
}

function expectReport(report: SalvageReport, written: Contents, { events, states }: Saved): void {
  const isIn = (ranges: SalvageReport['missing'], number: number) =>
    ranges.some(({ from, to }) => number >= from && number <= to)
  let lost = 0
  for (const { sessionId, version, position } of written.events) {
    const key = keyOf(sessionId, version)
    const loss = report.losses.find(each => each.sessionId === sessionId)
    const isTold = isIn(loss?.lost ?? [], version) || isIn(report.missing, position)
    expect({ key, isSaved: events.has(key) }).toEqual({ key, isSaved: !isTold })
    expect({ key, isState: states.has(key) }).toEqual({
      key,
      isState: loss?.states.includes(version) ?? false,
    })
    if (isTold) lost++
  }
  expect(report.ok).toBe(lost === 0)
}

function saidBy({
  type,
  actor,
  reason,
  data,
  eventId,
  occurredAt,
  recordedAt,
  schemaVersion,
  importedFrom,
}: RecordedEvent) {
  const time = importedFrom === undefined ? (occurredAt ?? recordedAt) : occurredAt
  return { type, actor, reason, data, eventId, time, schemaVersion }
}

/** What a file holds, with one bit of it changed. */
export function flipped(path: string, at: number, bit = 0): Buffer {
  const bytes = readFileSync(path)
  bytes[at % bytes.length]! ^= 1 << bit
  return bytes
}
