import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Logger } from '../../src/index.ts'
import { ObservedLevel } from '../support/observed-level.ts'
import { create } from '../support/store.ts'

function recorder() {
  const lines: [level: string, details: object, message: string][] = []
  const note = (level: string) => (details: object, message: string) =>
    void lines.push([level, details, message])
  const logger: Logger = {
    debug: note('debug'),
    info: note('info'),
    warn: note('warn'),
    error: note('error'),
  }
  return { lines, logger }
}

describe('logger', () => {
  test('is told of a failed disk, once', async () => {
    const { lines, logger } = recorder()
    const db = new ObservedLevel()
    const store = await create<number>({ db, logger })
    const cause = new Error('EIO')
    db.failure = cause
    await Promise.allSettled([store.save('a', 1), store.save('a', 2)])
    const errors = lines.filter(([level]) => level === 'error')
    expect(errors).toHaveLength(1)
    expect(errors[0]![1]).toMatchObject({ err: { code: 'SESSIONLOG_IO_ERROR', cause } })
  })

  test('is told of what a subscriber throws', async () => {
    const { lines, logger } = recorder()
    const store = await create<number>({ logger })
    const thrown = new Error('subscriber')
    store.watch('a').subscribe(() => {
      throw thrown
    })
    expect(lines.filter(([level]) => level === 'error')).toMatchObject([
      ['error', { err: thrown }, expect.any(String)],
    ])
  })

  test('is silent by default: nothing is printed', async () => {
    const prints = (['log', 'info', 'warn', 'error', 'debug'] as const).map(name => vi.spyOn(console, name))
    const out = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')]
    onTestFinished(() => {
      vi.restoreAllMocks()
    })
    const db = new ObservedLevel()
    const store = await create<number>({ db })
    await store.save('a', 1)
    await store.compact()
    db.failure = new Error('EIO')
    await Promise.allSettled([store.save('a', 2)])
    await store.close()
    for (const print of [...prints, ...out]) expect(print).not.toHaveBeenCalled()
  })
})
