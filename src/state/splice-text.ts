/** A splice takes about as many bytes more than a replacement does: shorter texts are written whole. */
const SPLICE_BYTES = 16
/** Characters compared at once. Slices are compared as memory, single characters one by one. */
const CHUNK = 4_096

interface TextSplice {
  readonly index: number
  readonly remove: number
  readonly insert: string
}

/** The one splice that turns a text into another, where that is worth it. Never cuts a surrogate pair. */
export function spliceText(previous: string, value: string): TextSplice | undefined {
  if (previous.length <= SPLICE_BYTES || value.length <= SPLICE_BYTES) return undefined
  const start = commonStart(previous, value)
  const end = commonEnd(previous, value, start)
  const insert = value.slice(start, value.length - end)
  if (insert.length + SPLICE_BYTES >= value.length) return undefined
  return { index: start, remove: previous.length - start - end, insert }
}

/** How many code units both begin with. */
function commonStart(a: string, b: string): number {
  const limit = Math.min(a.length, b.length)
  let start = 0
  let step = CHUNK
  while (step > 0) {
    const stop = start + step
    if (stop <= limit && a.slice(start, stop) === b.slice(start, stop)) start = stop
    else step >>= 1
  }
  while (cutsPair(a, start) || cutsPair(b, start)) start--
  return start
}

/** How many code units both end with, those before `start` not counted. */
function commonEnd(a: string, b: string, start: number): number {
  const limit = Math.min(a.length, b.length) - start
  let end = 0
  let step = CHUNK
  while (step > 0) {
    const stop = end + step
    if (
      stop <= limit &&
      a.slice(a.length - stop, a.length - end) === b.slice(b.length - stop, b.length - end)
    ) {
      end = stop
    } else step >>= 1
  }
  while (cutsPair(a, a.length - end) || cutsPair(b, b.length - end)) end--
  return end
}

function cutsPair(text: string, index: number): boolean {
  return isSurrogate(text.charCodeAt(index - 1), 0xd800) && isSurrogate(text.charCodeAt(index), 0xdc00)
}

function isSurrogate(unit: number, first: number): boolean {
  return unit >= first && unit < first + 0x400
}
