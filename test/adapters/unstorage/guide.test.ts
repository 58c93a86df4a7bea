import { expect, test } from 'vitest'
import { runSnippets } from '../../support/snippets.ts'

test('the guide to unstorage runs, and prints what it says', () => {
  const runs = runSnippets('docs/guides/unstorage.md')
  expect(runs.flatMap(run => run.claims).length).toBeGreaterThan(0)
  for (const { claims, printed } of runs) for (const claim of claims) expect(printed).toContain(claim)
})
