/** The longest that a Node.js timer can wait, ms. */
const LONG_MS = 2 ** 31 - 1

/**
 * Keeps the process going while something is waited for. A store that is open doesn't, and where nobody owns the log
 * there is no socket that could.
 */
export class Vigil {
  #timer: NodeJS.Timeout | undefined

  begin(): void {
    this.#timer ??= setInterval(() => {}, LONG_MS)
  }

  end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** The same outcome; until then the process goes on. */
export async function awaited<T>(promise: Promise<T>): Promise<T> {
  const vigil = new Vigil()
  vigil.begin()
  try {
    return await promise
  } finally {
    vigil.end()
  }
}
