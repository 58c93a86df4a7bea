import type { Logger } from '../../src/index.ts'

/** A logger that keeps the details of each error that it is told of. */
export class RecordingLogger implements Logger {
  readonly errors: object[] = []

  error(details: object): void {
    this.errors.push(details)
  }

  debug(): void {}
  info(): void {}
  warn(): void {}
}
