import { expect } from 'vitest'

/** A value spelled out to the last bit, by other means than the code under test. */
export function spell(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${Array.from(value, spell)}]`
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof Map) return `Map(${Array.from(value, spell)})`
  if (value instanceof Set) return `Set(${Array.from(value, spell)})`
  if (value instanceof Uint8Array) return `bytes(${Buffer.from(value).toString('hex')})`
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}:${spell(member)}`)
  return `${Object.getPrototypeOf(value) === null ? 'bare' : ''}{${members}}`
}

export function expectExact(actual: unknown, expected: unknown): void {
  expect(spell(actual)).toBe(spell(expected))
}

/** Fails unless every container below is frozen and every other object is one that cannot be. */
export function expectFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (value instanceof Map || value instanceof Set) {
    // A Set gives each member as key and as value: once is enough, twice at each level would never end.
    for (const member of value instanceof Map ? [...value.keys(), ...value.values()] : value)
      expectFrozen(member)
  } else if (!(value instanceof Date) && !(value instanceof Uint8Array)) {
    expect(Object.isFrozen(value)).toBe(true)
    Object.values(value).forEach(expectFrozen)
  }
}
