import { describe, expect, test } from 'vitest'
import { TailIndex } from '../../src/log/tail-index.ts'

const record = (firstVersion: number) => ({
  firstVersion,
  firstPosition: 100 + firstVersion,
  bytes: new Uint8Array(10),
})

function indexed(...firstVersions: number[]) {
  const index = new TailIndex()
  for (const version of firstVersions) index.add('a', record(version))
  return index
}

describe('TailIndex', () => {
  test.each<[number, number, number[]]>([
    [1, 99, [1, 4, 5, 9]],
    [4, 4, [4]],
    [3, 3, [1]],
    [2, 5, [1, 4, 5]],
    [9, 9, [9]],
    [20, 20, [9]],
    [6, 8, [5]],
  ])('finds the records that hold versions %s to %s', (from, to, expected) => {
    const found = indexed(1, 4, 5, 9).find('a', { from, to })
    expect(found.map(place => place.firstVersion)).toEqual(expected)
  })

  test('lets go of what is sealed', () => {
    const index = indexed(1, 4, 5, 9)
    index.remove('a', 5)
    expect(index.sessions()).toEqual([['a', 9]])
    index.remove('a', 9)
    expect(index.sessions()).toEqual([])
    expect(index.find('a', { from: 1, to: 99 })).toEqual([])
  })

  test('does not keep the records themselves in memory', () => {
    const [place] = indexed(1).find('a', { from: 1, to: 1 })
    expect(Object.values(place!).every(value => typeof value === 'number')).toBe(true)
  })
})
