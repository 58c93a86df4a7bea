import { SessionlogError, type SessionlogErrorCode } from '../errors.ts'
import { child } from './pointer.ts'

/** Why a value is refused, on its way up to the root: each container that it passes adds where it was. */
export class Refusal {
  readonly reason: string
  readonly cause: unknown
  readonly #trail: { container: object; key: string | number }[] = []

  constructor(reason: string, cause?: unknown) {
    this.reason = reason
    this.cause = cause
  }

  /** Any error as a refusal: what a getter or a proxy threw becomes its cause. */
  static from(error: unknown): Refusal {
    return error instanceof Refusal ? error : new Refusal('an error', error)
  }

  within(container: object, key: string | number): this {
    this.#trail.push({ container, key })
    return this
  }

  toError(code: SessionlogErrorCode): SessionlogError {
    const trail = this.#trail.reverse()
    const cycle = cycleEnd(trail.map(step => step.container))
    const path = trail.slice(0, cycle).reduce((parent, step) => child(parent, String(step.key)), '')
    const reason = cycle === undefined ? this.reason : 'a cycle'
    return new SessionlogError(code, `Found ${reason} at '${path}'`, { path, cause: this.cause })
  }
}

/** How many steps lead back, for the first time, to a container already passed. */
function cycleEnd(containers: readonly object[]): number | undefined {
  const passed = new Set<object>()
  const end = containers.findIndex(container => passed.size === passed.add(container).size)
  return end < 0 ? undefined : end
}
