import { describe, expect, test } from 'vitest'
import { collect } from '../support/outcome.ts'
import { create, reopen } from '../support/store.ts'
import { absence, hasConformance, readConformance } from '../support/workloads.ts'

const naughty: string[] = hasConformance ? JSON.parse(readConformance('naughty-strings/blns.json')) : []
const ids = naughty.filter(text => text !== '' && Buffer.byteLength(text) <= 1_024)

describe.skipIf(!hasConformance)(`Naughty strings${absence(hasConformance, 'conformance')}`, () => {
  test('are 500 of them or so', () => {
    expect(naughty.length).toBeGreaterThan(500)
    expect(ids.length).toBeGreaterThan(500)
  })

  test('work as ids, actors, reasons, types, event ids, keys and values, and come back as they were', async () => {
    const stateOf = (text: string) => ({ [text]: text, list: [text, { [text]: [text] }] })
    let store = await create<object>()
    for (const text of ids) {
      const type = text.startsWith('$') ? 'saved' : text
      store.save(text, stateOf(text), {
        actor: text,
        reason: text,
        type,
        eventId: text,
        data: { [text]: text },
      })
    }
    await store.flush()
    const check = async () => {
      expect([...store.ids()].sort()).toEqual([...new Set(ids)].sort())
      for (const text of ids) {
        expect(store.get(text)).toEqual(stateOf(text))
        expect(Object.keys(store.get(text)!)).toEqual(Object.keys(stateOf(text)))
        const [event] = await collect(store.history(text, { to: 1 }))
        expect(event).toMatchObject({ sessionId: text, actor: text, reason: text, eventId: text })
        expect(event!.data).toEqual({ [text]: text })
      }
      expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
    }
    await check()
    await store.compact()
    store = await reopen(store)
    await check()
    store = await reopen(store, { rebuild: true })
    await check()
  })

  test('work as a text that is edited into the next one', async () => {
    const store = await create<{ text: string }>()
    for (const text of naughty) store.save('a', { text })
    await store.flush()
    for (const [index, text] of naughty.entries()) {
      expect(await store.stateAt('a', { version: index + 1 })).toEqual({ text })
    }
  })
})
