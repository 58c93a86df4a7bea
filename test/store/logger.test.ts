import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ObservedLevel } from '../support/observed-level.ts'
import { RecordingLogger } from '../support/recording-logger.ts'
import { create } from '../support/store.ts'

describe('logger', () => {
  test('is told of a failed disk, once', async () => {
    const logger = new RecordingLogger()
    const db = new ObservedLevel()
    const store = await create<number>({ db, logger })
    const cause = new Error('EIO')
    db.failure = cause
    await Promise.allSettled([store.save('a', 1), store.save('a', 2)])
    expect(logger.errors).toHaveLength(1)
    expect(logger.errors[0]).toMatchObject({ err: { code: 'SESSIONLOG_IO_ERROR', cause } })
  })

  test('is told of what a subscriber throws', async () => {
    const logger = new RecordingLogger()
    const store = await create<number>({ logger })
    const thrown = new Error('subscriber')
    store.watch('a').subscribe(() => {
      throw thrown
    })
    expect(logger.errors).toMatchObject([{ err: thrown }])
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
