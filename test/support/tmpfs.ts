import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of so many kilobytes at `path`, which is made where it is missing. Full means ENOSPC, for real. */
export class SmallDisk {
  readonly path: string

  constructor(path: string, kilobytes: number) {
    mkdirSync(path, { recursive: true })
    this.path = path
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', path])
    if (status !== 0) throw new Error(String(stderr))
  }

  /** Takes all but so many kilobytes away, until {@link free}. */
  fill(leave = 0): void {
    this.free()
    const { bavail, bsize } = statfsSync(this.path)
    writeFileSync(this.#ballast, Buffer.alloc(Math.max(bavail * bsize - leave * 1024, 0)))
  }

  free(): void {
    rmSync(this.#ballast, { force: true })
  }

  unmount(): void {
    spawnSync('umount', ['-l', this.path])
  }

  get #ballast(): string {
    return join(this.path, 'ballast')
  }
}

function mountable(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const path = mkdtempSync(join(tmpdir(), 'sessionlog-mount-'))
  try {
    new SmallDisk(path, 64).unmount()
    return true
  } catch {
    return false
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}

/** Whether such a file system can be had here: on Linux, with the right to mount. */
export const canMount = mountable()
