import { kindOf, type Plain } from './values.ts'

const INDENT = '  '
/** What fits on a line is written on one. */
const LINE = 80

/** A state as an expression of JavaScript that makes the same again: for tests that stand alone. */
export function toSourceCode(value: unknown, indent = ''): string {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  if (typeof value !== 'object' || value === null) return String(value)
  switch (kindOf(value)) {
    case 'date':
      return `new Date(${(value as Date).getTime()})`
    case 'bytes':
      return `new Uint8Array([${[...(value as Uint8Array)].join(', ')}])`
    case 'map':
      return `new Map(${toSourceCode([...(value as ReadonlyMap<unknown, unknown>)], indent)})`
    case 'set':
      return `new Set(${toSourceCode([...(value as ReadonlySet<unknown>)], indent)})`
    case 'array':
      return list('[', ']', indent, inner => membersOf(value as readonly unknown[], inner))
    case 'bare':
      return `Object.assign(Object.create(null), ${objectOf(value as Plain, indent)})`
  }
  return objectOf(value as Plain, indent)
}

function objectOf(object: Plain, indent: string): string {
  return list('{ ', ' }', indent, inner =>
    Object.keys(object).map(key => `${keyOf(key)}: ${toSourceCode(object[key], inner)}`),
  )
}

function membersOf(members: readonly unknown[], indent: string): string[] {
  const sources: string[] = []
  for (const member of members) sources.push(toSourceCode(member, indent))
  return sources
}

/** In a literal, a plain `__proto__` would be the prototype. */
function keyOf(key: string): string {
  if (key === '__proto__') return `['__proto__']`
  return /^[A-Za-z_]\w*$/.test(key) ? key : JSON.stringify(key)
}

function list(open: string, close: string, indent: string, make: (inner: string) => string[]): string {
  const inner = indent + INDENT
  const members = make(inner)
  if (members.length === 0) return open.trim() + close.trim()
  const line = `${open}${members.join(', ')}${close}`
  if (line.length <= LINE && !line.includes('\n')) return line
  return `${open.trim()}\n${members.map(member => `${inner}${member},\n`).join('')}${indent}${close.trim()}`
}
