import assert from 'node:assert/strict'
import { quiet, type Rule, type StoreUnderTest, type Subject, session } from './subject.ts'

type Call = readonly [method: keyof StoreUnderTest, ...args: unknown[]]

/** One call of each method, on a session that is there and on one that is not. */
function calls({ store }: Subject): Call[] {
  const all: Call[] = [
    ['get', 'a'],
    ['get', 'nobody'],
    ['set', 'a', session({ n: 2 })],
    ['set', 'b', session({ n: 1 })],
    ['touch', 'a', session({ n: 2 })],
    ['touch', 'nobody', session({ n: 2 })],
    ['all'],
    ['length'],
    ['destroy', 'a'],
    ['destroy', 'nobody'],
    ['clear'],
  ]
  return all.filter(([method]) => typeof store[method] === 'function')
}

function invoke(
  { store }: Subject,
  [method, ...args]: Call,
  callback?: (...answer: unknown[]) => void,
): void {
  const methods = store as unknown as Record<string, (...args: unknown[]) => unknown>
  methods[method]!(...args, ...(callback === undefined ? [] : [callback]))
}

/** Callbacks: once, later, and on their own. */
export const callbackRules: readonly Rule[] = [
  [
    'every callback is called, exactly once',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      for (const call of calls(subject)) {
        let count = 0
        await new Promise<void>(resolve => {
          invoke(subject, call, () => {
            count++
            resolve()
          })
        })
        await quiet()
        assert.equal(count, 1, `${call[0]}() called back ${count} times`)
      }
    },
  ],
  [
    'no callback is called before the call has returned',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      for (const call of calls(subject)) {
        let returned = false
        const wasReturned = await new Promise<boolean>(resolve => {
          invoke(subject, call, () => resolve(returned))
          returned = true
        })
        assert.ok(wasReturned, `${call[0]}() called back too soon`)
      }
    },
  ],
  [
    'a callback is given null or nothing for an error where there is none',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      for (const call of calls(subject)) {
        const error = await new Promise(resolve => invoke(subject, call, resolve))
        // express-session takes this one for "not there".
        const isAbsence = call[0] === 'get' && (error as { code?: string } | null)?.code === 'ENOENT'
        if (!isAbsence) assert.equal(error ?? null, null, `${call[0]}() has an error`)
      }
    },
  ],
  [
    'set(), touch(), destroy() and clear() work without a callback',
    async subject => {
      const changing = calls(subject).filter(([method]) => !['get', 'all', 'length'].includes(method))
      await subject.set('a', session({ n: 1 }))
      const thrown = await uncaught(async () => {
        for (const call of changing) invoke(subject, call)
        await quiet()
      })
      assert.deepEqual(thrown, [])
    },
  ],
  [
    'what a callback throws is an uncaught exception, and the callback is not called again',
    async subject => {
      await subject.set('a', session({ n: 1 }))
      for (const call of calls(subject)) {
        const mine = new Error(`thrown by the callback of ${call[0]}()`)
        let count = 0
        const thrown = await uncaught(async () => {
          const called = new Promise<void>(resolve => {
            invoke(subject, call, () => {
              count++
              resolve()
              throw mine
            })
          })
          await called
          await quiet()
        })
        assert.equal(count, 1, `${call[0]}() called back ${count} times`)
        assert.deepEqual(thrown, [['uncaughtException', mine]], `${call[0]}() caught what was thrown`)
      }
    },
  ],
]

const KINDS = ['uncaughtException', 'unhandledRejection'] as const

/** What is thrown and caught by nobody meanwhile. Nobody else who listens hears of it. */
async function uncaught(run: () => Promise<void>): Promise<[kind: string, error: unknown][]> {
  const thrown: [string, unknown][] = []
  const others = KINDS.map(kind => process.listeners(kind as 'uncaughtException'))
  for (const kind of KINDS) {
    process.removeAllListeners(kind)
    process.on(kind as 'uncaughtException', error => thrown.push([kind, error]))
  }
  try {
    await run()
  } finally {
    for (const [index, kind] of KINDS.entries()) {
      process.removeAllListeners(kind)
      for (const listener of others[index]!) process.on(kind as 'uncaughtException', listener)
    }
  }
  return thrown
}
