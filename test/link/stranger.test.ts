import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { SessionStore } from '../../src/index.ts'
import { Channel } from '../../src/link/channel.ts'
import { connectToOwner } from '../../src/link/connect.ts'
import { encodeMessage, FRAME_BYTES_MAX, frameOf, type Message } from '../../src/link/frame.ts'
import { greetOwner } from '../../src/link/handshake.ts'
import { MESSAGE } from '../../src/link/message.ts'
import { endpointOf } from '../../src/log/endpoint.ts'
import { identifyDirectory } from '../../src/log/lock.ts'
import { Chance } from '../support/chance.ts'
import { create, directoryOf } from '../support/store.ts'

type State = Record<string, unknown>

async function dial(store: SessionStore<State>): Promise<Socket> {
  const { identity } = identifyDirectory(directoryOf(store as never))
  const socket = connect(endpointOf(identity))
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** The store still works, alone and with a follower, and its log is whole. */
async function expectUnharmed(store: SessionStore<State>): Promise<void> {
  const follower = await create<State>({ dir: directoryOf(store as never), role: 'follower' })
  const { version } = await follower.save('after', { n: 1 })
  expect(store.get('after')).toEqual({ n: 1 })
  expect(await store.save('after', { n: 2 })).toMatchObject({ version: version + 1 })
  expect(await store.verify()).toMatchObject({ ok: true, problems: [] })
  await follower.close()
}

const closed = (socket: Socket) => (socket.destroyed ? undefined : once(socket, 'close'))

describe('A stranger at the endpoint does no harm', () => {
  const attacks: [name: string, bytes: () => Buffer][] = [
    ['with garbage', () => Buffer.concat([Buffer.from([0, 0, 0, 40]), randomBytes(40)])],
    ['with a frame that is too long', () => Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3])],
    ['with a frame longer than a greeting', () => Buffer.from([0, 1, 0, 0])],
    ['with what is CBOR and no message', () => Buffer.from([0, 0, 0, 1, 0x01])],
    ['with a message that comes later', () => frameOf([encodeMessage([MESSAGE.CALL, 1, 'join', ['a']])])],
    [
      'with a proof of nothing',
      () => frameOf([encodeMessage([MESSAGE.PROOF, 1, 0, randomBytes(32), randomBytes(32)])]),
    ],
    ['with a proof that is no bytes', () => frameOf([encodeMessage([MESSAGE.PROOF, 1, 0, 'a', 'b'])])],
    ['with an HTTP request', () => Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ]
  for (const [name, bytes] of attacks) {
    test(`${name}: it is sent away`, async () => {
      const store = await create<State>()
      const socket = await dial(store)
      socket.resume().write(bytes())
      await closed(socket)
      await expectUnharmed(store)
    })
  }

  test('who says half of something, or nothing, and stays', async () => {
    const store = await create<State>()
    const sockets = await Promise.all(Array.from({ length: 20 }, () => dial(store)))
    for (const [index, socket] of sockets.entries()) if (index % 2 === 0) socket.write(Buffer.from([0, 0]))
    await expectUnharmed(store)
  })

  test('and comes in great number: those that are too many are sent away, and nobody waits for them', async () => {
    const store = await create<State>()
    const sockets = await Promise.all(Array.from({ length: 300 }, () => dial(store)))
    await Promise.race(sockets.map(socket => closed(socket.resume())))
    for (const socket of sockets) socket.destroy()
    await expectUnharmed(store)
  })

  test('who speaks another version of the protocol: each is told so', async () => {
    const store = await create<State>()
    const channel = new Channel(await dial(store))
    expect((await channel.next()).slice(0, 3)).toEqual([MESSAGE.GREETING, 'sessionlog', 1])
    channel.send(MESSAGE.PROOF, 2, 0, randomBytes(32), randomBytes(32))
    const [kind, error] = await channel.next()
    expect(kind).toBe(MESSAGE.REFUSAL)
    expect((error as string[])[0]).toBe('SESSIONLOG_FORMAT_UNSUPPORTED')
    await expectUnharmed(store)
  })
})

test('The key is for its user alone, and gone when the store closes', async () => {
  const store = await create<State>()
  const path = join(directoryOf(store as never), 'owner.key')
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readFileSync(path)).toHaveLength(32)
  await store.close()
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
})

test('Whoever stands at the endpoint without the key is not taken for an owner', async () => {
  const store = await create<State>()
  const channel = new Channel(await dial(store))
  await expect(greetOwner(channel, async () => randomBytes(32))).rejects.toMatchObject({
    code: 'SESSIONLOG_LOCKED',
  })
})

describe('A follower that has lost its mind', () => {
  const kinds = Object.values(MESSAGE)
  const methods = [
    'join',
    'view',
    'openView',
    'closeView',
    'since',
    'read',
    'commits',
    'forks',
    'flush',
    'nothing',
    '',
  ]
  const anything = (chance: Chance, depth = 0): unknown => {
    const pick = chance.below(depth > 2 ? 9 : 12)
    const values = [0, 1, -1, 2 ** 53, Number.NaN, 'a', '', null, undefined]
    if (pick < values.length) return values[pick]
    if (pick === 9) return randomBytes(chance.below(40))
    return Array.from({ length: chance.below(4) }, () => anything(chance, depth + 1))
  }

  test('harms nobody, whatever it says', async () => {
    const store = await create<State>()
    await store.save('a', { n: 1 })
    const seed = Number(process.env.SESSIONLOG_SEED ?? Date.now() % 2 ** 31)
    console.log(`seed ${seed}`)
    const chance = new Chance(seed)
    for (let link = 0; link < 60; link++) {
      const channel = (await connectToOwner(directoryOf(store as never)))!
      expect(channel).toBeDefined()
      channel.onMessage(() => {})
      channel.send(MESSAGE.CALL, 1, 'join', [randomBytes(16).toString('hex')])
      for (let n = 0; n < 20; n++) {
        const kind = kinds[chance.below(kinds.length)]!
        const rest = Array.from({ length: chance.below(5) }, () => anything(chance))
        const call: Message = [MESSAGE.CALL, n, methods[chance.below(methods.length)], rest]
        if (chance.below(2) === 0) channel.send(...call)
        else channel.send(kind, ...rest)
      }
      await store.save('a', { link })
      channel.close()
    }
    await expectUnharmed(store)
    await store.close()
    const again = await create<State>({ dir: directoryOf(store as never) })
    expect(again.get('a')).toEqual({ link: 59 })
    expect(await again.verify()).toMatchObject({ ok: true, problems: [] })
  })

  test('sends nonsense while the owner looks something up, and is cut off', async () => {
    const store = await create<State>()
    await store.save('a', { n: 1 })
    const channel = (await connectToOwner(directoryOf(store as never)))!
    channel.onMessage(() => {})
    channel.send(MESSAGE.CALL, 1, 'join', [randomBytes(16).toString('hex')])
    await store.save('a', { n: 2 })
    // An item that is refused has the owner wait until all before it is through.
    for (let n = 0; n < 5; n++) channel.send(MESSAGE.WRITES, 1, [['no draft', null, null]])
    channel.send(MESSAGE.RESUME)
    channel.send(MESSAGE.WRITE, 'one', 'none')
    await new Promise<void>(resolve => channel.onEnd(resolve))
    await expectUnharmed(store)
  })

  test('sends a frame that is too long, and is cut off', async () => {
    const store = await create<State>()
    const channel = (await connectToOwner(directoryOf(store as never)))!
    expect(() => channel.send(MESSAGE.WRITE, 1, [Buffer.alloc(FRAME_BYTES_MAX)], [])).toThrow()
    await expectUnharmed(store)
    channel.close()
  })
})
