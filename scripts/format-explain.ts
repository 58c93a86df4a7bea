/** What a CBOR item is, and what its members are. */
export type Label =
  | string
  | {
      readonly name: string
      /** Of an array: what stands where. */
      readonly members?: readonly Label[]
      /** Of an array of arrays: by the first member of each, and how many it has. */
      readonly each?: (first: number, count: number) => Label
      /** The value in words, in place of the value itself. */
      readonly say?: (value: unknown) => string
    }

/** Where the words begin. */
const COLUMN = 58
const BYTES_A_LINE = 16

/**
 * How a value of the log is made: a record is a sequence of frames and a last hash, of which a sealed one's events
 * are shown whole. What is checked stands behind a hash of its own.
 */
export type Shape = 'record' | 'sealed' | 'checked' | 'bare'

/** Each byte of a value of the log, in hexadecimal, with what it says. Fails where a byte is left over. */
export function explain(value: Buffer, label: Label, as: Shape): string[] {
  const page = new Page(value)
  if (as === 'checked') page.take(32, 0, 'SHA-256 of what follows')
  if (as === 'checked' || as === 'bare') page.item(label, 0)
  else {
    while (value.length - page.at > 34) {
      const length = value.readUInt32BE(page.at + 1)
      page.item('length of the event', 0)
      page.take(1, 0, '0: what RFC 6962 puts before a leaf')
      if (as === 'record') page.item(label, 0)
      else page.take(length, 1, String(label))
    }
    page.item('hash of the last event', 0)
  }
  if (page.at !== value.length) throw new Error(`${value.length - page.at} bytes are left over`)
  return page.lines
}

/** Each byte of a key: the range, what stands before the session's id, the id, what stands behind. */
export function explainKey(key: string): string[] {
  const page = new Page(Buffer.from(key))
  const [, range, rest] = /^(.)(.*)$/su.exec(key)!
  page.take(1, 0, `key: range ${range}`)
  if (range === 't') page.take(1 + Number.parseInt(rest![0]!, 36), 1, 'position')
  const end = key.indexOf('\0')
  if (end < 0) page.take(key.length - page.at, 1, range === 'c' ? 'position' : 'name')
  else {
    page.take(end - page.at, 1, `session: "${key.slice(page.at, end)}"`)
    page.take(1, 1, 'end of the id')
    if (page.at < key.length) page.take(key.length - page.at, 1, range === 'i' ? 'event id' : 'version')
  }
  return page.lines
}

export function textOf(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString()
}

class Page {
  readonly lines: string[] = []
  at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Writes the next bytes down, with the words beside the first line of them. */
  take(count: number, depth: number, words: string): Buffer {
    const bytes = this.#bytes.subarray(this.at, this.at + count)
    this.at += count
    for (let start = 0; start < Math.max(count, 1); start += BYTES_A_LINE) {
      const hex = [...bytes.subarray(start, start + BYTES_A_LINE)].map(byte =>
        byte.toString(16).padStart(2, '0'),
      )
      const line = '  '.repeat(depth) + hex.join(' ')
      this.lines.push(start === 0 ? `${line.padEnd(COLUMN)}${words}`.trimEnd() : line)
    }
    return bytes
  }

  /** One CBOR item and what is in it. */
  item(label: Label, depth: number): void {
    const { name, members, each, say } = typeof label === 'string' ? { name: label } : label
    const { major, argument, width } = this.#head()
    const words = (value: unknown, plain: string) => {
      const said = say ? say(value) : plain
      return said === '' ? name : `${name}: ${said}`
    }
    switch (major) {
      case 0:
        this.take(width, depth, words(argument, say ? '' : String(argument)))
        return
      case 2: {
        const bytes = this.#bytes.subarray(this.at + width, this.at + width + argument)
        this.take(width + argument, depth, words(bytes, argument === 32 ? '' : `${argument} bytes`))
        return
      }
      case 3: {
        const text = this.#bytes.toString('utf8', this.at + width, this.at + width + argument)
        this.take(width + argument, depth, words(text, JSON.stringify(text)))
        return
      }
      case 4:
        this.#array(name, { argument, width, depth }, members, each)
        return
      case 5:
        this.take(width, depth, words(undefined, `map of ${argument}`))
        for (let i = 0; i < argument; i++) {
          this.item('key', depth + 1)
          this.item('value', depth + 2)
        }
        return
      case 7:
        this.#simple(depth, width, name)
        return
    }
    throw new Error(`The example has no item of major type ${major}`)
  }

  #array(
    name: string,
    { argument: count, width, depth }: { argument: number; width: number; depth: number },
    members: readonly Label[] | undefined,
    each: ((first: number, count: number) => Label) | undefined,
  ): void {
    this.take(width, depth, `${name}: array of ${count}`)
    for (let i = 0; i < count; i++) {
      const inner = each?.(this.#bytes[this.at + 1]!, this.#bytes[this.at]! & 0x1f)
      this.item(inner ?? members?.[i] ?? 'member', depth + 1)
    }
  }

  #simple(depth: number, width: number, name: string): void {
    const first = this.#bytes[this.at]!
    const value = SIMPLE.get(first) ?? this.#float(first)
    this.take(width, depth, `${name}: ${value}`)
  }

  #float(first: number): number {
    if (first === 0xfb) return this.#bytes.readDoubleBE(this.at + 1)
    if (first === 0xfa) return this.#bytes.readFloatBE(this.at + 1)
    throw new Error(`The example has no simple value ${first.toString(16)}`)
  }

  /** Its bytes are taken with the item's own. */
  #head(): { major: number; argument: number; width: number } {
    const first = this.#bytes[this.at]!
    const short = first & 0x1f
    const width = short < 24 ? 0 : 2 ** (short - 24)
    const argument = width === 0 || width > 4 ? short : this.#bytes.readUIntBE(this.at + 1, width)
    return { major: first >> 5, argument, width: width + 1 }
  }
}

const SIMPLE = new Map([
  [0xf4, 'false'],
  [0xf5, 'true'],
  [0xf6, 'null'],
  [0xf7, 'undefined'],
])
