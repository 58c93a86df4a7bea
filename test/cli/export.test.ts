import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { spell } from '../state/exact.ts'
import { all, ndjson, sessionlog, start, temporary, withStore } from './cli.ts'

function everyType(): Record<string, unknown> {
  return {
    z: 1,
    a: { date: new Date(1e12), invalid: new Date(Number.NaN) },
    big: -(10n ** 40n),
    map: new Map<unknown, unknown>([[{ k: 1 }, new Set([1, 'two', new Date(0)])]]),
    bytes: new Uint8Array([0, 255, 128]),
    nothing: undefined,
    numbers: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0],
    bare: Object.assign(Object.create(null), { x: 1 }),
    $date: 'mine',
    only: { $date: 'mine too' },
    ['__proto__']: { polluted: false },
    lone: 'a\ud800b',
    wide: '日本語 😀',
  }
}

/** Everything that an export has to bring along. */
async function fill(store: SessionStore<unknown>): Promise<void> {
  await store.save('types', everyType(), {
    actor: 'ann',
    data: { when: new Date(5) },
    eventId: 'e1',
    occurredAt: 1.5,
  })
  await store.save('types', { ...everyType(), a: 'first' }, { reason: 'why\nnot', type: 'changed' })
  const { z, ...rest } = everyType()
  await store.save('types', { ...rest, z })
  await store.save('plain', { list: [1, 2, 3], text: 'hello world' })
  await store.edit('plain', draft => void (draft as { list: number[] }).list.unshift(0))
  await store.delete('plain', { actor: 'eve' })
  await store.save('plain', { back: true })
  await store.save('gone', 1)
  await store.delete('gone')
}

/** What happened in a store, spelled out, but for what only that store can have. */
async function trail(dir: string): Promise<string[]> {
  return withStore(dir, async store => {
    const told: string[] = []
    for await (const event of store.events()) {
      const { sessionId, version, type, actor, reason, data, eventId, occurredAt } = event
      const state = await store.stateAt(sessionId, { version })
      told.push(spell({ sessionId, version, type, actor, reason, data, eventId, occurredAt, state }))
    }
    for (const id of [...store.ids()].sort()) told.push(spell([id, store.get(id)]))
    return told
  })
}

describe('export', () => {
  test('gives lines that import makes the same history of: types, order of keys, deletes, who, when and why', async () => {
    const dir = temporary()
    const [first, second] = [join(dir, 'first'), join(dir, 'second')]
    await withStore(first, fill)
    const exported = await sessionlog(['export', '--dir', first])
    expect(exported.code).toBe(0)
    expect(exported.json).toHaveLength(9)
    expect(exported.json[0]).toMatchObject({ session: 'types', encoding: 'tagged' })
    expect(exported.json[3]).toEqual({
      session: 'plain',
      version: 1,
      recordedAt: expect.any(String),
      state: { list: [1, 2, 3], text: 'hello world' },
    })
    expect(exported.json[5]).toMatchObject({ session: 'plain', actor: 'eve', deleted: true })
    const imported = await sessionlog(['import', '-', '--dir', second], { input: exported.stdout })
    expect(imported.code).toBe(0)
    expect(await trail(second)).toEqual(await trail(first))
    const again = await sessionlog(['export', '--dir', second])
    const lines = (text: string) => text.replaceAll(/"recordedAt":"[^"]*",/g, '')
    expect(lines(again.stdout)).toBe(lines(exported.stdout))
  })

  test('gives the current states alone with --current', async () => {
    const dir = temporary()
    await withStore(dir, fill)
    const { json } = await sessionlog(['export', '--current', '--dir', dir])
    expect(json.map(line => [line.session, line.version])).toEqual([
      ['plain', 4],
      ['types', 3],
    ])
    expect(json[0].state).toEqual({ back: true })
  })

  test('turns what the store ended by itself into a delete, and keeps expiries', async () => {
    const dir = temporary()
    const [first, second] = [join(dir, 'first'), join(dir, 'second')]
    let now = Date.now()
    const later = now + 1e8
    const past = async (store: SessionStore<unknown>) => {
      await store.save('short', 1, { expiresAt: now + 1 })
      await store.save('long', 1, { expiresAt: later })
      now += 2
      expect(store.has('short')).toBe(false)
    }
    await withStore(first, past, { clock: () => now })
    const { stdout, json } = await sessionlog(['export', '--dir', first])
    expect(json).toMatchObject([{ state: 1 }, { state: 1 }, { deleted: true, type: 'expired' }])
    expect((await sessionlog(['import', '-', '--dir', second], { input: stdout })).code).toBe(0)
    await withStore(second, async store => {
      expect([...store.ids()]).toEqual(['long'])
      expect(store.version('short')).toBe(2)
      expect(await all(store.history('long'))).toMatchObject([{ expiresAt: later }])
    })
  })

  test("keeps each event's schema", async () => {
    const dir = temporary()
    const [first, second] = [join(dir, 'first'), join(dir, 'second')]
    for (const schemaVersion of [0, 2, 5]) {
      await withStore(first, store => store.save('a', { schemaVersion }), { schemaVersion })
    }
    const { stdout } = await sessionlog(['export', '--dir', first])
    expect((await sessionlog(['import', '-', '--dir', second], { input: stdout })).code).toBe(0)
    await withStore(second, async store => {
      const schemas = (await all(store.events())).map(event => event.schemaVersion)
      expect(schemas).toEqual([0, 2, 5])
    })
    const older = ndjson({ session: 'a', state: 1, schemaVersion: 1 })
    expect((await sessionlog(['import', '-', '--dir', second], { input: older })).code).toBe(5)
  })

  test('ends in silence where its reader has seen enough', async () => {
    const dir = temporary()
    await withStore(dir, async store => {
      const saves = Array.from({ length: 3000 }, (_, n) => store.save('a', { n, text: 'x'.repeat(1000) + n }))
      await Promise.all(saves)
    })
    const child = start('src/cli/main.ts', ['export', '--dir', dir])
    let stderr = ''
    child.stderr!.on('data', chunk => {
      stderr += chunk
    })
    await once(child.stdout!, 'data')
    child.stdout!.destroy()
    const [code] = await once(child, 'close')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})
