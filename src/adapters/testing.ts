import { SessionlogTypeError } from '../errors.ts'
import { callbackRules } from './conformance/callbacks.ts'
import { endRules } from './conformance/ends.ts'
import { expiryRules } from './conformance/expiry.ts'
import { idRules } from './conformance/ids.ts'
import { raceRules } from './conformance/races.ts'
import { requestRules } from './conformance/requests.ts'
import { type Rule, type StoreUnderTest, Subject, skipped } from './conformance/subject.ts'
import { valueRules } from './conformance/values.ts'

export type { StoreUnderTest }

export interface ExpressStoreTestOptions<Store extends StoreUnderTest = StoreUnderTest> {
  /** A new, empty store; each test asks for its own. */
  create(): Store | Promise<Store>
  /** Puts a store away when its test has ended. */
  cleanup?(store: Store): unknown
  /** Closes a store and opens it again on the same data: for the tests of what lasts. */
  reopen?(store: Store): Store | Promise<Store>
  /** The directory that a store keeps its files in: for the test that no id gets out of it. */
  directory?(store: Store): string
}

/** One rule: `run` rejects with an `AssertionError` where the store does not keep it. */
export interface StoreTest {
  readonly name: string
  readonly run: () => Promise<void>
}

/**
 * The rules of a session store for express-session, and the races that it must get right, each a test. They need Node.js
 * and express-session. Tests of what a store does not have (`touch`, `all`, a directory) pass over it.
 */
export function expressStoreTests<Store extends StoreUnderTest>(
  options: ExpressStoreTestOptions<Store>,
): StoreTest[] {
  if (typeof options?.create !== 'function')
    throw new SessionlogTypeError('create must be a function that makes a store', 'create')
  return RULES.map(([name, rule]) => ({
    name,
    run: async () => {
      const made = await options.create()
      const subject = new Subject(options, made)
      try {
        await rule(subject)
      } catch (error) {
        if (error !== skipped) throw error
      } finally {
        await options.cleanup?.(subject.store as Store)
      }
    },
  }))
}

/** Gives each test to a test function: that of vitest, of `node:test`, of any that takes a name and a function. */
export function testExpressStore<Store extends StoreUnderTest>(
  test: (name: string, run: () => Promise<void>) => unknown,
  options: ExpressStoreTestOptions<Store>,
): void {
  for (const { name, run } of expressStoreTests(options)) test(name, run)
}

const RULES: readonly Rule[] = [
  ...valueRules,
  ...endRules,
  ...expiryRules,
  ...callbackRules,
  ...idRules,
  ...raceRules,
  ...requestRules,
]
