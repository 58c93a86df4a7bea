import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Asks an owner whom we can't see whether it lives: a file is put beside its `owner.json`, and a living owner
 * removes it. Needed only where the last owner was in another network namespace and left without saying so.
 *
 * No answer means dead or stopped; then LevelDB's lock has the last word. A socket in the directory would answer for
 * a stopped owner too, but tools that copy directories, `fs.cp` among them, fail at the sight of one.
 */
export async function isAnswered(directory: string): Promise<boolean> {
  const knock = join(directory, `owner.${randomBytes(8).toString('hex')}.knock`)
  fs.writeFileSync(knock, '', { flag: 'wx' })
  try {
    for (const end = performance.now() + answerMsMax; performance.now() < end; ) {
      await delay(20)
      if (!fs.existsSync(knock)) return true
    }
    return false
  } finally {
    fs.rmSync(knock, { force: true })
  }
}

/** An owner whose event loop is busy for longer than this is taken for dead. */
const answerMsMax = 3_000

export function answerKnocks(directory: string): () => void {
  const answer = () => {
    const knocks = fs.readdirSync(directory).filter(name => /^owner\.[0-9a-f]{16}\.knock$/.test(name))
    for (const name of knocks) fs.rmSync(join(directory, name), { force: true })
  }
  // The first one also takes away what a candidate left that was killed while it waited.
  attempt(answer)
  try {
    const watcher = fs.watch(directory, { persistent: false }, () => attempt(answer))
    watcher.on('error', () => {})
    return () => watcher.close()
  } catch {
    // The system is out of watches.
    const timer = setInterval(() => attempt(answer), 500).unref()
    return () => clearInterval(timer)
  }
}

function attempt(action: () => void): void {
  try {
    action()
  } catch {}
}
