/**
 * What an event changed, as a JSON Patch (RFC 6902) with extensions for what JSON Patch cannot say.
 * Operations apply one after another; `path` is a JSON Pointer (RFC 6901) into the state as the
 * operations before it left it. The path `''` is the whole state.
 */
export type Change =
  /** The session begins to have a state (`path: ''`), or an object gains a key. */
  | {
      readonly op: 'add'
      readonly path: string
      readonly value: unknown
      /** The key that the new one stands in front of, where it is not the last. RFC 6902 readers ignore it. */
      readonly before?: string
    }
  /** The value at `path` is another one, whole. A key keeps its place. */
  | { readonly op: 'replace'; readonly path: string; readonly value: unknown }
  /** A key is gone; with `path: ''` the whole state is (the session was deleted). */
  | { readonly op: 'remove'; readonly path: string }
  /**
   * A string or an array changed in one place: `remove` units at `index` gave way to `insert`.
   * Units are UTF-16 code units in a string (never half of a surrogate pair), elements in an array.
   */
  | {
      readonly op: 'splice'
      readonly path: string
      readonly index: number
      readonly remove: number
      readonly insert: string | readonly unknown[]
    }

export type Changes = readonly Change[]
