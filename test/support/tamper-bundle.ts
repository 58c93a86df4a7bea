import { writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { decodeItem, ITEM } from '../../src/bundle/item.ts'
import { hasCode } from '../../src/errors.ts'
import { openBundle } from '../../src/index.ts'
import { readRecord } from '../../src/log/record.ts'
import { changed, type Kind, type Place } from './tampering.ts'

/** A byte of what a bundle holds, read with the key of whoever wrote it. */
export const bundleKind: Kind = {
  name: 'bundle',
  async try({ bundle, vkey }, chance, dir) {
    const { bytes, at } = changed(bundle, chance)
    const path = `${dir}.slog`
    writeFileSync(path, gzipSync(bytes))
    const place = { path, ...placeOf(bundle, at) }
    const trial = { what: `byte ${at} of the bundle`, places: [place] }
    try {
      await openBundle(path, { key: vkey })
      return { ...trial, problems: [] }
    } catch (error) {
      if (!hasCode(error)) throw error
      return { ...trial, by: 'bundle', problems: [error as never] }
    }
  },
}

/** Of a byte inside an event, the event. */
function placeOf(bundle: Buffer, at: number): Place {
  let sessionId = ''
  for (let start = 0; start < bundle.length; ) {
    const end = start + 7 + bundle.readUInt32BE(start + 3)
    const [kind, ...fields] = decodeItem(bundle.subarray(start, end))
    if (kind === ITEM.SESSION) sessionId = fields[0] as string
    if (at < end) {
      if (kind !== ITEM.RECORD && kind !== ITEM.REDACTED) return {}
      const [firstVersion, bytes] = fields as [number, Uint8Array]
      const event = readRecord({ sessionId, firstVersion, bytes }).find(each => {
        const from = each.bytes.byteOffset - bundle.byteOffset
        return at >= from && at < from + each.bytes.length
      })
      return event === undefined ? {} : { sessionId, version: event.version }
    }
    start = end
  }
  return {}
}
