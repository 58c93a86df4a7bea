/** Everything that an asynchronous iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export interface Failure {
  readonly name: string
  readonly code?: unknown
  readonly path?: unknown
  readonly cause?: unknown
}

/** What a call throws, or its promise rejects with. Fails where neither happens. */
export async function failureOf(call: () => unknown): Promise<Failure> {
  let value: unknown
  try {
    value = await call()
  } catch (error) {
    return error as Failure
  }
  throw new Error(`Nothing was raised; the answer was ${JSON.stringify(value)}`)
}

/** The code of what a call throws or its promise rejects with. */
export async function codeOf(call: () => unknown): Promise<unknown> {
  return (await failureOf(call)).code
}

/** A promise, and what settles it. */
export function deferred<T = void>() {
  let resolve!: (value: T | PromiseLike<T>) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
