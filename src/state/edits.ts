import type { Plain } from './values.ts'

/** An object that has the keys of the one before it, in their order, and at some of them another value. */
export interface Edit {
  readonly previous: Plain
  readonly value: Plain
  readonly keys: readonly string[]
  /** Whether it has keys whose values stayed. */
  readonly stayed: boolean
}

/** So few are found faster by looking at each. */
const FEW = 16

/** What the walk that copied a state saw on the way, so that the diff need not look for it again. */
export class Edits {
  readonly #edits: Edit[] = []
  #index: Map<Plain, Edit> | undefined

  add(edit: Edit): void {
    this.#edits.push(edit)
  }

  /** Undefined where nothing is known of the two, as of an array's element that was held against another one. */
  find(previous: Plain, value: Plain): Edit | undefined {
    const edit = this.#edits.length > FEW ? this.#indexed(value) : this.#among(value)
    return edit?.previous === previous ? edit : undefined
  }

  #among(value: Plain): Edit | undefined {
    for (let at = this.#edits.length - 1; at >= 0; at--)
      if (this.#edits[at]!.value === value) return this.#edits[at]
    return undefined
  }

  #indexed(value: Plain): Edit | undefined {
    this.#index ??= new Map(this.#edits.map(edit => [edit.value, edit]))
    return this.#index.get(value)
  }
}
