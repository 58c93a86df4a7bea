import type { SerializerProtocol } from '@langchain/langgraph-checkpoint'

/**
 * A value as the saver's serde writes it: where that is JSON, the JSON itself, so that its parts can be compared,
 * blamed and searched; else its type and its bytes. No JSON value holds bytes, so the two can be told apart.
 */
export type Encoded = unknown

interface Opaque {
  readonly type: string
  readonly bytes: Uint8Array
}

/** What the serde makes of a value. It is asked at once: a later change of the value does not matter. */
export async function encode(serde: SerializerProtocol, value: unknown): Promise<Encoded> {
  const [type, bytes] = await serde.dumpsTyped(value)
  const json = type === 'json' ? exactJson(bytes) : undefined
  return json === undefined ? ({ type, bytes: Uint8Array.from(bytes) } satisfies Opaque) : json.value
}

/** What the serde makes of the very bytes that it gave. */
export async function decode(serde: SerializerProtocol, encoded: Encoded): Promise<unknown> {
  if (isOpaque(encoded)) return serde.loadsTyped(encoded.type, encoded.bytes)
  return serde.loadsTyped('json', new TextEncoder().encode(JSON.stringify(encoded)))
}

/** Decoded values by their keys, `__proto__` among them. */
export async function decodeAll(
  serde: SerializerProtocol,
  values: Readonly<Record<string, Encoded>>,
): Promise<Record<string, unknown>> {
  const entries = Object.entries(values).map(
    async ([key, value]) => [key, await decode(serde, value)] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}

/** The value, where writing it as JSON gives the same bytes again: a large integer, say, would not. */
function exactJson(bytes: Uint8Array): { value: unknown } | undefined {
  const given = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const value: unknown = JSON.parse(given.toString('utf8'))
    return Buffer.from(JSON.stringify(value)).equals(given) ? { value } : undefined
  } catch {
    return undefined
  }
}

function isOpaque(encoded: Encoded): encoded is Opaque {
  return (encoded as Partial<Opaque> | null)?.bytes instanceof Uint8Array
}
