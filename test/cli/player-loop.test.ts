import picocolors from 'picocolors'
import { expect, onTestFinished, test } from 'vitest'
import { Player } from '../../src/cli/player.ts'
import { type PlayerSource, PlayerSteps } from '../../src/cli/player-steps.ts'
import { SessionlogError } from '../../src/index.ts'
import { deferred } from '../support/outcome.ts'
import { create } from '../support/store.ts'
import { SIZE, typed } from './player.ts'

const EVENTS = 50

/** A player of a session of 50 events on a screen that a test can look at; `wrap` stands in front of the store. */
async function played(wrap: (source: PlayerSource) => Partial<PlayerSource> = () => ({}), speed = 1) {
  const store = await create<unknown>()
  for (let n = 1; n <= EVENTS; n++) await store.save('list', { n, ten: Math.floor(n / 10) })
  const source: PlayerSource = {
    stateAt: (id, point) => store.stateAt(id, point),
    history: (id, options) => store.history(id, options),
  }
  const abort = new AbortController()
  const steps = new PlayerSteps({ ...source, ...wrap(source) }, 'list', 1)
  let lines: readonly string[] = []
  let onDrawn = () => {}
  const screen = {
    size: SIZE,
    suspend: () => {},
    draw(drawn: readonly string[]) {
      lines = drawn
      onDrawn()
    },
  }
  const range = { session: 'list', first: 1, last: EVENTS, head: EVENTS }
  const options = { ...range, speed, steps, colors: picocolors.createColors(false), signal: abort.signal }
  const player = await Player.open(options, screen)
  const ended = player.run().then(
    () => 'quit',
    error => error,
  )
  onTestFinished(() => abort.abort())
  return {
    player,
    abort,
    ended,
    press: (...names: string[]) => {
      for (const name of names) player.onKey(typed(name))
    },
    /** Resolves once all of that is on the screen. */
    shows: (...texts: string[]) =>
      new Promise<void>(resolve => {
        onDrawn = () => {
          if (texts.every(text => lines.join('\n').includes(text))) resolve()
        }
        onDrawn()
      }),
  }
}

test('keys that come while something is read wait in line', async () => {
  const gate = deferred()
  const { press, shows } = await played(source => ({
    async *history(id, options) {
      if (options?.from === 2) await gate.promise
      yield* source.history(id, options)
    },
  }))
  press('right', 'right', 'right', 'left', ':')
  press(...'30', 'return', 'right')
  gate.resolve()
  await shows('version 31 of 50')
})

test('playing reaches the last event, and a key that comes meanwhile is obeyed before the next step', async () => {
  const { press, shows, ended } = await played(undefined, 1e9)
  press('space')
  await shows('version 50 of 50', 'paused')
  press('g', 'space', 'space', 'right')
  await shows('version 2 of 50', 'paused')
  press('q')
  expect(await ended).toBe('quit')
})

test('Esc stops a search, and another search can be made', async () => {
  const gate = deferred()
  const { press, shows } = await played(source => ({
    async *history(id, options) {
      for await (const event of source.history(id, options)) {
        if (options?.to === EVENTS && event.version === 20) await gate.promise
        options?.signal?.throwIfAborted()
        yield event
      }
    },
  }))
  press('/', ...'/none', 'return')
  await new Promise(setImmediate)
  press('escape')
  gate.resolve()
  await shows('The search was stopped', 'version 1 of 50')
  press('/', ...'/ten', 'return')
  await shows('version 10 of 50')
})

test('an event that cannot be read is told, and the others can still be looked at', async () => {
  const { press, shows } = await played(
    source => ({
      async *history(id, options) {
        if (options?.from === 3) throw new SessionlogError('SESSIONLOG_CORRUPTION', 'damaged')
        yield* source.history(id, options)
      },
    }),
    1e9,
  )
  press('space')
  await shows('version 2 of 50', 'damaged (SESSIONLOG_CORRUPTION)')
  press('end')
  await shows('version 50 of 50')
})

test('it ends with the reason of its signal, and with what nobody expected', async () => {
  const stopped = await played()
  stopped.abort.abort('enough')
  expect(await stopped.ended).toBe('enough')
  const bug = new Error('a bug')
  const broken = await played(source => ({
    stateAt: (id, point) =>
      'version' in point && point.version > 1 ? Promise.reject(bug) : source.stateAt(id, point),
  }))
  broken.press('end')
  expect(await broken.ended).toBe(bug)
})

test('it ends when nothing more can be typed', async () => {
  const { player, ended } = await played()
  player.onEnd()
  expect(await ended).toBe('quit')
})
