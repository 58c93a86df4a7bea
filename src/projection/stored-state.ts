import { type Base, STATE_ENCODING, type StateEncoding } from '../log/base.ts'
import { type EventKind, KIND } from '../log/record.ts'
import { freezeDeep } from '../state/freeze.ts'
import { parseJson, parseState } from '../state/tagged-json.ts'
import { fold, type Versioned } from './fold.ts'
import type { Kept } from './slab.ts'

/**
 * A state as bytes that nobody has read yet: the text of a base, and the events after it. They were checked
 * when they were read; decoding them waits for the first reader.
 */
export class StoredState {
  #text: Kept | undefined
  readonly #encoding: StateEncoding
  readonly #schemaVersion: number
  #events: { readonly kind: EventKind; readonly kept: Kept }[] = []

  constructor(text?: Kept, base?: Base) {
    this.#text = text
    this.#encoding = base?.encoding ?? STATE_ENCODING.NONE
    this.#schemaVersion = base?.schemaVersion ?? 0
  }

  /** Takes the next event in. What lies before one that holds a whole state is let go. */
  add(kind: EventKind, kept: Kept | undefined): void {
    if (kind !== KIND.CHANGES) {
      this.#text = undefined
      this.#events = []
    }
    if (kept !== undefined) this.#events.push({ kind, kept })
  }

  decode(): Versioned {
    const events = this.#events.map(({ kind, kept }) => ({ kind, bytes: kept.bytes }))
    return fold(events, {
      state: this.#text && parseText(this.#text.toString(), this.#encoding),
      schemaVersion: this.#schemaVersion,
    })
  }
}

/** A base's state, decoded. */
export function baseState(base: Base): unknown {
  return parseText(textOf(base), base.encoding)
}

export function textOf({ text }: Base): string {
  return Buffer.from(text.buffer, text.byteOffset, text.length).toString()
}

function parseText(text: string, encoding: StateEncoding): unknown {
  if (encoding === STATE_ENCODING.NONE) return undefined
  return encoding === STATE_ENCODING.JSON ? freezeDeep(parseJson(text)) : parseState(text)
}
