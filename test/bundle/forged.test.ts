import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { encodeItem, ITEM, type Item } from '../../src/bundle/item.ts'
import { generateKey, openBundle } from '../../src/index.ts'
import { sha256 } from '../../src/log/chain.ts'
import { originLine, signCheckpoint } from '../../src/proof/checkpoint.ts'
import { bundlePath, type ForgedEvent, forge, itemsOf, writeItems, writeSealed } from '../support/bundles.ts'
import { codeOf, collect, failureOf } from '../support/outcome.ts'
import { create } from '../support/store.ts'

const WHOLE = (value: unknown, facts: unknown[] = []): ForgedEvent => [
  1,
  1000,
  undefined,
  facts,
  [[0, '', value]],
]

/** Events of which the hashes fit, that no store has written. */
const EVENTS: [what: string, events: ForgedEvent[]][] = [
  ['changes that are no list', [[1, 1000, undefined, [], 5]]],
  ['a change that is no list', [[1, 1000, undefined, [], [5]]]],
  ['an operation that there is not', [[1, 1000, undefined, [], [[9, '', 1]]]]],
  ['a path that is no text', [WHOLE({}), [0, 1000, undefined, [], [[0, 5, 1]]]]],
  ['a path that is no pointer', [WHOLE({}), [0, 1000, undefined, [], [[0, 'x', 1]]]]],
  ['a splice at no number', [WHOLE({ a: [] }), [0, 1000, undefined, [], [[3, '/a', 'x', 0, []]]]]],
  ['a whole event without a state', [[1, 1000, undefined, [], []]]],
  ['a whole event of a part', [[1, 1000, undefined, [], [[0, '/a', 1]]]]],
  ['no whole state at the beginning', [[0, 1000, undefined, [], [[0, '', 1]]]]],
  ['a keyframe without a state', [WHOLE(1), [2, 1000, undefined, [], []]]],
  ['an end that is none', [WHOLE(1), [3, 1000, undefined, [], [[0, '', 1]]]]],
  ['a type that is no text', [WHOLE(1, [5])]],
  ['an empty type', [WHOLE(1, [''])]],
  ['an actor that is a number', [WHOLE(1, [undefined, 7])]],
  ['an actor without an id', [WHOLE(1, [undefined, {}])]],
  ['a reason that is a list', [WHOLE(1, [undefined, undefined, []])]],
  ['an event id that is empty', [WHOLE(1, [undefined, undefined, undefined, undefined, ''])]],
  [
    'an event id that is too long',
    [WHOLE(1, [undefined, undefined, undefined, undefined, 'x'.repeat(2000)])],
  ],
  ['a time that is none', [[1, Number.NaN, undefined, [], [[0, '', 1]]]]],
  ['half a millisecond', [[1, 1000.5, undefined, [], [[0, '', 1]]]]],
  ['a negative schema', [WHOLE(1, [...Array(8).fill(undefined), -5])]],
  ['an origin that is none', [WHOLE(1, [...Array(9).fill(undefined), { origin: 1 }])]],
]

describe('openBundle() refuses an event with', () => {
  test.each(EVENTS)('%s', async (_, events) => {
    const file = bundlePath()
    forge(file, { a: events })
    expect(await failureOf(() => openBundle(file))).toMatchObject({
      code: 'SESSIONLOG_CORRUPTION',
      path: file,
    })
  })

  test('an id that none can be', async () => {
    const file = bundlePath()
    for (const id of ['', 'x'.repeat(5000)]) {
      forge(file, { [id]: [WHOLE(1)] })
      expect(await codeOf(() => openBundle(file))).toBe('SESSIONLOG_CORRUPTION')
    }
  })

  test('a length that is negative, so that its record would never end', async () => {
    const file = bundlePath()
    forge(file, { a: [WHOLE({ n: 1 })] })
    const items = await itemsOf(file)
    const record = Buffer.from(items[2]![2] as Uint8Array)
    const length = Buffer.alloc(9, 0xfb)
    length.writeDoubleBE(-10, 1)
    writeItems(file, items.with(2, [ITEM.RECORD, 1, Buffer.concat([length, record.subarray(5)])]))
    expect(await codeOf(() => openBundle(file))).toBe('SESSIONLOG_CORRUPTION')
  })

  test('members that a header does not have', async () => {
    const file = bundlePath()
    forge(file, { a: [WHOLE({ n: 1 })] })
    const items = await itemsOf(file)
    writeItems(file, items.with(0, [ITEM.HEADER, { ...(items[0]![1] as object), ok: true }]))
    expect(await codeOf(() => openBundle(file))).toBe('SESSIONLOG_CORRUPTION')
  })
})

test('A type of the store that comes later is read', async () => {
  const file = bundlePath()
  forge(file, { a: [WHOLE({ n: 1 }, ['$later']), [0, 1000, undefined, [], [[1, '/n', 2]]]] })
  expect((await openBundle(file)).get('a')).toEqual({ n: 2 })
})

test('CBOR that takes a decoder long is not decoded', async () => {
  const file = bundlePath()
  const bignum = Buffer.concat([Buffer.of(0xc2, 0x5a, 0, 4, 0, 0), Buffer.alloc(2 ** 18, 255)])
  const item = encodeItem([ITEM.END, 0, 0, ''])
  item.writeUInt32BE(bignum.length, 3)
  writeFileSync(file, gzipSync(Buffer.concat([item.subarray(0, 7), bignum])))
  expect(await codeOf(() => openBundle(file))).toBe('SESSIONLOG_CORRUPTION')
})

test('A bundle whose changes do not make its states says so when it is verified, or imported', async () => {
  const file = bundlePath()
  forge(file, { a: [WHOLE({ n: 1 }), [2, 1000, undefined, [], [[1, '/n', 2]], { n: 77 }]] })
  const bundle = await openBundle(file)
  expect(await failureOf(() => bundle.verify())).toMatchObject({
    code: 'SESSIONLOG_CORRUPTION',
    sessionId: 'a',
    version: 2,
  })
  forge(file, { a: [WHOLE({ n: 1 }), [0, 1000, undefined, [], [[1, '/m', 2]]]] })
  const misfit = await openBundle(file)
  expect(await failureOf(() => misfit.verify())).toMatchObject({
    code: 'SESSIONLOG_CORRUPTION',
    sessionId: 'a',
    version: 2,
  })
  expect(await codeOf(() => misfit.get('a'))).toBe('SESSIONLOG_CORRUPTION')
  const store = await create()
  expect(await codeOf(() => store.importBundle(file))).toBe('SESSIONLOG_CORRUPTION')
  expect(store.version('a')).toBe(0)
})

test('A session that is said to be its own parent has no lineage, and ends', async () => {
  const file = bundlePath()
  const forked = (from: string) =>
    WHOLE(1, ['$forked', undefined, undefined, { from: { sessionId: from, version: 1, hash: '' } }])
  forge(file, { a: [forked('a')], b: [forked('c')], c: [forked('b')] })
  const bundle = await openBundle(file)
  for (const id of ['a', 'b', 'c'])
    expect(await codeOf(() => bundle.lineage(id))).toBe('SESSIONLOG_CORRUPTION')
})

test('importBundle() takes nothing in that save() would refuse', async () => {
  const file = bundlePath()
  const refused: [unknown[], string][] = [
    [['$evil'], 'SESSIONLOG_INVALID_ARGUMENT'],
    [[...Array(7).fill(undefined), Number.POSITIVE_INFINITY], 'SESSIONLOG_CORRUPTION'],
  ]
  for (const [facts, code] of refused) {
    forge(file, { a: [WHOLE(1, facts)] })
    const store = await create()
    expect(await codeOf(() => store.importBundle(file))).toBe(code)
    expect(store.version('a')).toBe(0)
  }
  const id = [undefined, undefined, undefined, undefined, 'e']
  forge(file, { a: [WHOLE(1, id), WHOLE(2, id)] })
  const store = await create()
  expect(await failureOf(() => store.importBundle(file))).toMatchObject({
    code: 'SESSIONLOG_CORRUPTION',
    version: 2,
  })
  expect([store.version('a'), (await collect(store.events())).length]).toEqual([0, 0])
})

describe('openBundle() refuses, although the seal fits,', () => {
  /** Two sessions, in one of which the third of five events is redacted. */
  async function makeItems(skey?: string): Promise<{ file: string; items: Item[]; redacted: number }> {
    const store = await create<unknown>(skey === undefined ? {} : { signingKey: skey })
    for (let n = 1; n <= 5; n++)
      await store.save('a', { n, ...(n === 3 && { secret: 'tuna' }), text: 'word '.repeat(n) })
    await store.save('b', 1)
    const file = bundlePath()
    await store.exportBundle(['a', 'b'], { file, redact: ['/secret'] })
    const items = await itemsOf(file)
    return { file, items, redacted: items.findIndex(([kind]) => kind === ITEM.REDACTED) }
  }

  test('a proof that is another, or is missing', async () => {
    const { file, items } = await makeItems()
    for (const [at, [kind, hashes]] of items.entries()) {
      if (kind !== ITEM.PROOF) continue
      const [first, ...rest] = (hashes as Uint8Array[]).map(hash => Buffer.from(hash))
      first![7]! ^= 1
      for (const forged of [items.with(at, [ITEM.PROOF, [first, ...rest]]), items.toSpliced(at, 1)]) {
        writeSealed(file, forged)
        expect(await failureOf(() => openBundle(file))).toMatchObject({
          code: 'SESSIONLOG_PROOF_INVALID',
          sessionId: expect.any(String),
          version: expect.any(Number),
        })
      }
    }
    writeSealed(file, items)
    expect((await openBundle(file)).version('a')).toBe(5)
  })

  test('a redacted event that follows another one', async () => {
    const { file, items, redacted } = await makeItems()
    const [kind, version, shown, hash] = items[redacted]! as [3, number, Uint8Array, Uint8Array]
    const record = Buffer.from(shown)
    // Behind the kind, the id, the version, the position and the time stands the hash of the event before.
    const at = record.indexOf(Buffer.of(0x58, 32)) + 2
    record[at]! ^= 1
    record.write(sha256(record.subarray(5, -34)), record.length - 32, 32, 'hex')
    writeSealed(file, items.with(redacted, [kind, version, record, hash]))
    expect(await failureOf(() => openBundle(file))).toMatchObject({
      code: 'SESSIONLOG_CORRUPTION',
      version: 3,
    })
  })

  test('time that goes backwards', async () => {
    const file = bundlePath()
    forge(file, { a: [WHOLE({ n: 1 }), [0, 500, undefined, [], [[1, '/n', 2]]]] })
    expect(await failureOf(() => openBundle(file))).toMatchObject({
      code: 'SESSIONLOG_CORRUPTION',
      version: 2,
    })
  })

  test('a session that ends before it should', async () => {
    const { file, items } = await makeItems()
    const [kind, id, first] = items[1]!
    writeSealed(file, items.with(1, [kind, id, first, 6, 6]))
    expect(await failureOf(() => openBundle(file))).toMatchObject({
      code: 'SESSIONLOG_CORRUPTION',
      version: 6,
    })
  })

  test('a checkpoint that somebody else signed', async () => {
    const { skey, vkey } = generateKey('store')
    const { file, items } = await makeItems(skey)
    const header = items[0]![1] as { origin: string; position: number; root: string }
    const { origin, position: size, root } = header
    const checkpoint = signCheckpoint({ origin: originLine(origin), size, root }, generateKey('store').skey)
    writeSealed(file, items.with(0, [ITEM.HEADER, { ...header, checkpoint }]), skey)
    expect(await codeOf(() => openBundle(file, { key: vkey }))).toBe('SESSIONLOG_PROOF_INVALID')
    writeSealed(file, items, skey)
    expect((await openBundle(file, { key: vkey })).version('a')).toBe(5)
  })
})
