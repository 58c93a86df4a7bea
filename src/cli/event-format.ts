import { nameOf } from '../event.ts'
import type { RecordedEvent } from '../index.ts'
import { describeChanges } from './change-text.ts'
import { cloudEvent } from './cloud-event.ts'
import type { Context } from './context.ts'
import { csvLine } from './csv.ts'
import { eventJson } from './event-json.ts'
import { Table } from './table.ts'
import { formatCount, formatTime, isoTime, printable } from './text.ts'

export const FORMATS = ['table', 'ndjson', 'csv', 'cloudevents'] as const
export type Format = (typeof FORMATS)[number]

/** Stands between events where none will come for a while: who watches is shown what there is. */
export const PAUSE = Symbol('pause')

type Events = AsyncIterable<RecordedEvent | typeof PAUSE> | Iterable<RecordedEvent>

/** Writes events of any sessions of a store to standard output. */
export async function writeEvents(
  events: Events,
  format: Format,
  context: Context,
  store: { readonly origin: string },
): Promise<void> {
  const { out } = context
  if (format === 'table') return writeTable(events, context)
  if (format === 'csv') return writeCsv(events, context)
  for await (const event of events) {
    if (event === PAUSE) await out.flush()
    else await out.json(format === 'ndjson' ? eventJson(event) : cloudEvent(event, store.origin))
  }
}

async function writeTable(events: Events, { out }: Context): Promise<void> {
  const { dim, cyan, bold } = out.colors
  const table = new Table(out, [
    { title: 'position', right: true },
    { title: 'when', style: dim },
    { title: 'who', style: cyan, widthMax: 24 },
    { title: 'session', style: bold, widthMax: 32 },
    { title: 'version', right: true },
    { title: 'type', widthMax: 24 },
    { title: 'why', widthMax: 32 },
    { title: 'what changed' },
  ])
  for await (const event of events) {
    if (event === PAUSE) {
      await table.end()
      await out.flush()
      continue
    }
    const { position, recordedAt, actor = '', sessionId, version, type, reason = '' } = event
    await table.row(
      formatCount(position),
      formatTime(recordedAt),
      nameOf(actor),
      sessionId,
      formatCount(version),
      type,
      reason,
      describeChanges(event),
    )
  }
  await table.end()
}

const TEXTS = ['reason', 'eventId', 'correlationId', 'causationId'] as const
const HEADER = [
  ...['position', 'sessionId', 'version', 'type', 'recordedAt', 'occurredAt'],
  'actor',
  ...TEXTS,
  ...['encoding', 'data', 'changes', 'hash'],
]

async function writeCsv(events: Events, { out }: Context): Promise<void> {
  // A file keeps every character; on a terminal they must not act.
  const safe = out.isTerminal ? printable : (line: string) => line
  const write = (cells: readonly (string | number)[]) => out.line(`${safe(csvLine(cells))}\r`)
  await write(HEADER)
  for await (const event of events) {
    if (event === PAUSE) {
      await out.flush()
      continue
    }
    const { position, sessionId, version, type, recordedAt, occurredAt, hash } = event
    const { encoding = '', data, changes } = eventJson(event) as RecordedEvent & { encoding?: string }
    await write([
      ...[position, sessionId, version, type],
      isoTime(recordedAt),
      occurredAt === undefined ? '' : isoTime(occurredAt),
      event.actor === undefined ? '' : nameOf(event.actor),
      ...TEXTS.map(name => event[name] ?? ''),
      encoding,
      data === undefined ? '' : JSON.stringify(data),
      JSON.stringify(changes),
      hash,
    ])
  }
}
