import { hash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/**
 * Where the owner of a directory is spoken to, by the directory's device and inode: containers that share a network
 * may hold different volumes at one path. On Linux a socket with a name and no file, which is the owner's claim too; on
 * Windows a named pipe; elsewhere a socket file in a directory that only this user can enter.
 */
export function endpointOf(identity: string): string {
  const name = `sessionlog-${hash('sha256', identity)}`
  switch (process.platform) {
    case 'linux':
    case 'android':
      // Node.js 20 pads such a name with zeros to all 108 bytes, later versions don't: shorter, it would be two names.
      return `\0${name}`.padEnd(108, '-')
    case 'win32':
      return `\\\\.\\pipe\\${name}`
  }
  return join(runtimeDirectory(), `${name.slice(-32)}.sock`)
}

/** Of this user alone. A path of a socket has no more than 104 bytes on macOS and the BSDs. */
function runtimeDirectory(): string {
  const directory = join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), `sessionlog-${userInfo().uid}`)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return directory
}
