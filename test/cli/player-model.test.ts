import { describe, expect, test } from 'vitest'
import { type PlayerModel, type Pressed, press, turnedTo } from '../../src/cli/player-model.ts'
import { panesOf } from '../../src/cli/player-panes.ts'
import { FIRST, LONG, modelOf, SIZE, typed } from './player.ts'

/** What keys make of a model, one after another. */
function pressAll(model: PlayerModel, ...names: string[]): Pressed {
  let pressed: Pressed = { model }
  for (const name of names) pressed = press(pressed.model, typed(name), panesOf(model.step, SIZE))
  return pressed
}

describe('press()', () => {
  test('wishes for the versions around, and pauses', () => {
    const model = modelOf(FIRST, { last: 20, playing: true })
    for (const [key, version] of [
      ['right', 2],
      ['l', 2],
      ['end', 20],
      ['G', 20],
      ['g', 1],
    ] as const)
      expect(pressAll(model, key)).toMatchObject({
        model: { playing: false },
        wish: { to: 'version', version },
      })
  })

  test('says where there is no further event', () => {
    const { model, wish } = pressAll(modelOf(FIRST), 'h')
    expect([model.message, wish]).toEqual(['This is the first event', undefined])
    for (const key of ['right', 'space'])
      expect(pressAll(modelOf(FIRST), key)).toEqual({
        model: modelOf(FIRST, { message: 'This is the last event' }),
      })
  })

  test('plays, pauses, and changes the pace within bounds', () => {
    const model = modelOf(FIRST, { last: 20 })
    expect(pressAll(model, 'space').model.playing).toBe(true)
    expect(pressAll(model, 'space', 'space').model.playing).toBe(false)
    expect(pressAll(model, '+', '+', '-').model.speed).toBe(2)
    expect(pressAll(model, ...Array(100).fill('+')).model.speed).toBe(2 ** 20)
    expect(pressAll(model, ...Array(100).fill('-')).model.speed).toBe(2 ** -6)
    expect(pressAll(modelOf(FIRST, { speed: 1e9 }), '+').model.speed).toBe(1e9)
  })

  test('takes text in a prompt: no key is a command there', () => {
    const { model, wish } = pressAll(
      modelOf(FIRST),
      ':',
      'q',
      'space',
      'ctrl-z',
      'tab',
      '😀',
      'x',
      'backspace',
    )
    expect([model.prompt, wish]).toEqual([{ asks: 'jump', text: 'q 😀' }, undefined])
    expect(pressAll(model, 'backspace').model.prompt?.text).toBe('q ')
    expect(pressAll(model, 'ctrl-u').model.prompt?.text).toBe('')
    expect(pressAll(model, 'ctrl-u', 'backspace').model.prompt).toBeUndefined()
    expect(pressAll(model, 'escape')).toEqual({ model: { ...model, prompt: undefined } })
  })

  test.each([
    ['7', { to: 'version', version: 7 }],
    [' 7 ', { to: 'version', version: 7 }],
    ['@12', { to: 'point', point: { position: 12 } }],
    ['2024-02-29T12:00:00Z', { to: 'point', point: { time: Date.UTC(2024, 1, 29, 12) } }],
    ['2024-02-29 12:00:00Z', { to: 'point', point: { time: Date.UTC(2024, 1, 29, 12) } }],
    ['21', undefined],
    ['0', undefined],
    ['soon', undefined],
    ['', undefined],
  ])('jumps to %j as %j', (text, wish) => {
    const before = modelOf(FIRST, { last: 20 })
    const { model, wish: wished } = pressAll(before, ':', ...text, 'return')
    expect(wished).toEqual(wish)
    expect(model).toEqual({ ...before, message: wish || text === '' ? undefined : expect.any(String) })
  })

  test('searches for a JSON Pointer, again and backwards, and remembers no other', () => {
    const pressed = pressAll(modelOf(FIRST), '/', ...'/a~1b', 'return')
    expect(pressed.wish).toEqual({ to: 'change', pointer: '/a~1b', backwards: false })
    expect(pressAll(pressed.model, 'n').wish).toEqual(pressed.wish)
    expect(pressAll(pressed.model, '/', 'return').wish).toEqual(pressed.wish)
    expect(pressAll(pressed.model, 'N').wish).toEqual({ ...pressed.wish, backwards: true })
    const wrong = pressAll(pressed.model, '/', 'a', 'return')
    expect([wrong.wish, wrong.model.pointer]).toEqual([undefined, '/a~1b'])
    expect(pressAll(modelOf(FIRST), 'n')).toEqual({ model: modelOf(FIRST, { message: expect.any(String) }) })
  })

  test('scrolls the pane that has the focus, to its ends', () => {
    const model = modelOf(LONG)
    const { lines, rows } = panesOf(LONG, SIZE).state
    const most = lines.length - rows
    expect(pressAll(model, 'down', 'j', 'up').model.tops).toEqual({ changes: 0, state: 1 })
    expect(pressAll(model, 'k').model.tops.state).toBe(0)
    expect(pressAll(model, 'pagedown').model.tops.state).toBe(rows)
    expect(pressAll(model, ...Array(99).fill('pagedown')).model.tops.state).toBe(most)
    expect(pressAll(model, 'pagedown', 'tab', 'down').model.tops).toEqual({ changes: 1, state: rows })
  })

  test('a key closes the help, and does nothing else', () => {
    const { model, wish } = pressAll(modelOf(FIRST), '?', 'q')
    expect([model.helping, wish]).toEqual([false, undefined])
    expect(pressAll(modelOf(FIRST), 'q').wish).toEqual({ to: 'quit' })
  })
})

describe('turnedTo()', () => {
  test('brings what changed into sight, and leaves the state where it is if that is there', () => {
    const model = { ...modelOf(FIRST, { last: 20 }), tops: { changes: 5, state: 3 } }
    const panes = panesOf(LONG, SIZE)
    const mark = panes.state.lines.findIndex(line => line.mark !== undefined)
    const { tops } = turnedTo(model, LONG, panes)
    expect(tops.changes).toBe(0)
    expect(mark - tops.state).toBeGreaterThanOrEqual(0)
    expect(mark - tops.state).toBeLessThan(panes.state.rows)
    const kept = { ...model, tops: { changes: 0, state: mark - 1 } }
    expect(turnedTo(kept, LONG, panes).tops.state).toBe(mark - 1)
  })

  test('brings into sight what was searched for, where that changed', () => {
    const changedAt = (name: string) => {
      const panes = panesOf(LONG, SIZE, [name])
      const { tops } = turnedTo(modelOf(FIRST, { last: 20 }), LONG, panes)
      const seen = (pane: 'changes' | 'state') =>
        panes[pane].lines.slice(tops[pane], tops[pane] + panes[pane].rows)
      return [seen('changes')[0]!.text, seen('state').some(line => line.text.includes(`"${name}":`))]
    }
    expect(changedAt('n160')).toEqual(['/n160: 160 → -11', true])
    expect(changedAt('n189')[1]).toBe(true)
    expect(changedAt('n7')).toEqual(['/n150: 150 → -1', false])
  })

  test('stops playing at the last event', () => {
    const panes = panesOf(LONG, SIZE)
    expect(turnedTo(modelOf(FIRST, { playing: true, last: 3 }), LONG, panes).playing).toBe(true)
    expect(turnedTo(modelOf(FIRST, { playing: true, last: 2 }), LONG, panes).playing).toBe(false)
  })
})
