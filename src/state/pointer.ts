/** The JSON Pointer (RFC 6901) of a property. */
export function child(path: string, key: string): string {
  return `${path}/${escapeKey(key)}`
}

/** The JSON Pointer of an element. */
export function childAt(path: string, index: number): string {
  return `${path}/${index}`
}

/** The keys that a JSON Pointer names, or `undefined` where it is not one. */
export function parsePointer(path: string): string[] | undefined {
  if (path === '') return []
  if (path[0] !== '/') return undefined
  if (!path.includes('~')) return path.slice(1).split('/')
  return /~(?![01])/.test(path) ? undefined : path.slice(1).split('/').map(unescapeKey)
}

/** The index that a key of a JSON Pointer stands for, or -1. */
export function parseIndex(key: string): number {
  return /^(0|[1-9]\d{0,15})$/.test(key) ? Number(key) : -1
}

function escapeKey(key: string): string {
  return key.includes('/') || key.includes('~') ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key
}

function unescapeKey(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~')
}
