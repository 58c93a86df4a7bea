import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Encoder } from 'cbor-x'
import { framesFile, type History, stateFilesDir, statesFile } from '../history.ts'
import { CACHE, discard } from '../places.ts'
import { assign, changeAt, initialState, type State, sessionId } from '../workload.ts'

/** The peers' files for the same sessions and events: the states in one file, in a file each, and as frames. */
export async function run(history: History): Promise<void> {
  mkdirSync(CACHE, { recursive: true })
  const building = `${framesFile(history)}.building`
  const states = writeFrames(building, history)
  const entries = states.map((state, index) => [sessionId(index), state])
  writeFileSync(statesFile(history), JSON.stringify(entries))
  const dir = stateFilesDir(history)
  discard(dir)
  mkdirSync(dir)
  states.forEach((state, index) => {
    writeFileSync(join(dir, `${sessionId(index)}.json`), JSON.stringify(state))
  })
  // Last, as its presence says that all are there.
  renameSync(building, framesFile(history))
}

/** Frames `[id, version, pointer, value]`, the first of a session `[id, 1, '', state]`, as the store numbers them. */
function writeFrames(path: string, { sessions, events }: History): State[] {
  const encoder = new Encoder({ useRecords: false })
  const states = Array.from({ length: sessions }, (_, index) => initialState(index))
  const fd = openSync(path, 'w')
  let group: Buffer[] = []
  for (let step = 0; step < events; step++) {
    const index = step % sessions
    const round = Math.floor(step / sessions)
    const change = changeAt(round + index)
    assign(states[index]!, change)
    const pointer = round === 0 ? '' : `/${change.path.join('/')}`
    const value = round === 0 ? states[index] : change.value
    const frame = encoder.encode([sessionId(index), round + 1, pointer, value])
    const length = Buffer.allocUnsafe(4)
    length.writeUInt32LE(frame.length)
    // The encoder uses its buffer again.
    group.push(length, Buffer.from(frame))
    if (group.length < 20_000 && step < events - 1) continue
    writeSync(fd, Buffer.concat(group))
    group = []
  }
  closeSync(fd)
  return states
}
