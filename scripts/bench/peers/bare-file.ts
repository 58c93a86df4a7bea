import { close, fdatasync, open as openFile, write } from 'node:fs'
import { join } from 'node:path'
import { EVENT, type Save } from '../workload.ts'
import { Gather } from './gather.ts'
import { type Peer, type PeerKind, together } from './peer.ts'

/**
 * The least that is durable and acknowledged: append to one file, one write and one fdatasync a group. No index,
 * no order by session, no read path. A state becomes text when it is saved, as its caller may change it next.
 */
export const fileState: PeerKind = {
  name: 'bare file with group commit, whole state',
  payload: 'state',
  open: dir => open(dir, save => `${JSON.stringify(save.state)}\n`),
}

export const fileEvent: PeerKind = {
  name: 'bare file with group commit, 200-byte event',
  payload: 'event',
  open: dir => open(dir, () => LINE),
}

const LINE = EVENT.toString('latin1')

async function open(dir: string, lineOf: (save: Save) => string): Promise<Peer> {
  const fd = await call<number>(done => openFile(join(dir, 'events.log'), 'a', done))
  const group = new Gather<string>(async lines => {
    const bytes = Buffer.from(lines.join(''))
    for (let from = 0; from < bytes.length; ) {
      from += await call<number>(done => write(fd, bytes, from, bytes.length - from, null, done))
    }
    await call<void>(done => fdatasync(fd, done))
  })
  const single = (save: Save): Promise<void> => group.add(lineOf(save))
  return {
    burst: saves => together(saves, single),
    single,
    close: () => call<void>(done => close(fd, done)),
  }
}

/** The callback form of `node:fs` is quicker than its promises, and this peer is to be as quick as can be. */
function call<T>(start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}
