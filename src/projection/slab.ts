const SLAB_BYTES = 1 << 20

/** Bytes kept in a slab: a Buffer of its own would cost some two hundred bytes for each state. */
export class Kept {
  readonly #slab: Buffer
  readonly #start: number
  readonly #end: number

  constructor(slab: Buffer, start: number, end: number) {
    this.#slab = slab
    this.#start = start
    this.#end = end
  }

  /** The bytes, shared with the slab. */
  get bytes(): Uint8Array {
    return this.#slab.subarray(this.#start, this.#end)
  }

  /** The bytes as UTF-8 text. */
  toString(): string {
    return this.#slab.toString('utf8', this.#start, this.#end)
  }
}

/** Copies bytes into slabs, which are freed when none of their bytes are kept any more. */
export class Slabs {
  #slab = Buffer.alloc(0)
  #at = 0

  keep(bytes: Uint8Array): Kept {
    if (this.#at + bytes.length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes.length))
      this.#at = 0
    }
    const start = this.#at
    this.#slab.set(bytes, start)
    this.#at += bytes.length
    return new Kept(this.#slab, start, this.#at)
  }
}
