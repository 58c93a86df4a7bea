const NUMBERS = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/**
 * The first integer of a JSON text that a number of JavaScript does not hold exactly; undefined where there is none.
 * MongoDB writes 64 bits of an integer where JSON.parse keeps 53.
 */
export function inexactInteger(json: string): string | undefined {
  if (!/\d{16}/.test(json)) return undefined
  for (const piece of outsideTexts(json))
    for (const [token] of piece.matchAll(NUMBERS))
      if (/^-?\d{16,}$/.test(token) && BigInt(token) !== BigInt(Number(token))) return token
  return undefined
}

/** What stands between the texts of a JSON text. */
function* outsideTexts(json: string): Generator<string> {
  let start = 0
  while (start < json.length) {
    const quote = json.indexOf('"', start)
    if (quote < 0) break
    yield json.slice(start, quote)
    start = endOfText(json, quote + 1)
  }
  yield json.slice(start)
}

function endOfText(json: string, start: number): number {
  for (let quote = json.indexOf('"', start); quote >= 0; quote = json.indexOf('"', quote + 1)) {
    let slashes = 0
    while (json[quote - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return quote + 1
  }
  return json.length
}
