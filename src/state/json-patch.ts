import { SessionlogTypeError } from '../errors.ts'
import { parseIndex, parsePointer } from './pointer.ts'
import { copyPlain, define, isArray, isObject, type Plain } from './values.ts'

/** An operation of RFC 6902. */
export type JsonPatchOperation =
  | { op: 'add' | 'replace' | 'test'; path: string; value: unknown }
  | { op: 'remove'; path: string }
  | { op: 'move' | 'copy'; from: string; path: string }

/** What an operation does to the container that holds its target. */
type Edit = (container: Plain | unknown[], key: string) => void

/**
 * The JSON document after an RFC 6902 patch. Neither argument is changed; what the patch does not touch is
 * shared with the document. All or nothing: a patch with an operation that does not fit is refused.
 */
export function applyJsonPatch(patch: unknown, document: unknown): unknown {
  if (!isArray(patch)) throw new SessionlogTypeError('A JSON Patch is an array of operations')
  return patch.reduce(applyOperation, document)
}

function applyOperation(document: unknown, operation: unknown, position: number): unknown {
  if (!isObject(operation))
    throw new SessionlogTypeError(`Operation ${position} of a JSON Patch is not an object`)
  const { op } = operation as Plain
  const path = pointer(operation, 'path')
  switch (op) {
    case 'add':
      return add(document, path, operand(operation, path))
    case 'replace':
      return replace(document, path, operand(operation, path))
    case 'remove':
      return remove(document, path)
    case 'move':
      return move(document, pointer(operation, 'from'), path)
    case 'copy':
      return add(document, path, read(document, pointer(operation, 'from')))
    case 'test':
      if (equalJson(read(document, path), operand(operation, path))) return document
      throw new SessionlogTypeError(`The test of '${path}' failed`, path)
  }
  throw new SessionlogTypeError(`JSON Patch has no operation '${String(op)}'`, path)
}

function add(document: unknown, path: string, value: unknown): unknown {
  return edit(document, path, value, (container, key) => {
    if (!isArray(container)) return define(container, key, value)
    const index = key === '-' ? container.length : parseIndex(key)
    if (index < 0 || index > container.length) throw missing(path)
    container.splice(index, 0, value)
  })
}

function replace(document: unknown, path: string, value: unknown): unknown {
  return edit(document, path, value, (container, key) => {
    member(container, key, path)
    define(container as Plain, key, value)
  })
}

function remove(document: unknown, path: string): unknown {
  return edit(document, path, undefined, (container, key) => {
    member(container, key, path)
    if (isArray(container)) container.splice(Number(key), 1)
    else delete container[key]
  })
}

function move(document: unknown, from: string, path: string): unknown {
  if (path.startsWith(`${from}/`)) throw new SessionlogTypeError(`Cannot move '${from}' into itself`, path)
  const value = read(document, from)
  return add(remove(document, from), path, value)
}

function read(document: unknown, path: string): unknown {
  return keysOf(path).reduce((container, key) => member(container, key, path), document)
}

/** The document with copies of the containers on the way to the target, the last of them edited. */
function edit(document: unknown, path: string, whole: unknown, change: Edit): unknown {
  const keys = keysOf(path)
  const last = keys.pop()
  if (last === undefined) return whole
  const root = copyOf(document, path)
  let container = root
  for (const key of keys) {
    const copy = copyOf(member(container, key, path), path)
    define(container as Plain, key, copy)
    container = copy
  }
  change(container, last)
  return root
}

function copyOf(container: unknown, path: string): Plain | unknown[] {
  if (isArray(container)) return [...container]
  if (!isObject(container)) throw missing(path)
  return copyPlain(container)
}

function member(container: unknown, key: string, path: string): unknown {
  const known = isArray(container)
    ? parseIndex(key) in container
    : isObject(container) && Object.hasOwn(container, key)
  if (!known) throw missing(path)
  return (container as Plain)[key]
}

function pointer(operation: object, name: 'path' | 'from'): string {
  const value: unknown = Object.hasOwn(operation, name) ? (operation as Plain)[name] : undefined
  if (typeof value !== 'string') throw new SessionlogTypeError(`An operation of a JSON Patch lacks '${name}'`)
  keysOf(value)
  return value
}

function keysOf(path: string): string[] {
  const keys = parsePointer(path)
  if (keys === undefined) throw new SessionlogTypeError(`'${path}' is not a JSON Pointer`, path)
  return keys
}

function operand(operation: object, path: string): unknown {
  if (!Object.hasOwn(operation, 'value'))
    throw new SessionlogTypeError(`The operation at '${path}' lacks a value`, path)
  return (operation as Plain).value
}

/** Equality of RFC 6902: the order of keys does not matter, and -0 is 0. */
function equalJson(a: unknown, b: unknown): boolean {
  if (!isObject(a) || !isObject(b)) return a === b
  if (isArray(a) !== isArray(b)) return false
  const keys = Object.keys(a)
  const same = (key: string) => Object.hasOwn(b, key) && equalJson((a as Plain)[key], (b as Plain)[key])
  return keys.length === Object.keys(b).length && keys.every(same)
}

function missing(path: string): SessionlogTypeError {
  return new SessionlogTypeError(`The document has nothing at '${path}' that the patch could change`, path)
}
