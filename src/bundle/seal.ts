import { createHash } from 'node:crypto'
import { originLine } from '../proof/checkpoint.ts'

/**
 * The hash of all items of a bundle but the last: also of what the log's own hashes say nothing about, such as what is
 * shown of a redacted event. Signed, it is the word of whoever has the store's key.
 */
export class Seal {
  readonly #origin: string
  readonly #hash = createHash('sha256')

  constructor(origin: string) {
    this.#origin = origin
  }

  /** Takes the bytes of the next item in, and answers with them. */
  add(bytes: Buffer): Buffer {
    this.#hash.update(bytes)
    return bytes
  }

  /** The text of a note; no checkpoint, of which the second line is a number. REQUIRES: nothing is called after it. */
  end(): string {
    return `sessionlog-bundle\n${originLine(this.#origin)}\n${this.#hash.digest('base64')}\n`
  }
}
