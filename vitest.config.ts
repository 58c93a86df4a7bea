import { defineConfig } from 'vitest/config'

/** Where a machine wants to read how many tests passed. */
const report = process.env.SESSIONLOG_TEST_REPORT

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    maxWorkers: 2,
    pool: 'forks',
    // No test is judged by the clock; this only ends one that hangs.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: report ? ['default', 'json'] : ['default'],
    ...(report && { outputFile: { json: report } }),
  },
})
