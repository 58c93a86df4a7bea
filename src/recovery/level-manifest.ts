import { ByteCursor } from './byte-cursor.ts'
import { attempt, type OnDamage } from './level-entry.ts'
import { readJournal } from './level-journal.ts'

/** Which files LevelDB's manifest says there are. */
export interface Manifest {
  /** Numbers of the tables. */
  readonly tables: ReadonlySet<number>
  /** Logs of this number or more hold what is in no table yet. */
  readonly log: number
}

/** Parts of an edit, by the number in front of each. */
const PART = {
  COMPARATOR: 1,
  LOG: 2,
  NEXT_FILE: 3,
  LAST_SEQUENCE: 4,
  COMPACTED: 5,
  DELETED: 6,
  ADDED: 7,
  PREVIOUS_LOG: 9,
} as const

/** Reads a manifest: a log of edits, each of which adds files and takes others away. */
export function readManifest(bytes: Buffer, onDamage: OnDamage): Manifest {
  const tables = new Set<number>()
  let log = 0
  for (const edit of readJournal(bytes, onDamage)) {
    const cursor = new ByteCursor(edit)
    const read = () => {
      while (!cursor.atEnd) {
        const part = cursor.varint()
        if (part === PART.COMPARATOR) cursor.text()
        else if (part === PART.LOG) log = cursor.varint()
        else if (part === PART.COMPACTED) skip(cursor)
        else if (part === PART.DELETED) tables.delete(fileIn(cursor))
        else if (part === PART.ADDED) tables.add(addedIn(cursor))
        else cursor.varint()
      }
      return true
    }
    if (attempt(read) === undefined) onDamage(0, 'an edit ends too early')
  }
  return { tables, log }
}

/** The number of a file, behind its level. */
function fileIn(cursor: ByteCursor): number {
  cursor.varint()
  return cursor.varint()
}

function addedIn(cursor: ByteCursor): number {
  const file = fileIn(cursor)
  cursor.varint()
  cursor.text()
  cursor.text()
  return file
}

function skip(cursor: ByteCursor): void {
  cursor.varint()
  cursor.text()
}
