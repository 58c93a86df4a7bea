import { statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { checkOptions, checkPath, checkType, wrong } from '../arguments.ts'
import { SessionlogError } from '../errors.ts'
import { openLevelLog } from '../log/open-level.ts'
import { makeStore, settleStore } from '../new-store.ts'
import { isInside } from '../snapshot/disk-use.ts'
import { assertFree } from './owner-state.ts'
import type { SalvageOptions, SalvageReport } from './salvage-report.ts'
import { type Filled, fill } from './salvaged-log.ts'

/**
 * Makes a new store of whatever can be believed of a damaged one: of its log, of what was kept of it, of a backup, of its
 * bases and snapshots. As far as all events are there and a root proves them, it is the log as it was. What is left behind
 * that comes as new events. The store is only read, and no process may hold it: `SESSIONLOG_LOCKED`.
 */
export async function salvage(options: SalvageOptions): Promise<SalvageReport> {
  checkSalvage(options)
  const { from, dir, signal } = options
  if (isInside(dir, from)) throw wrong('The new store would lie in the old one', 'dir')
  await assertFree(from)
  return makeStore(dir, async place => {
    const path = join(place, 'scratch')
    const scratch = await openLevelLog(path)
    let filled: Filled
    try {
      filled = await fill(place, scratch, options)
    } finally {
      await scratch.close()
      await rm(path, { recursive: true, force: true })
    }
    signal?.throwIfAborted()
    return settleStore(place, filled.recordedAt, async (store, root) => {
      const { ok, problems } = await store.verify({ ...(signal && { signal }) })
      if (!ok)
        throw new SessionlogError(problems[0]!.code, `What was saved is not sound: ${problems[0]!.message}`)
      const { origin, position, size: sessions } = store
      return { ...filled.report, origin, position, root, sessions }
    })
  })
}

function checkSalvage(options: SalvageOptions): void {
  checkOptions(options, ['from', 'dir', 'backup', 'signal', 'onProgress'])
  checkPath(options.from, 'from')
  checkPath(options.dir, 'dir')
  if (options.backup !== undefined) checkPath(options.backup, 'backup')
  checkType(options, 'onProgress', 'function')
  if (!statSync(options.from, { throwIfNoEntry: false })?.isDirectory())
    throw wrong(`'${options.from}' is no directory`, 'from')
}
