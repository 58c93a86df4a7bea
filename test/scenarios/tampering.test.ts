import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KIND } from '../../src/log/record.ts'
import { Chance } from '../support/damage.ts'
import { KINDS } from '../support/tamper-kinds.ts'
import { look, makeVictim, putStore, type Victim } from '../support/tampered-store.ts'
import { faultOf } from '../support/tampering.ts'

const seed = Number(process.env.SESSIONLOG_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`Tampering tests: SESSIONLOG_SEED=${seed}`)
/** Of each kind; `npm run torture` makes more. */
const TRIALS = 4

const scratch = mkdtempSync(join(tmpdir(), 'sessionlog-tampered-'))
const dir = join(scratch, 'store')
let victim: Victim

beforeAll(async () => {
  victim = await makeVictim(dir)
})

afterAll(() => rmSync(scratch, { recursive: true, force: true }))

describe('Through LevelDB, with a key or a value changed as its owner could,', () => {
  for (const [index, kind] of KINDS.entries()) {
    test(`${kind.name} is found and named`, async () => {
      const chance = new Chance(seed + index)
      for (let trial = 0; trial < TRIALS; trial++) {
        const found = await kind.try(victim, chance, dir)
        expect({ ...found, fault: faultOf(found) }).toMatchObject({ fault: undefined })
      }
    })
  }

  test('a store that nobody changed is found to be whole', async () => {
    putStore(dir, victim.files)
    expect(await look(dir, victim, true)).toEqual({ problems: [] })
  })

  test('a store holds every kind of event, of entry and of record that there is to be changed', () => {
    const events = [...victim.records.values()].flatMap(record => record.events)
    expect(new Set(events.map(event => event.kind))).toEqual(new Set(Object.values(KIND)))
    const letters = new Set([...victim.entries.keys()].map(key => key[0]))
    expect(letters).toEqual(new Set(['b', 'c', 'f', 'i', 'm', 's', 't', 'x']))
  })
})
