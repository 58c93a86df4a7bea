import type { ImportFrom, ImportProblem, SessionsReport } from './import-options.ts'

const PROBLEMS_KEPT = 100

const COUNT_OF = { refused: 'refused', conflict: 'conflicts', ignored: 'ignored' } as const

type Count = 'imported' | 'alreadyThere' | 'expired' | 'conflicts' | 'refused' | 'ignored'

/** Counts what became of each record. */
export class ImportTally {
  readonly #counts: Record<Count, number> = {
    imported: 0,
    alreadyThere: 0,
    expired: 0,
    conflicts: 0,
    refused: 0,
    ignored: 0,
  }
  readonly #problems: ImportProblem[] = []
  readonly #onProblem: ((problem: ImportProblem) => void) | undefined

  constructor(onProblem?: (problem: ImportProblem) => void) {
    this.#onProblem = onProblem
  }

  count(what: Count): void {
    this.#counts[what]++
  }

  problem(problem: ImportProblem): void {
    this.count(COUNT_OF[problem.kind])
    if (this.#problems.length < PROBLEMS_KEPT) this.#problems.push(problem)
    this.#onProblem?.(problem)
  }

  report(from: ImportFrom, dryRun: boolean): SessionsReport {
    const records = Object.values(this.#counts).reduce((sum, count) => sum + count)
    return { from, dryRun, records, ...this.#counts, problems: this.#problems }
  }
}
