import { readFileSync } from 'node:fs'

/** This package's version. */
export function packageVersion(): string {
  const path = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

/** What writes a file, for whoever wonders later: its name and version. */
export function packageName(): string {
  return `sessionlog ${packageVersion()}`
}
