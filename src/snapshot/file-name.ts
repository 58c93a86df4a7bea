import { hash } from 'node:crypto'

/**
 * The name of a session's snapshot file. REQUIRES: a well-formed string of at least one character.
 *
 * A plain id (lower-case letters, digits, `_`, and after the first also `-` and `.`, at most 100) is its own name: `cart-42.json`. Any
 * other id becomes a readable prefix, `~` and a hash of the id: `mueller~3f….json`. What follows from that:
 *
 * - Names hold `a-z 0-9 - _ . ~` only, so none has a separator, and none changes when a file system folds case or
 *   normalises Unicode. None starts with a dot or a dash, or is longer than 110 bytes.
 * - A plain id has no `~`, so it never meets the name made for another id; two made names differ as their hashes do.
 * - Windows reserves a name such as `con` with any extension; such an id isn't plain, and a made name has no dot
 *   before its extension.
 *
 * Names are not decoded: the id inside the file is what counts.
 */
export function fileNameFor(sessionId: string): string {
  return `${isPlain(sessionId) ? sessionId : `${prefixOf(sessionId)}~${hash('sha256', sessionId)}`}.json`
}

function isPlain(id: string): boolean {
  return id.length <= 100 && /^[a-z0-9_][a-z0-9._-]*$/.test(id) && !reserved.test(id)
}

/** Devices of Windows, whatever follows the first dot. `com0` and `lpt0` are documented as reserved in places. */
const reserved = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/

/** For people only. Accents go, and whatever else isn't plain becomes one dash. */
function prefixOf(id: string): string {
  const prefix = id
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, 40)
    .replace(/-+$/, '')
  return prefix === '' ? 'session' : prefix
}
