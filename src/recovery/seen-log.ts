import { mkdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { hasCode } from '../errors.ts'
import { decodeBase, STATE_ENCODING } from '../log/base.ts'
import { linkOrCopy } from '../log/found-log.ts'
import type { StoreRecord } from '../log/port.ts'
import { openStore } from '../open.ts'
import { withLog } from '../opened-log.ts'
import { checkStoreOptions } from '../options.ts'
import { type Witness, writeWitness } from '../snapshot/witness.ts'
import type { VerifyProblem } from '../verify.ts'
import type { ExamineOptions } from './examination.ts'
import { LogCopy } from './log-copy.ts'

/** A session as the log has it. */
export interface SeenSession {
  readonly version: number
  /** Of the last event. */
  readonly hash: string
  /** The version of its base, and whether that holds a state: then there is a snapshot, too. */
  readonly base: number
  readonly hasState: boolean
}

/** A log that was opened, in a copy. */
export interface SeenLog {
  readonly record: StoreRecord
  readonly position: number
  readonly root: string
  readonly recordedAt: number
  readonly sessions: ReadonlyMap<string, SeenSession>
  /** Why it would be refused all the same: what the witness says. */
  readonly loss: unknown
  /** What was found when all of it was read, where that was asked for. */
  readonly problems: readonly VerifyProblem[] | undefined
}

interface Looking extends Pick<ExamineOptions, 'deep' | 'signal' | 'onProgress'> {
  readonly witness: Witness | undefined
  /** Files of snapshots, which are verified with the rest. */
  readonly snapshots: readonly string[]
  /** Whether the log may change while it is copied. */
  readonly isHeld: boolean
}

/** Opening, LevelDB writes: so a copy is opened. Rejects as `openStore` would. */
export async function seeLog(dir: string, looking: Looking): Promise<SeenLog> {
  const copy = new LogCopy(dir, place => see(place, dir, looking), looking.isHeld ? undefined : 1)
  try {
    return (await copy.open())!
  } finally {
    await copy.remove()
  }
}

async function see(dir: string, of: string, looking: Looking): Promise<SeenLog> {
  const { witness, deep } = looking
  if (witness !== undefined) await writeWitness(dir, witness)
  let loss: unknown
  const opened = await read(dir).catch(async error => {
    if (witness === undefined || !hasCode(error, 'SESSIONLOG_EVENTS_MISSING')) throw error
    loss = error
    await rm(join(dir, 'head.json'))
    return read(dir)
  })
  return { ...opened, loss, problems: deep ? await verify(dir, of, looking) : undefined }
}

/** Nothing ends by itself while it is looked at. */
const QUIET = { role: 'owner', share: false, compactEvery: 0, clock: () => 0 } as const

async function read(dir: string): Promise<Omit<SeenLog, 'loss' | 'problems'>> {
  const { opened, bases } = await withLog(checkStoreOptions({ dir, ...QUIET }), async opened => {
    const bases = new Map<string, Pick<SeenSession, 'base' | 'hasState'>>()
    for await (const page of opened.place.log.bases()) {
      for (const { version, sessionId, encoding } of page.map(decodeBase))
        bases.set(sessionId, { base: version, hasState: encoding !== STATE_ENCODING.NONE })
    }
    return { opened, bases }
  })
  const { place, identity, rebuilt } = opened
  await place.release()
  const { tree, recordedAt } = rebuilt
  const sessions = new Map<string, SeenSession>()
  for (const [id, { version, hash }] of rebuilt.sessions)
    sessions.set(id, { version, hash, ...(bases.get(id) ?? { base: 0, hasState: false }) })
  return {
    record: identity.before ?? identity.record,
    position: tree.size,
    root: tree.root(),
    recordedAt,
    sessions,
  }
}

/** `of` is the directory that it is a copy of: the problems are told as that one's. */
async function verify(
  dir: string,
  of: string,
  { snapshots, signal, onProgress }: Looking,
): Promise<readonly VerifyProblem[]> {
  const folder = join(dir, 'sessions_v3')
  await mkdir(folder, { recursive: true })
  for (const path of snapshots) {
    // One may be replaced at this moment.
    await linkOrCopy(path, join(folder, basename(path))).catch(error => {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    })
  }
  const store = await openStore<unknown>({ dir, ...QUIET })
  try {
    const { problems } = await store.verify({ ...(signal && { signal }), ...(onProgress && { onProgress }) })
    const told = (text: string) => text.replaceAll(dir, of)
    return problems.map(({ path, message, ...problem }) => ({
      ...problem,
      message: told(message),
      ...(path !== undefined && { path: told(path) }),
    }))
  } finally {
    await store.close()
  }
}
