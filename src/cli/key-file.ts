import { readFile, writeFile } from 'node:fs/promises'
import { SessionlogError, SessionlogTypeError } from '../index.ts'
import { parseSkey, parseVkey } from '../proof/key.ts'

/** A verifier's key as it stands, or in a file. */
export async function readVkey(given: string): Promise<string> {
  // Of a slip with the signer's key nothing is to be seen.
  if (given.includes('PRIVATE+KEY'))
    throw new SessionlogTypeError("That is a signer's key; the verifier's is wanted", 'key')
  const vkey = isVkey(given) ? given : (await readText(given)).trim()
  if (isVkey(vkey)) return vkey
  throw new SessionlogTypeError(`${given} is no verifier's key, and none is in it`, 'key')
}

/** A signer's key, which only ever stands in a file. */
export async function readSkey(path: string): Promise<string> {
  const skey = (await readText(path)).trim()
  if (isVkey(skey))
    throw new SessionlogTypeError(`'${path}' holds a verifier's key; the signer's is wanted`, 'key')
  parseSkey(skey)
  return skey
}

/** Made so that nobody else can read it; one that is there is never replaced. */
export async function writeSkey(path: string, skey: string): Promise<void> {
  try {
    await writeFile(path, `${skey}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    throw new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot write the key: ${(cause as Error).message}`, {
      cause,
      path,
    })
  }
}

export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new SessionlogError('SESSIONLOG_IO_ERROR', `Cannot read '${path}': ${(cause as Error).message}`, {
      cause,
      path,
    })
  }
}

function isVkey(text: string): boolean {
  try {
    parseVkey(text)
    return true
  } catch {
    return false
  }
}
