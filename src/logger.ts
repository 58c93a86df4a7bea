import { wrong } from './arguments.ts'

/** Where diagnostics go; pino's shape. */
export interface Logger {
  debug(details: object, message: string): void
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

const silent = () => {}
const SILENT: Logger = { debug: silent, info: silent, warn: silent, error: silent }

/** A logger may fail, on the same full disk for one: the store goes on as if it had not. */
export function harmless(logger: Logger = SILENT): Logger {
  const guard = (level: keyof Logger) => (details: object, message: string) => {
    try {
      logger[level](details, message)
    } catch {
      // There is nobody left to tell.
    }
  }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}

export function checkLogger(logger: Logger | undefined): void {
  for (const level of Object.keys(SILENT) as (keyof Logger)[]) {
    if (logger !== undefined && typeof logger?.[level] !== 'function')
      throw wrong(`logger must have a method ${level}`, `logger/${level}`)
  }
}
