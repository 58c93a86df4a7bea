import type { StandardSchemaV1 } from '@standard-schema/spec'
import { wrong } from './arguments.ts'
import { SessionlogError } from './errors.ts'

type Schema = StandardSchemaV1<unknown, unknown>

/** What the schema makes of a state. `SESSIONLOG_SCHEMA_REJECTED` where it refuses it. */
export function validateState(schema: Schema | undefined, sessionId: string, state: unknown): unknown {
  if (schema === undefined) return state
  const result = schema['~standard'].validate(state)
  refuseAsynchronous(result)
  const { issues, value } = result as { issues?: readonly StandardSchemaV1.Issue[]; value?: unknown }
  if (issues === undefined) return value
  const path = pointer(issues[0])
  const message = `The state of session '${sessionId}' is refused by the schema at '${path}': ${issues[0]?.message}`
  throw new SessionlogError('SESSIONLOG_SCHEMA_REJECTED', message, { sessionId, path, cause: issues })
}

/** Validation decides before anything changes, and that is in the tick of the call. */
export function refuseAsynchronous(result: unknown): void {
  if (!(result instanceof Promise)) return
  result.catch(() => {})
  throw wrong('schema must validate synchronously', 'schema')
}

function pointer(issue: StandardSchemaV1.Issue | undefined): string {
  const keys = issue?.path?.map(step => (typeof step === 'object' ? step.key : step)) ?? []
  return keys.map(key => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
