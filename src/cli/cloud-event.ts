import type { RecordedEvent } from '../index.ts'
import { eventJson } from './event-json.ts'
import { isoTime } from './text.ts'

/** In front of the event's type: callers' types have no domain, so this names none either. */
export const TYPE_PREFIX = 'sessionlog.'

/** What a CloudEvents string must not hold: control characters, noncharacters, and surrogates that are alone. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/gu

/** A recorded event as a CloudEvents 1.0 event in its JSON form; `data` is the recorded event, whole. */
export function cloudEvent(event: RecordedEvent, origin: string): object {
  return {
    specversion: '1.0',
    id: `${origin}/${event.position}`,
    source: `/sessionlog/${origin}`,
    type: TYPE_PREFIX + attribute(event.type),
    subject: attribute(event.sessionId),
    ...timeOf(event),
    datacontenttype: 'application/json',
    data: eventJson(event),
  }
}

/** RFC 3339 has four digits for a year, and no time at all is allowed. */
function timeOf({ recordedAt }: RecordedEvent): { time?: string } {
  const time = String(isoTime(recordedAt))
  return /^\d{4}-/.test(time) ? { time } : {}
}

/** What the attribute can't hold is percent-encoded in it; `data` has it as it is. */
function attribute(text: string): string {
  return text.replace(FORBIDDEN, character =>
    [...Buffer.from(character)].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
