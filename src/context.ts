import { AsyncLocalStorage } from 'node:async_hooks'
import { checkContext, isolateActor } from './arguments.ts'
import type { WriteOptions } from './event.ts'

/** What is said of every event of a request, a job, a command. */
export type EventContext = Pick<WriteOptions, 'actor' | 'reason' | 'correlationId' | 'causationId'>

const storage = new AsyncLocalStorage<EventContext>()

/**
 * Runs `run`, and whatever it starts, with these facts said of every event that is written meanwhile, in any store.
 * A write's own options go before them; an inner context adds to the one around it.
 */
export function withContext<T>(context: EventContext, run: () => T): T {
  checkContext(context)
  const { actor, ...rest } = given(context)
  const said = actor === undefined ? rest : { ...rest, actor: isolateActor(actor) }
  return storage.run({ ...storage.getStore(), ...said }, run)
}

/** Runs what is nobody's doing: a store's own work. */
export function withoutContext<T>(run: () => T): T {
  return storage.getStore() === undefined ? run() : storage.exit(run)
}

/** A write's options, with what its context says beside them. */
export function inContext(options: WriteOptions): WriteOptions {
  const context = storage.getStore()
  return context === undefined ? options : { ...context, ...given(options) }
}

/** `undefined` is as good as left out. */
function given(options: WriteOptions): WriteOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
