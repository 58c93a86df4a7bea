import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Output, wantsColor } from '../../src/cli/output.ts'
import { Progress } from '../../src/cli/progress.ts'
import { Table } from '../../src/cli/table.ts'

/** A stream that remembers; with `columns`, a terminal of that width. */
function fakeStream(columns?: number): NodeJS.WriteStream & { readonly text: string } {
  const stream = new Writable({
    write(chunk, _, done) {
      Object.assign(stream, { text: `${(stream as unknown as { text: string }).text}${chunk}` })
      done()
    },
  })
  return Object.assign(stream, { text: '', ...(columns && { isTTY: true, columns }) }) as never
}

describe('Table', () => {
  test('lines its columns up, numbers to the right, and nothing where there is no row', async () => {
    const stdout = fakeStream()
    const out = new Output(stdout, fakeStream(), () => {})
    const table = new Table(out, [{ title: 'name' }, { title: 'size', right: true }, { title: 'note' }])
    await table.end()
    await table.row('日本', '5', 'x')
    await table.row('a', '1,000', 'two\nlines')
    await table.end()
    await out.flush()
    expect(stdout.text).toBe('name   size  note\n日本      5  x\na     1,000  two\\nlines\n')
  })

  test('keeps to the width of the terminal', async () => {
    const stdout = fakeStream(30)
    const out = new Output(stdout, fakeStream(), () => {})
    const table = new Table(out, [{ title: 'name', widthMax: 10 }, { title: 'note' }])
    await table.row('x'.repeat(50), 'y'.repeat(50))
    await table.end()
    await out.flush()
    const lines = stripVTControlCharacters(stdout.text).trimEnd().split('\n')
    expect(Math.max(...lines.map(line => line.length))).toBe(30)
  })
})

describe('Progress', () => {
  afterEach(() => void vi.useRealTimers())

  test('shows itself after a second, on a terminal, and goes away', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const stream = fakeStream(80)
    const progress = new Progress(stream)
    progress.update('Working', 1, 10)
    vi.advanceTimersByTime(900)
    progress.update('Working', 2, 10)
    expect(stream.text).toBe('')
    vi.advanceTimersByTime(200)
    progress.update('Working', 5, 10)
    expect(stream.text).toContain('50 %')
    progress.end()
    expect(stream.text.endsWith('\r\x1b[K')).toBe(true)
  })

  test('says nothing where nobody looks', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const stream = fakeStream()
    const progress = new Progress(stream)
    progress.update('Working', 1)
    vi.advanceTimersByTime(5000)
    progress.update('Working', 2)
    progress.end()
    expect(stream.text).toBe('')
  })
})

test('wantsColor() asks NO_COLOR first, then FORCE_COLOR, then the terminal', () => {
  const [pipe, terminal] = [fakeStream(), fakeStream(80)]
  expect(wantsColor(terminal, {})).toBe(true)
  expect(wantsColor(terminal, { TERM: 'dumb' })).toBe(false)
  expect(wantsColor(terminal, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false)
  expect(wantsColor(terminal, { NO_COLOR: '' })).toBe(true)
  expect(wantsColor(pipe, {})).toBe(false)
  expect(wantsColor(pipe, { FORCE_COLOR: '1' })).toBe(true)
  expect(wantsColor(terminal, { FORCE_COLOR: '0' })).toBe(false)
})
