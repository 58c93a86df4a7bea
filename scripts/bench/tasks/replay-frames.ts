import { readFileSync } from 'node:fs'
import { Decoder } from 'cbor-x'
import type { State } from '../workload.ts'
import { type Opened, opening } from './memory.ts'

type Frame = readonly [id: string, version: number, pointer: string, value: unknown]

/** Decodes every frame and applies it in place: no hash, no check, no order by session. */
export function run({ file }: { file: string }): Promise<Opened> {
  const decoder = new Decoder({ useRecords: false })
  return opening(() => {
    const states = new Map<string, State>()
    const bytes = readFileSync(file)
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.readUInt32LE(at)
      const [id, , pointer, value] = decoder.decode(bytes.subarray(at + 4, at + 4 + length)) as Frame
      if (pointer === '') states.set(id, value as State)
      else assignAt(states.get(id)!, pointer, value)
      at += 4 + length
    }
    return states
  })
}

const paths = new Map<string, string[]>()

function assignAt(state: State, pointer: string, value: unknown): void {
  let path = paths.get(pointer)
  if (path === undefined) {
    path = pointer.slice(1).split('/')
    paths.set(pointer, path)
  }
  let parent = state as Record<string, unknown>
  for (let depth = 0; depth < path.length - 1; depth++) parent = parent[path[depth]!] as typeof parent
  parent[path[path.length - 1]!] = value
}
