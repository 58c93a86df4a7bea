/** The JSON Pointer (RFC 6901) of a member. */
export function child(path: string, key: string | number): string {
  return typeof key === 'number' ? `${path}/${key}` : `${path}/${escapeKey(key)}`
}

/** The keys that a JSON Pointer names, or `undefined` where it is not one. */
export function parsePointer(path: string): string[] | undefined {
  if (path === '') return []
  if (path[0] !== '/' || /~(?![01])/.test(path)) return undefined
  const keys = path.slice(1).split('/')
  return path.includes('~') ? keys.map(unescapeKey) : keys
}

/** The index that a key of a JSON Pointer stands for, or -1. */
export function parseIndex(key: string): number {
  return /^(0|[1-9]\d{0,15})$/.test(key) ? Number(key) : -1
}

function escapeKey(key: string): string {
  return /[~/]/.test(key) ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key
}

function unescapeKey(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~')
}
