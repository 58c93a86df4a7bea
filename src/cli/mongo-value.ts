import { child, childAt } from '../state/pointer.ts'
import { define, isArray, isObject, kindOf, type Plain } from '../state/values.ts'

/** A value that the other side cannot hold exactly, by its JSON Pointer. */
export interface Inexact {
  readonly path: string
  readonly reason: string
}

/** BSON's own bounds: the server takes no more levels, https://www.mongodb.com/docs/manual/reference/limits/ */
export const LEVELS_MAX = 100

const INT32_MAX = 2 ** 31
const INT64_MAX = 2n ** 63n
const YEAR_10000 = 253_402_300_800_000

/**
 * Turns values into MongoDB Extended JSON v2, relaxed, and counts the bytes that they take as BSON. What BSON has no exact
 * value for is noted; the result is then of no use.
 * https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/
 */
export class MongoValue {
  readonly inexact: Inexact[] = []
  bytes = 0

  /** `level` is how many documents and arrays the value stands in. */
  convert(value: unknown, path: string, level: number): unknown {
    switch (typeof value) {
      case 'string':
        return this.#text(value, path)
      case 'number':
        return this.#number(value)
      case 'bigint':
        if (value >= -INT64_MAX && value < INT64_MAX) return this.#sized(8, { $numberLong: String(value) })
        return this.#refuse(path, 'a bigint beyond 64 bits')
      case 'boolean':
        return this.#sized(1, value)
      case 'undefined':
        return this.#refuse(path, 'undefined')
    }
    return isObject(value) ? this.#object(value, path, level) : null
  }

  #object(value: object, path: string, level: number): unknown {
    const kind = kindOf(value)
    if (kind === 'date') return this.#date(value as Date, path)
    if (kind === 'bytes') return this.#binary(value as Uint8Array)
    if (kind === 'map' || kind === 'set') return this.#refuse(path, kind === 'map' ? 'a Map' : 'a Set')
    if (kind === 'bare') return this.#refuse(path, 'an object without a prototype')
    if (level >= LEVELS_MAX) return this.#refuse(path, `deeper than ${LEVELS_MAX} levels`)
    this.bytes += 5
    return isArray(value) ? this.#array(value, path, level) : this.#members(value as Plain, path, level)
  }

  #array(array: readonly unknown[], path: string, level: number): unknown[] {
    return array.map((each, index) => {
      this.bytes += 2 + String(index).length
      return this.convert(each, childAt(path, index), level + 1)
    })
  }

  #members(object: Plain, path: string, level: number): Plain {
    const members: Plain = {}
    for (const [key, value] of Object.entries(object)) {
      const at = child(path, key)
      const reason = faultOfKey(key)
      if (reason !== undefined) this.#refuse(at, reason)
      this.bytes += 2 + Buffer.byteLength(key)
      define(members, key, this.convert(value, at, level + 1))
    }
    return members
  }

  #text(text: string, path: string): unknown {
    if (!isWellFormed(text)) return this.#refuse(path, 'a text with half a surrogate pair')
    return this.#sized(5 + Buffer.byteLength(text), text)
  }

  /** A whole number beyond 2^53 is written as the double that it is, not as the int64 that its digits would be. */
  #number(number: number): unknown {
    const isInt32 = Number.isInteger(number) && number >= -INT32_MAX && number < INT32_MAX
    if (Object.is(number, -0)) return this.#sized(8, { $numberDouble: '-0.0' })
    const isPlain = Number.isSafeInteger(number) || (Number.isFinite(number) && !Number.isInteger(number))
    return this.#sized(isInt32 ? 4 : 8, isPlain ? number : { $numberDouble: String(number) })
  }

  #date(date: Date, path: string): unknown {
    const ms = date.getTime()
    if (Number.isNaN(ms)) return this.#refuse(path, 'an invalid Date')
    const isIso = ms >= 0 && ms < YEAR_10000
    return this.#sized(8, { $date: isIso ? date.toISOString() : { $numberLong: String(ms) } })
  }

  #binary(bytes: Uint8Array): unknown {
    const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
    return this.#sized(5 + bytes.byteLength, { $binary: { base64, subType: '00' } })
  }

  #sized<T>(bytes: number, json: T): T {
    this.bytes += bytes
    return json
  }

  #refuse(path: string, reason: string): undefined {
    this.inexact.push({ path, reason })
    return undefined
  }
}

/** What a name of a field may not be, in a document that any tool of MongoDB takes. */
function faultOfKey(key: string): string | undefined {
  if (key.startsWith('$')) return 'a key that begins with $'
  if (key.includes('.')) return 'a key with a dot'
  if (key.includes('\0')) return 'a key with a NUL'
  return isWellFormed(key) ? undefined : 'a key with half a surrogate pair'
}

function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed()
}
