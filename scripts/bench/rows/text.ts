import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fresh, task } from '../fresh.ts'
import { atMost, type Bench, type Measure, oursAtMost, type Row } from '../measure.ts'
import { ROOT } from '../places.ts'
import type { Replayed } from '../tasks/replay-text.ts'

const WORKLOADS = join(ROOT, '..', 'shared', 'workloads')
const NAME = 'text-automerge-paper'

const replay = task<{ file: string }, Replayed>('replay-text')

export const textRow: Row = {
  name: 'text',
  about: `${NAME}: 259,778 saves of a document growing to 105 kB`,
  async run(bench: Bench): Promise<Measure[]> {
    const file = join(WORKLOADS, `${NAME}.ndjson.gz`)
    const measure = `${NAME}, saved in groups of 100: bytes on disk per save, after compaction`
    if (!existsSync(file)) {
      return [
        { measure, unit: 'bytes', must: oursAtMost(130), note: 'skipped: ../shared/workloads is absent' },
      ]
    }
    bench.say(`${NAME}: replaying`)
    const { saves, elapsedMs, bytesOnDisk, sha256, startBytes, endBytes } = await fresh(replay, { file })
    if (sha256 !== expectedDigest()) throw new Error(`${NAME}: the replayed text isn't the expected one`)
    const ratio = endBytes / startBytes
    return [
      {
        measure,
        unit: 'bytes',
        ours: bytesOnDisk / saves,
        must: oursAtMost(130),
        note: `${saves.toLocaleString('en')} saves`,
      },
      {
        measure: `${NAME}: median event among the last 1,000`,
        unit: 'bytes',
        ours: endBytes,
        against: 'among the first 1,000',
        peer: startBytes,
        ratio: { median: ratio, min: ratio, max: ratio },
        must: atMost(1.2),
        note: 'its changes alone',
      },
      { measure: `${NAME}: durable saves/s`, unit: 'saves/s', ours: (saves / elapsedMs) * 1000 },
    ]
  },
}

function expectedDigest(): string | undefined {
  const text = readFileSync(join(WORKLOADS, 'expected.json'), 'utf8')
  const expected = JSON.parse(text) as Record<string, { endContentSha256?: string }>
  return expected[`${NAME}.ndjson.gz`]?.endContentSha256
}
