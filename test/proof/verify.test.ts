import fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { KIND, type RawEvent } from '../../src/log/record.ts'
import { parseTlogProof } from '../../src/proof/tlog-proof.ts'
import { verifyProof } from '../../src/proof/verify.ts'
import { manyEdits } from '../state/arbitrary.ts'
import { expectExact } from '../state/exact.ts'
import { collect } from '../support/outcome.ts'
import { checkpointOf, type Logged, proofOf, readLog } from '../support/proofs.ts'
import { everything, sized } from '../support/states.ts'
import { create, TestClock } from '../support/store.ts'

const TRIALS = Number(process.env.SESSIONLOG_PROOF_TRIALS ?? 60)

async function createIn(): Promise<{ db: MemoryLevel; store: SessionStore<unknown>; clock: TestClock }> {
  const db = new MemoryLevel()
  const clock = new TestClock()
  return { db, store: await create<unknown>({ db, clock: clock.read }), clock }
}

/** Proves each event, and compares what is proved with what the store says. */
async function expectProofs(store: SessionStore<unknown>, logged: Logged): Promise<void> {
  const checkpoint = checkpointOf(logged)
  const recorded = await collect(store.events())
  expect(recorded).toHaveLength(logged.events.length)
  for (const [index, event] of logged.events.entries()) {
    const { state, ...proved } = verifyProof(proofOf(logged, event, checkpoint), logged.key.vkey)
    const { sessionId, version } = event
    expectExact(state, await store.stateAt(sessionId, { version }))
    expect(proved).toEqual(expectedOf(logged, recorded[index]!))
  }
}

type ProvedEvent = ReturnType<typeof verifyProof>

function expectedOf({ origin, events }: Logged, event: object): Omit<ProvedEvent, 'state'> {
  const names = ['sessionId', 'version', 'position', 'recordedAt', 'type', 'actor', 'reason', 'hash']
  const facts = Object.fromEntries(Object.entries(event).filter(([name]) => names.includes(name)))
  return { ...(facts as Omit<ProvedEvent, 'state'>), origin, size: events.length, root: expect.any(String) }
}

describe('verifyProof() finds what the store says', () => {
  test('at every version, after edits of any kind of any state', async () => {
    const kinds = new Set<number>()
    await fc.assert(
      fc.asyncProperty(fc.array(manyEdits, { minLength: 1, maxLength: 3 }), async sessions => {
        const { db, store } = await createIn()
        const longest = Math.max(...sessions.map(states => states.length))
        for (let step = 0; step < longest; step++) {
          for (const [number, states] of sessions.entries()) {
            if (step < states.length) await store.save(`s${number}`, states[step])
          }
        }
        const logged = await readLog(db)
        for (const event of logged.events) kinds.add(event.kind)
        await expectProofs(store, logged)
        await store.close()
      }),
      { numRuns: TRIALS },
    )
    expect(kinds).toContain(KIND.CHANGES)
    expect(kinds).toContain(KIND.WHOLE)
  })

  test('at every version of a session with every kind of value, event and change, sealed or not', async () => {
    const { db, store, clock } = await createIn()
    type State = ReturnType<typeof everything> &
      ReturnType<typeof sized> & { text: string; bare: { no: string } }
    const id = '名前 #1 / 😀'
    await store.save(
      id,
      { ...everything(), ...sized(3_000), text: 'lorem ipsum '.repeat(50) },
      { actor: 'ada' },
    )
    const edit = (recipe: (state: State) => void, options = {}) =>
      store.edit(id, recipe as (state: unknown) => void, options)
    for (let round = 0; round < 40; round++) {
      clock.now += 977
      await edit(
        state => {
          state.items[round % 7]!.price = round + 0.5
        },
        { actor: 'bob', reason: `round ${round}` },
      )
      await edit(state => void state.items.splice(round % 5, 1, ...sized(150).items), { type: 'moved' })
      await edit(state => {
        state.text = `${state.text.slice(0, 100)}😀${round}${state.text.slice(97)}`
      })
      await edit(state => {
        state.bare.no = `prototype ${round}`
        state[`~/${round}`] = new Map([[round, { at: new Date(clock.now) }]])
        if (round > 2) delete state[`~/${round - 2}`]
      })
      if (round % 9 === 0)
        await store.save(id, reordered(store.get(id) as object, round), { type: 'reordered', reason: '' })
      if (round === 20) await store.compact()
    }
    await store.delete(id, { actor: 'eve', reason: 'the right to be forgotten' })
    await store.save(id, 'back again')
    await store.delete(id, { type: 'left' })
    const logged = await readLog(db)
    expect(new Set(logged.events.map(event => event.kind))).toEqual(new Set(Object.values(KIND)))
    await expectProofs(store, logged)
  })

  test('at the first of a store, and at each size of the tree from there', async () => {
    const { db, store } = await createIn()
    for (let n = 0; n < 20; n++) await store.save(`s${n % 3}`, { n })
    const logged = await readLog(db)
    for (const event of logged.events) {
      for (let size = event.position; size <= logged.events.length; size++) {
        const proved = verifyProof(proofOf(logged, event, checkpointOf(logged, size)), logged.key.vkey)
        expect(proved).toMatchObject({ size, position: event.position, state: { n: event.position - 1 } })
      }
    }
  })

  test('where a state has a thousand levels', async () => {
    const wraps: ((inner: unknown) => unknown)[] = [
      inner => [inner],
      inner => ({ a: inner }),
      inner => new Map([[inner, 1]]),
      inner => new Set([inner]),
      inner => Object.defineProperty(Object.create(null), '__proto__', { value: inner, enumerable: true }),
    ]
    const { db, store } = await createIn()
    for (const [number, wrap] of wraps.entries()) {
      let state: unknown = 1
      for (let level = 0; level < 1_000; level++) state = wrap(state)
      await store.save(`s${number}`, state)
    }
    await expectProofs(store, await readLog(db))
  })

  test('where a state is large', async () => {
    const { db, store } = await createIn()
    const text = 'aé→😀'.repeat(60_000)
    await store.save('s', { text, ...sized(500_000), bytes: new Uint8Array(100_000).fill(7) })
    for (let n = 0; n < 5; n++) {
      await store.edit('s', (state: unknown) => {
        ;(state as { text: string }).text += n
      })
    }
    await expectProofs(store, await readLog(db))
  })
})

/** The same members in another order, one of them new in the midst. */
function reordered(state: object, round: number): object {
  const entries = Object.entries(state).filter(([key]) => !key.startsWith('new '))
  const at = 4 + (round % 5)
  const moved = round % 4 === 0 ? [...entries.slice(at), ...entries.slice(0, at)] : entries
  const next = [...moved.slice(0, at), [`new ${round}`, round], ...moved.slice(at)]
  const object = {}
  for (const [key, value] of next)
    Object.defineProperty(object, key as string, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  return object
}

describe('verifyProof() knows whose log it is', () => {
  test('by the name of the key, or by the origin that it is given', async () => {
    const { db, store } = await createIn()
    await store.save('s', 1)
    const logged = await readLog(db)
    const proof = proofOf(logged, logged.events[0] as RawEvent)
    expect(verifyProof(proof, logged.key.vkey, logged.origin).state).toBe(1)
    expect(() => verifyProof(proof, logged.key.vkey, 'sessionlog/another')).toThrow(
      expect.objectContaining({ code: 'SESSIONLOG_PROOF_INVALID' }),
    )
    expect(parseTlogProof(proof).checkpoint.split('\n')[0]).toBe(logged.origin)
  })
})
