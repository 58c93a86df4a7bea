import { SessionlogTypeError } from '../errors.ts'
import { handOut } from '../state/exotic.ts'
import { reconcile } from '../state/reconcile.ts'
import type { Versioned } from './fold.ts'
import type { Session } from './session.ts'

/** Makes today's shape of a state out of the one that an older schema had. Must not change what it is given. */
export type Upcaster = (state: unknown, schemaVersion: number) => unknown

/** The log is folded as it was recorded; only what readers get is brought to today's schema. */
export class Upcast {
  readonly schemaVersion: number
  readonly #upcaster: Upcaster | undefined

  constructor(schemaVersion: number, upcaster?: Upcaster) {
    this.schemaVersion = schemaVersion
    this.#upcaster = upcaster
  }

  /** True where a state is of an older schema and has to be made into today's. */
  concerns(schemaVersion: number): boolean {
    return this.#upcaster !== undefined && schemaVersion < this.schemaVersion
  }

  /** What readers see of a session; made once for each recorded state. */
  view(session: Session): unknown {
    const { state } = session
    if (session.schemaVersion === this.schemaVersion || state === undefined) return state
    session.upcast ??= this.make({ state, schemaVersion: session.schemaVersion })
    return session.upcast
  }

  make({ state, schemaVersion }: Versioned): unknown {
    if (state === undefined || !this.concerns(schemaVersion)) return state
    const made = this.#upcaster!(handOut(state), schemaVersion)
    if (made === undefined) throw new SessionlogTypeError('upcast() returned nothing', 'upcast')
    return reconcile(undefined, made).state
  }
}
