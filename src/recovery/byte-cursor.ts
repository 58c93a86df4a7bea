/** Reads the forms that LevelDB's files are made of. Throws a `RangeError` where the bytes end too early. */
export class ByteCursor {
  at: number
  readonly #bytes: Buffer
  readonly #end: number

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.#bytes = bytes
    this.at = at
    this.#end = end
  }

  get atEnd(): boolean {
    return this.at >= this.#end
  }

  byte(): number {
    return this.take(1)[0]!
  }

  /** An integer of seven bits a byte, the lowest first. */
  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      if (factor > Number.MAX_SAFE_INTEGER) throw new RangeError('An integer has no end')
    }
  }

  /** Bytes behind their length. */
  text(): Buffer {
    return this.take(this.varint())
  }

  take(count: number): Buffer {
    if (count > this.#end - this.at) throw new RangeError('The bytes end too early')
    this.at += count
    return this.#bytes.subarray(this.at - count, this.at)
  }
}
