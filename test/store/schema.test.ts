import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openStore } from '../../src/index.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { create, directoryOf, reopen } from '../support/store.ts'

const cart = z.object({ items: z.array(z.object({ sku: z.string(), count: z.number().int().min(1) })) })

/** A Standard Schema made by hand. */
function handmade<T>(validate: (value: unknown) => unknown): StandardSchemaV1<unknown, T> {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as never } }
}

describe('schema', () => {
  test('refuses what it does not allow, with path and issues, and nothing changes', async () => {
    const store = await create({ schema: cart })
    await store.save('a', { items: [{ sku: 'x', count: 1 }] })
    const bad = { items: [{ sku: 'x', count: 0 }] }
    const failure = await failureOf(() => store.save('a', bad))
    expect(failure).toMatchObject({
      code: 'SESSIONLOG_SCHEMA_REJECTED',
      path: '/items/0/count',
      sessionId: 'a',
    })
    expect(failure.cause).toMatchObject([{ path: ['items', 0, 'count'] }])
    expect(
      await codeOf(() =>
        store.edit('a', draft => {
          draft.items[0]!.count = 0
        }),
      ),
    ).toBe('SESSIONLOG_SCHEMA_REJECTED')
    expect(
      await codeOf(() =>
        store.saveAll([
          { id: 'b', state: { items: [] } },
          { id: 'a', state: bad },
        ]),
      ),
    ).toBe('SESSIONLOG_SCHEMA_REJECTED')
    expect(store.get('a')).toEqual({ items: [{ sku: 'x', count: 1 }] })
    expect([store.version('a'), store.has('b')]).toEqual([1, false])
  })

  test('is asked once a save, with an event id too', async () => {
    let asked = 0
    const schema = handmade<object>(value => {
      asked++
      return { value }
    })
    const store = await create({ schema })
    asked = 0
    await store.save('a', { n: 1 })
    await store.save('a', { n: 2 }, { eventId: 'e', data: { by: 'test' } })
    await store.edit('a', draft => void Object.assign(draft, { n: 3 }), { eventId: 'f' })
    expect(asked).toBe(3)
    expect(await store.save('a', { n: 2 }, { eventId: 'e', data: { by: 'test' } })).toMatchObject({
      version: 2,
      deduplicated: true,
    })
    expect(asked).toBe(4)
  })

  test('does not concern deletes', async () => {
    const store = await create({ schema: cart })
    await store.save('a', { items: [] })
    expect(await store.delete('a')).toMatchObject({ version: 2 })
  })

  test('saves what it answers with: unknown keys stripped, defaults filled in', async () => {
    const store = await create({
      schema: z.object({ name: z.string().trim(), count: z.number().default(1) }),
    })
    await store.save('a', { name: '  x ', extra: true } as never)
    expect(store.get('a')).toEqual({ name: 'x', count: 1 })
    expect((await reopen(store)).get('a')).toEqual({ name: 'x', count: 1 })
  })

  test('is asked before a repeated write is compared, so both have the same form', async () => {
    const store = await create({ schema: z.object({ name: z.string().trim() }) })
    await store.save('a', { name: ' x ' }, { eventId: 'e' })
    expect(await store.save('a', { name: ' x ' }, { eventId: 'e' })).toMatchObject({ deduplicated: true })
  })

  test('may be made by hand, with a path of keys, of segments, or none', async () => {
    let issue: object = { message: 'no', path: ['a', { key: 'b/c' }, 0] }
    const store = await create({
      schema: handmade<number>(value => (typeof value === 'number' ? { value } : { issues: [issue] })),
    })
    expect(await failureOf(() => store.save('a', 'x' as never))).toMatchObject({
      code: 'SESSIONLOG_SCHEMA_REJECTED',
      path: '/a/b~1c/0',
    })
    issue = { message: 'no' }
    expect(await failureOf(() => store.save('a', 'x' as never))).toMatchObject({
      code: 'SESSIONLOG_SCHEMA_REJECTED',
      path: '',
    })
    await store.save('a', 1)
    expect(store.get('a')).toBe(1)
  })

  test('that is asynchronous is refused at open', async () => {
    for (const outcome of [Promise.resolve({ value: 1 }), Promise.reject(new Error('later'))]) {
      const schema = handmade(() => outcome)
      expect(await failureOf(() => openStore({ db: new MemoryLevel(), schema }))).toMatchObject({
        code: 'SESSIONLOG_INVALID_ARGUMENT',
        path: 'schema',
      })
    }
  })

  test('that turns out to be asynchronous is refused at that save, and nothing changes', async () => {
    const schema = z.object({ name: z.string() }).refine(async () => true)
    const store = await create({ db: new MemoryLevel(), schema })
    expect(await failureOf(() => store.save('a', { name: 'x' }))).toMatchObject({
      code: 'SESSIONLOG_INVALID_ARGUMENT',
      path: 'schema',
    })
    expect(store.has('a')).toBe(false)
  })

  test('that throws at the question of open may still be used', async () => {
    const schema = handmade<{ n: number }>(value => ({ value: { n: (value as { n: number }).n } }))
    const store = await create({ schema })
    await store.save('a', { n: 1 })
    expect(store.get('a')).toEqual({ n: 1 })
  })

  test('that throws rejects the save with what was thrown', async () => {
    const thrown = new Error('broken validator')
    const schema = handmade<number>(() => {
      throw thrown
    })
    const store = await create({ schema })
    expect(await failureOf(() => store.save('a', 1))).toBe(thrown)
    expect(store.has('a')).toBe(false)
  })
})

interface V1 {
  name: string
}
interface V2 {
  first: string
  last: string
}
const upcast = (state: unknown): V2 => {
  const [first = '', last = ''] = (state as V1).name.split(' ')
  return { first, last }
}

async function evolved() {
  const store = await create<V1>({ schemaVersion: 1 })
  await store.save('a', { name: 'Ann Lee' })
  await store.save('b', { name: 'Bob Ray' })
  await store.save('b', { name: 'Bob Roy' })
  return store
}

describe('schemaVersion and upcast', () => {
  test('show readers the new shape, and leave the log as it was recorded', async () => {
    const old = await evolved()
    const store = await reopen<V2>(old as never, { schemaVersion: 2, upcast })
    expect(store.get('a')).toEqual({ first: 'Ann', last: 'Lee' })
    expect(store.get('a')).toBe(store.get('a'))
    expect(await store.stateAt('b', { version: 1 })).toEqual({ first: 'Bob', last: 'Ray' })
    const events = await collect(store.history('b'))
    expect(events[0]!.changes).toEqual([{ op: 'add', path: '', value: { name: 'Bob Ray' } }])
    expect(events.map(event => event.schemaVersion)).toEqual([1, 1])
    expect(store.version('a')).toBe(1)
    expect(await store.verify()).toMatchObject({ ok: true })
  })

  test('make the first save after a change of schema a whole state, and the next one changes again', async () => {
    const store = await reopen<V2>((await evolved()) as never, { schemaVersion: 2, upcast })
    await store.save('a', { first: 'Ann', last: 'Lee' })
    await store.edit('b', draft => {
      draft.last = 'Rye'
    })
    await store.edit('b', draft => {
      draft.last = 'Rae'
    })
    const [, whole] = await collect(store.history('a'))
    expect(whole).toMatchObject({
      schemaVersion: 2,
      changes: [{ path: '', value: { first: 'Ann', last: 'Lee' } }],
    })
    const [edited, next] = await collect(store.history('b', { from: 3 }))
    expect(edited!.changes).toEqual([{ op: 'replace', path: '', value: { first: 'Bob', last: 'Rye' } }])
    expect(next!.changes.map(change => change.path)).toEqual(['/last'])
    const reopened = await reopen(store)
    expect(reopened.get('b')).toEqual({ first: 'Bob', last: 'Rae' })
    expect(await reopened.stateAt('b', { version: 2 })).toEqual({ first: 'Bob', last: 'Roy' })
  })

  test('hold over compactions and rebuilds, and bases and snapshots keep the recorded shape', async () => {
    let store = await reopen<V2>((await evolved()) as never, { schemaVersion: 2, upcast })
    await store.compact()
    for (const options of [{}, { rebuild: true }]) {
      store = await reopen(store, options)
      expect(store.get('b')).toEqual({ first: 'Bob', last: 'Roy' })
      expect(await store.stateAt('b', { version: 1 })).toEqual({ first: 'Bob', last: 'Ray' })
      expect(await store.verify()).toMatchObject({ ok: true })
    }
  })

  test('tell the upcaster which schema a state had', async () => {
    const db = new MemoryLevel()
    let store = await create<unknown>({ db })
    await store.save('a', 'zero')
    store = await reopen(store, { schemaVersion: 1 })
    await store.save('b', 'one')
    await store.save('a', 'one')
    const asked: unknown[] = []
    const note = (state: unknown, version: number) => {
      asked.push([state, version])
      return { was: state, version }
    }
    store = await reopen(store, { schemaVersion: 3, upcast: note })
    expect(store.get('a')).toEqual({ was: 'one', version: 1 })
    expect(await store.stateAt('a', { version: 1 })).toEqual({ was: 'zero', version: 0 })
    expect(asked).toEqual([
      ['one', 1],
      ['zero', 0],
    ])
  })

  test('keep an upcaster from changing what was recorded', async () => {
    const old = await create<{ dates: Date[] }>({ schemaVersion: 1 })
    await old.save('a', { dates: [new Date(1)] })
    const vandal = (state: unknown) => {
      const { dates } = state as { dates: Date[] }
      dates[0]!.setTime(99)
      return { dates: [] }
    }
    const store = await reopen(old, { schemaVersion: 2, upcast: vandal })
    expect(store.get('a')).toEqual({ dates: [] })
    await store.compact()
    expect(await store.verify()).toMatchObject({ ok: true })
    const [event] = await collect(store.history('a'))
    expect(event!.changes).toEqual([{ op: 'add', path: '', value: { dates: [new Date(1)] } }])
  })

  test('compare a repeated write with the recorded state in its new shape', async () => {
    const old = await create<V1>({ schemaVersion: 1 })
    await old.save('a', { name: 'Ann Lee' }, { eventId: 'e' })
    const store = await reopen<V2>(old as never, { schemaVersion: 2, upcast })
    expect(await store.save('a', { first: 'Ann', last: 'Lee' }, { eventId: 'e' })).toMatchObject({
      deduplicated: true,
    })
  })

  test('that goes back is refused, and the store can be opened again as it was', async () => {
    const old = await evolved()
    const store = await reopen<V2>(old as never, { schemaVersion: 2, upcast })
    expect(await codeOf(() => reopen(store, { schemaVersion: 1 }))).toBe('SESSIONLOG_POLICY_VIOLATED')
    const again = await create<V2>({ dir: directoryOf(store as never), upcast })
    expect(again.get('a')).toEqual({ first: 'Ann', last: 'Lee' })
  })
})

describe('Policies are kept in the store', () => {
  test('requireActor holds whoever opens it, until it is set to false', async () => {
    let store = await create<number>({ requireActor: true })
    expect(await codeOf(() => store.save('a', 1))).toBe('SESSIONLOG_POLICY_VIOLATED')
    expect(await codeOf(() => store.save('a', 1, { actor: '' }))).toBe('SESSIONLOG_POLICY_VIOLATED')
    await store.save('a', 1, { actor: 'ann' })
    store = await reopen(store, { requireActor: undefined } as never)
    expect(await codeOf(() => store.edit('a', () => 2))).toBe('SESSIONLOG_POLICY_VIOLATED')
    expect(await codeOf(() => store.delete('a'))).toBe('SESSIONLOG_POLICY_VIOLATED')
    expect(await codeOf(() => store.saveAll([{ id: 'a', state: 2 }]))).toBe('SESSIONLOG_POLICY_VIOLATED')
    expect([store.get('a'), store.version('a')]).toEqual([1, 1])
    await store.saveAll([{ id: 'a', state: 2 }], { actor: 'ann' })
    store = await reopen(store, { requireActor: false })
    await store.save('a', 3)
    store = await reopen(store, { requireActor: undefined } as never)
    expect(await store.save('a', 4)).toMatchObject({ version: 4 })
  })

  test('requireReason likewise, and both together', async () => {
    let store = await create<number>({ requireReason: true, requireActor: true })
    expect(await codeOf(() => store.save('a', 1, { actor: 'ann' }))).toBe('SESSIONLOG_POLICY_VIOLATED')
    expect(await codeOf(() => store.save('a', 1, { reason: 'r' }))).toBe('SESSIONLOG_POLICY_VIOLATED')
    await store.save('a', 1, { actor: 'ann', reason: 'r' })
    store = await reopen(store, { requireActor: false, requireReason: undefined } as never)
    expect(await codeOf(() => store.save('a', 1, { actor: 'ann' }))).toBe('SESSIONLOG_POLICY_VIOLATED')
    await store.save('a', 2, { reason: 'r' })
  })

  test('schemaVersion is remembered by who does not name one', async () => {
    let store = await create<number>({ schemaVersion: 7 })
    store = await reopen(store, { schemaVersion: undefined } as never)
    await store.save('a', 1)
    expect(await collect(store.history('a'))).toMatchObject([{ schemaVersion: 7 }])
  })

  test('the origin stays the same', async () => {
    const store = await create<number>()
    const { origin } = store
    expect(origin).toMatch(/^[0-9a-f-]{36}$/)
    await store.save('a', 1)
    expect((await reopen(store)).origin).toBe(origin)
    expect((await create()).origin).not.toBe(origin)
  })
})
