/**
 * A text that is the same for two values exactly if they are the same but for the order of their objects' keys: of
 * whatever `structuredClone` makes of plain objects, arrays, scalars and bytes. Throws for a cycle.
 */
export function canonicalText(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return scalarText(value)
  if (value instanceof Uint8Array) return `bytes(${Buffer.from(value).toString('base64')})`
  if (value instanceof Date) return `date(${value.getTime()})`
  if (value instanceof Map) return `map${canonicalText([...value])}`
  if (value instanceof Set) return `set${canonicalText([...value])}`
  if (Array.isArray(value)) return `[${Array.from(value, canonicalText).join()}]`
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalText(member)}`).join()}}`
}

function scalarText(value: unknown): string {
  if (Object.is(value, -0)) return '-0'
  return typeof value === 'bigint' ? `${value}n` : String(value)
}
