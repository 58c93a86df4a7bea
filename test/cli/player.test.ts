import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { sessionlog, temporary, withStore } from './cli.ts'
import { noTmux, Tmux } from './tmux.ts'

const HOUR_MS = 3_600_000
const naughty = fileURLToPath(
  new URL('../../../shared/conformance/naughty-strings/blns.json', import.meta.url),
)
const absent = existsSync(naughty) ? '' : ` (skipped: ${naughty} is absent)`

const ENTERED = '\x1b[?1049h'
const LEFT = '\x1b[?1049l'
/** What the player itself writes without colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they begin with.
const OWN_SEQUENCES = /\x1b\[(\?(25|7)[hl]|2[JK]|0m|\d+;1H|\d+G)/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there.
const ACTING = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/

/** `cart` with five events, an hour between each; the last deletes it. */
async function makeCart(): Promise<string> {
  const dir = temporary()
  let now = Date.UTC(2024, 1, 29)
  const clock = () => now
  await withStore(
    dir,
    async store => {
      for (const [n, actor] of ['ann', 'ben', 'cleo', 'dan'].entries()) {
        await store.save(
          'cart',
          { n, items: n < 2 ? ['tea'] : ['tea', 'milk'] },
          { actor, reason: `step ${n}` },
        )
        now += HOUR_MS
      }
      await store.delete('cart', { actor: 'eve' })
    },
    { clock },
  )
  return dir
}

/** A terminal in which a session is played. */
async function open(args: readonly string[], dir: string): Promise<Tmux> {
  const terminal = new Tmux()
  terminal.sessionlog(['replay', ...args, '--dir', dir])
  await terminal.shows('Space play', 'paused')
  return terminal
}

async function expectRestored(terminal: Tmux, exitCode: number): Promise<void> {
  const screen = await terminal.shows(`ended with ${exitCode}`, 'echoctl')
  expect(screen).not.toContain('Space play')
  // With a dash in front of it a setting is off.
  for (const setting of ['icanon', 'echo', 'isig']) expect(screen).toMatch(new RegExp(`(^|\\s)${setting}\\s`))
  expect(terminal.is('#{alternate_on} #{cursor_flag} #{wrap_flag}')).toBe('0 1 1')
}

describe.skipIf(noTmux)(`replay on a terminal${noTmux}`, () => {
  test('shows the first event, what it changed, and the state after it side by side', async () => {
    const terminal = await open(['cart'], await makeCart())
    const lines = (await terminal.shows('version 1 of 5')).split('\n')
    expect(lines[0]).toBe('cart  version 1 of 5  2024-02-29T00:00:00.000Z')
    expect(lines[1]).toBe('ann  saved  step 0')
    expect(lines[3]).toMatch(/^\+ {"n":0,"items":\["tea"\]} +│ > {$/)
  })

  test('plays to the very last event, and stops there', async () => {
    const terminal = await open(['cart', '--speed', '1e9'], await makeCart())
    terminal.keys('Space')
    await terminal.shows('version 5 of 5', 'eve  deleted', '(no state)', 'paused')
    terminal.keys('Space')
    await terminal.shows('This is the last event')
  })

  test('cuts a long pause, and says so', async () => {
    const terminal = await open(['cart'], await makeCart())
    terminal.keys('Space')
    await terminal.shows('playing: a pause of 3600.0 s is cut to 2.0 s')
    terminal.keys('Space')
    await terminal.shows('paused')
  })

  test('steps forward and back, to the ends, and no further', async () => {
    const terminal = await open(['cart'], await makeCart())
    terminal.keys('Right', 'l')
    await terminal.shows('version 3 of 5', '+/items/1 "milk"', '>     "milk"')
    terminal.keys('Left')
    await terminal.shows('version 2 of 5', '/n: 0 → 1')
    terminal.keys('h', 'h')
    await terminal.shows('version 1 of 5', 'This is the first event')
    terminal.keys('End')
    await terminal.shows('version 5 of 5')
    terminal.keys('Right')
    await terminal.shows('This is the last event')
    terminal.keys('Home')
    await terminal.shows('version 1 of 5')
  })

  test('jumps to a version, a time as it is shown, and a position', async () => {
    const terminal = await open(['cart'], await makeCart())
    terminal.line(':4')
    await terminal.shows('version 4 of 5')
    terminal.line(':2024-02-29 01:59:59Z')
    await terminal.shows('version 2 of 5')
    terminal.line(':@3')
    await terminal.shows('version 3 of 5')
  })

  test('a wrong jump, pointer or search says so and changes nothing', async () => {
    const terminal = await open(['cart', '--from', '2'], await makeCart())
    for (const [typed, message] of [
      [':6', 'Version 6 is not between 2 and 5'],
      [':soon', 'The place must be a version'],
      [':2020-01-01', 'Nothing had happened by then'],
      [':@99', 'SESSIONLOG_VERSION_NOT_FOUND'],
      ['/items', "'items' is no JSON Pointer"],
      ['//none', 'No later change under /none'],
    ] as const) {
      terminal.line(typed)
      await terminal.shows(message, 'version 2 of 5  (2 to 5)')
    }
  })

  test('searches for the next change under a path, again, and backwards', async () => {
    const terminal = await open(['cart'], await makeCart())
    terminal.line('//items')
    await terminal.shows('version 3 of 5')
    terminal.keys('n')
    await terminal.shows('version 5 of 5')
    terminal.keys('N')
    await terminal.shows('version 3 of 5')
  })

  test('fits the terminal when its size changes: one pane above the other where it is narrow', async () => {
    const terminal = await open(['cart'], await makeCart())
    // tmux shows the old screen, cut, until the new one is drawn.
    const fits = (rows: number, sideBySide: boolean) => (screen: string) => {
      const lines = screen.split('\n')
      const isFilled = lines[0]!.startsWith('cart') && lines[rows - 2]!.startsWith('paused')
      return isFilled && screen.includes('│') === sideBySide
    }
    terminal.resize(50, 14)
    await terminal.until(fits(14, false))
    terminal.resize(120, 30)
    await terminal.until(fits(30, true))
  })

  test('lists its keys', async () => {
    const terminal = await open(['cart'], await makeCart())
    terminal.keys('?')
    await terminal.shows('twice as fast', 'Any key goes back')
    terminal.keys('x')
    await terminal.shows('│')
  })

  test.each([['q'], ['Escape']])('%s restores the terminal, and ends with 0', async key => {
    const terminal = await open(['cart'], await makeCart())
    terminal.keys(key)
    await expectRestored(terminal, 0)
  })

  test('Ctrl-C restores the terminal, also while it plays, and ends with 130', async () => {
    const terminal = await open(['cart'], await makeCart())
    terminal.keys('Space')
    await terminal.shows('playing')
    terminal.keys('C-c')
    await expectRestored(terminal, 130)
    expect(terminal.screen()).toContain('(SIGINT)')
  })

  test('a request to end restores the terminal, and ends with 143', async () => {
    const terminal = await open(['cart'], await makeCart())
    process.kill(terminal.pid, 'SIGTERM')
    await expectRestored(terminal, 143)
  })

  test('Ctrl-Z gives the terminal back to the shell, and fg the player', async () => {
    const terminal = await open(['cart'], await makeCart())
    terminal.keys('Right')
    await terminal.shows('version 2 of 5')
    terminal.keys('C-z')
    await terminal.shows('Stopped')
    terminal.line('stty -a')
    await terminal.shows(' icanon ', ' echo ')
    expect(terminal.is('#{alternate_on} #{cursor_flag}')).toBe('0 1')
    terminal.line('fg')
    await terminal.shows('version 2 of 5', 'paused')
    terminal.keys('Right')
    await terminal.shows('version 3 of 5')
  })

  test('prints lines with --plain', async () => {
    const terminal = new Tmux()
    terminal.sessionlog(['replay', 'cart', '--plain', '--dir', await makeCart()])
    expect(await terminal.shows('ended with 0')).toContain(
      '2  2024-02-29 01:00:00Z  ben  saved  step 1  /n: 0 → 1',
    )
  })

  test('plays a bundle, from the version that it begins with', async () => {
    const dir = await makeCart()
    const bundle = join(dir, 'cart.slog')
    expect((await sessionlog(['bundle', 'cart', '--from', '3', '-o', bundle, '--dir', dir])).code).toBe(0)
    const terminal = await open(['cart'], bundle)
    await terminal.shows('version 3 of 5  (3 to 5)', '+/items/1 "milk"')
    terminal.line(':@4')
    await terminal.shows('version 4 of 5')
    terminal.keys('End', 'h', 'h', 'h')
    await terminal.shows('version 3 of 5', 'This is the first event')
  })

  test('goes through 20,000 events', async () => {
    const dir = temporary()
    await withStore(dir, async store => {
      for (let n = 1; n < 20_000; n++) void store.save('long', { n, rare: Math.floor(n / 15_000) })
      await store.save('long', { n: 20_000, rare: 2 })
    })
    const terminal = await open(['long'], dir)
    await terminal.shows('version 1 of 20,000')
    terminal.keys('End')
    await terminal.shows('version 20,000 of 20,000', '"n": 20000')
    terminal.keys('Left')
    await terminal.shows('version 19,999 of 20,000')
    terminal.keys('Home')
    await terminal.shows('version 1 of 20,000')
    terminal.line('//rare')
    await terminal.shows('version 15,000 of 20,000', '"rare": 1')
  })

  test('shows what changed in a text of 340,000 characters', async () => {
    const dir = temporary()
    const text = 'lorem ipsum '.repeat(28_334)
    await withStore(dir, async store => {
      await store.save('text', { text })
      await store.save('text', { text: `${text.slice(0, 200_000)}HERE${text.slice(200_000)}` })
    })
    const terminal = await open(['text'], dir)
    terminal.keys('Right')
    await terminal.shows('version 2 of 2', '@200000 +4')
    await terminal.until(screen => /│ > .*HERE/.test(screen))
  })

  test.skipIf(absent)(`naughty strings do not act on it${absent}`, async () => {
    const strings: string[] = [...JSON.parse(readFileSync(naughty, 'utf8')), '\x1b[31m\x9b2J\u202e']
    const dir = temporary()
    const id = strings.at(-1)!
    await withStore(dir, async store => {
      for (const text of strings)
        await store.save(id, { [text]: text }, { actor: text, reason: text, type: `.${text}` })
    })
    const terminal = new Tmux()
    const written = terminal.record()
    terminal.sessionlog(['replay', '--speed', '1e9', '--dir', dir, '--', id], { NO_COLOR: '1' })
    await terminal.shows('Space play', `version 1 of ${strings.length}`)
    terminal.keys('Space')
    const screen = await terminal.shows(`version ${strings.length} of ${strings.length}`, 'paused')
    expect(screen.split('\n')[0]).toContain('\\u{1b}[31m\\u{9b}2J\\u{202e}')
    terminal.keys('q')
    await terminal.shows('ended with 0')
    const drawn = (await written(LEFT)).split(ENTERED)[1]!.split(LEFT)[0]!
    expect(drawn.length).toBeGreaterThan(100_000)
    expect(drawn.replace(OWN_SEQUENCES, '')).not.toMatch(ACTING)
  })
})
