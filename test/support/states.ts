/** A fresh state with every type that a state may hold, nested and not. */
export function everything(): Record<string, unknown> {
  const state: Record<string, unknown> = {
    zebra: 1,
    apple: 'first is not last',
    10: 'keys that are indexes come first',
    2: 'in ascending order',
    nothing: null,
    absent: undefined,
    yes: true,
    numbers: [0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53, 5e-324],
    bigints: [0n, -1n, 2n ** 63n, 2n ** 64n, -(2n ** 64n) - 1n, 10n ** 100n],
    dates: [new Date(0), new Date(-1), new Date(8.64e15), new Date(Number.NaN)],
    map: new Map<unknown, unknown>([
      ['key', { inside: new Date(1) }],
      [{ as: 'key' }, 2],
      [Number.NaN, undefined],
    ]),
    set: new Set<unknown>([1, 'one', { one: 1 }, new Set([new Map()])]),
    bytes: new Uint8Array([0, 127, 255]),
    empty: { object: {}, array: [], map: new Map(), set: new Set(), bytes: new Uint8Array(0), string: '' },
    strings: ['\ud800', 'a\udc00b', '😀', '\u0000', 'é', 'e\u0301', '\u2028'],
    bare: Object.assign(Object.create(null), { no: 'prototype', inner: [Object.create(null)] }),
    $date: 'not a tag',
    tags: [{ $date: '2024-02-29T12:00:00.000Z' }, { $escape: { $map: [] } }, { $undefined: true }],
    'slash/and~tilde': { '': 'empty key' },
    constructor: 'shadows',
    toString: 'too',
    deep: [[[[{ down: [{ here: 'it is' }] }]]]],
  }
  Object.defineProperty(state, '__proto__', {
    value: { polluted: true },
    enumerable: true,
    writable: true,
    configurable: true,
  })
  return state
}

/** A fresh JSON state of about so many bytes, made of small parts. */
export function sized(bytes: number): { items: { id: number; name: string; price: number }[] } {
  const item = (id: number) => ({ id, name: `Item number ${id} of the list`, price: (id * 7919) % 1000 })
  return { items: Array.from({ length: Math.max(1, Math.round(bytes / 56)) }, (_, id) => item(id)) }
}
