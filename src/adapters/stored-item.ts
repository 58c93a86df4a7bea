import { wrongOption } from './adapter-options.ts'

/** The state of an item: bytes, a JSON object or array, or any other text as it is. */
export type Item = string | Uint8Array | object

/** Text that is exactly what `JSON.stringify` makes of an object or array is kept as that. */
export function stateOf(text: string): Item {
  if (text[0] !== '{' && text[0] !== '[') return text
  try {
    const value = JSON.parse(text)
    return JSON.stringify(value) === text ? value : text
  } catch {
    return text
  }
}

/** What `stateOf` or `bytesOf` was given. */
export function textOf(state: Item): string | Buffer {
  if (typeof state === 'string') return state
  if (state instanceof Uint8Array) return Buffer.from(state.buffer, state.byteOffset, state.byteLength)
  return JSON.stringify(state)
}

/** A copy. */
export function bytesOf(value: unknown): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0))
  if (ArrayBuffer.isView(value))
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice()
  throw wrongOption('A raw value must be a string or bytes', 'value')
}
