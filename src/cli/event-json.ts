import type { Change, RecordedEvent } from '../index.ts'
import { isPlainJson, toTaggedJson } from '../state/tagged-json.ts'

/** A recorded event as JSON. Where it holds what JSON lacks, `data` and `changes` are in their tagged form. */
export function eventJson(event: RecordedEvent): object {
  const { data, changes } = event
  const encoded = valuesJson({ ...(data !== undefined && { data }), changes })
  return 'encoding' in encoded ? { ...event, ...encoded } : event
}

export function changeJson(change: Change): object {
  return valuesJson({ ...change })
}

/**
 * Values of a state, by name, as JSON: as they are, or where one of them holds what JSON lacks all of them in their
 * tagged form, with a word that says so. What is undefined is left out.
 */
export function valuesJson(values: Readonly<Record<string, unknown>>): object {
  const there = Object.entries(values).filter(([, value]) => value !== undefined)
  if (there.every(([, value]) => isPlainJson(value))) return Object.fromEntries(there)
  return {
    encoding: 'tagged',
    ...Object.fromEntries(there.map(([name, value]) => [name, toTaggedJson(value)])),
  }
}
