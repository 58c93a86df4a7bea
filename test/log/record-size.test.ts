import { describe, expect, test } from 'vitest'
import { ObservedLevel } from '../support/observed-level.ts'
import { create, reopen } from '../support/store.ts'

/** How many bytes a second save takes, once the first is there; it is read back, too. */
async function secondSave<T>(first: T, second: T) {
  const db = new ObservedLevel()
  const store = await create<T>({ db })
  await store.save('a', first)
  db.writes.length = 0
  await store.save('a', second)
  const record = db.writes[0]!.puts.get(db.written('t')[0]!)!.length
  expect((await reopen(store, { rebuild: true })).get('a')).toEqual(second)
  return record
}

const numbers = Array.from({ length: 10_000 }, (_, n) => n)
const rows = numbers.map(n => ({ id: n, name: `row ${n}`, tags: [`t${n % 7}`] }))
const text = Array.from({ length: 10_000 }, (_, n) => `word ${n} of the text, `)
  .join('')
  .slice(0, 250_000)

describe('A save costs what changed, not what is there: less than 300 bytes for', () => {
  test.each<[string, unknown, unknown]>([
    ['one number at the front of 10,000', numbers, [-1, ...numbers]],
    ['one number in the middle of 10,000', numbers, numbers.toSpliced(5_000, 0, -1)],
    ['one number gone from the front of 10,000', numbers, numbers.slice(1)],
    [
      'one object at the front of 10,000, all of them fresh',
      rows,
      [{ id: -1, name: 'new', tags: [] }, ...structuredClone(rows)],
    ],
    ['one object gone from 10,000, all of them fresh', rows, structuredClone(rows).toSpliced(4_321, 1)],
    [
      'one field of one of 10,000 objects, all of them fresh',
      rows,
      structuredClone(rows).with(9_999, { id: 0, name: 'x', tags: [] }),
    ],
    [
      'a list inside one of 10,000 objects',
      { rows },
      { rows: rows.with(77, { ...rows[77]!, tags: ['t', 'new'] }) },
    ],
    [
      'one character in the middle of 250 kB of text',
      text,
      `${text.slice(0, 125_000)}X${text.slice(125_000)}`,
    ],
    ['one character at the front of 250 kB of text', { text }, { text: `X${text}` }],
    ['one character at the end of 250 kB of text', { text }, { text: `${text}X` }],
    [
      'one character gone from 250 kB of text',
      { text },
      { text: text.slice(0, 99_999) + text.slice(100_000) },
    ],
    [
      'one character beyond U+FFFF in 250 kB of text',
      { text },
      { text: `${text.slice(0, 7)}😀${text.slice(7)}` },
    ],
    ['nothing', rows, structuredClone(rows)],
  ])('%s', async (_, first, second) => {
    expect(await secondSave(first, second)).toBeLessThan(300)
  })
})

describe('An edit costs what it changes: less than 300 bytes for', () => {
  test.each<[string, (draft: { rows: typeof rows; numbers: number[] }) => void]>([
    ['an object at the front of 10,000', draft => void draft.rows.unshift({ id: -1, name: 'new', tags: [] })],
    [
      'an object in the middle of 10,000',
      draft => void draft.rows.splice(5_000, 1, { id: -1, name: 'x', tags: [] }),
    ],
    ['an object gone from the front of 10,000', draft => void draft.rows.shift()],
    ['a field of one of 10,000', draft => void draft.rows[7_777]!.tags.push('new')],
    ['a number at the front of 10,000', draft => void draft.numbers.unshift(-1)],
    ['nothing', () => {}],
  ])('%s', async (_, recipe) => {
    const db = new ObservedLevel()
    const store = await create<{ rows: typeof rows; numbers: number[] }>({ db })
    await store.save('a', { rows, numbers })
    db.writes.length = 0
    await store.edit('a', recipe)
    const state = structuredClone({ rows, numbers })
    recipe(state)
    expect(store.get('a')).toEqual(state)
    expect(db.writes[0]!.puts.get(db.written('t')[0]!)!.length).toBeLessThan(300)
    expect((await reopen(store, { rebuild: true })).get('a')).toEqual(state)
  })
})

test('An event does not grow with the document', async () => {
  const sizes = []
  for (const length of [1_000, 10_000, 100_000]) {
    const before = text.slice(0, length)
    sizes.push(await secondSave({ text: before }, { text: `${before.slice(0, 500)}X${before.slice(500)}` }))
  }
  expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(8)
})

test('A session id and an actor are what an event costs beside its change', async () => {
  const small = await secondSave({ n: 1 }, { n: 2 })
  expect(small).toBeLessThan(130)
})
