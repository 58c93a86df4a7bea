import { type Bundle, openBundle } from '../index.ts'
import type { Context } from './context.ts'
import { readVkey } from './key-file.ts'
import { formatCount, formatTime, plural, printable } from './text.ts'

/** What a bundle says of itself: `stats`, and with all of it checked `verify`. */
export async function tellBundle(
  context: Context,
  { key, verified }: { key?: string; verified: boolean },
): Promise<void> {
  const { dir, json, out, signal } = context
  const vkey = key === undefined ? {} : { key: await readVkey(key) }
  const bundle = await openBundle(dir, { signal, ...vkey })
  if (verified) await bundle.verify({ signal })
  const { header, counts, sessions } = bundle
  const signed =
    header.checkpoint === undefined
      ? 'no'
      : key === undefined
        ? 'yes, but no --key was given'
        : 'yes, by that key'
  if (json)
    return out.json({
      ...header,
      counts,
      sessions,
      signed: header.checkpoint !== undefined,
      ...(verified && { ok: true, problems: [] }),
    })
  const rows = {
    origin: header.origin,
    'written by': `${header.writer}, ${formatTime(header.exportedAt)}`,
    sessions: formatCount(counts.sessions),
    events: `${formatCount(counts.events)} of the ${formatCount(header.position)} that the store had`,
    redacted: redactedText(bundle),
    signed,
    root: header.root,
  }
  for (const [name, value] of Object.entries(rows))
    await out.line(`${out.colors.dim(name.padEnd(14))} ${printable(value)}`)
  for (const { id, first, last, head } of sessions) {
    const more = last < head ? `, of ${formatCount(head)}` : ''
    await out.line(`  ${printable(id)}  versions ${formatCount(first)} to ${formatCount(last)}${more}`)
  }
  if (!verified) return
  const events = plural(counts.events, 'event')
  const whose =
    key === undefined ? 'of that root; whose root it is, only --key can say' : 'of the log of that key'
  await out.line(out.colors.green(`Verified: ${events}, ${whose}`))
}

function redactedText({ header, counts }: Bundle<unknown>): string {
  if (header.redacted === undefined) return 'nothing'
  const { state = [], data = [], facts = [] } = header.redacted
  const what = [
    ...state.map(place => place || 'the whole state'),
    ...data.map(place => `data${place}`),
    ...facts,
  ]
  return `${what.join(', ')}: in ${plural(counts.redacted, 'event')}`
}
