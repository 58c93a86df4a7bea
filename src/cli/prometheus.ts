import type { Histogram, StoreStats } from '../index.ts'

/**
 * The figures of a store in the text format of Prometheus (version 0.0.4): for a file that node_exporter collects, or an
 * endpoint of the app's own. https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function prometheusOf({ origin, position, cache, log }: StoreStats, snapshotsBytes: number): string[] {
  const labels = `{origin="${origin}"}`
  const lines: string[] = []
  const add = (name: string, type: 'gauge' | 'counter', help: string, value: number | undefined) => {
    if (value === undefined) return
    lines.push(`# HELP sessionlog_${name} ${help}`, `# TYPE sessionlog_${name} ${type}`)
    lines.push(`sessionlog_${name}${labels} ${value}`)
  }
  const addHistogram = (name: string, help: string, histogram: Histogram, unit: number) => {
    lines.push(`# HELP sessionlog_${name} ${help}`, `# TYPE sessionlog_${name} histogram`)
    let total = 0
    for (const [index, count] of histogram.counts.entries()) {
      total += count
      const bound = histogram.bounds[index]
      const le = bound === undefined ? '+Inf' : String(Number((bound * unit).toPrecision(6)))
      lines.push(`sessionlog_${name}_bucket{origin="${origin}",le="${le}"} ${total}`)
    }
    lines.push(`sessionlog_${name}_sum${labels} ${histogram.sum * unit}`)
    lines.push(`sessionlog_${name}_count${labels} ${histogram.count}`)
  }
  const { lastCompaction: last } = log
  add('events', 'counter', 'Events in the log.', position)
  add('sessions', 'gauge', 'Sessions that have a state.', cache.states)
  add('log_bytes', 'gauge', "Size of LevelDB's files.", log.logBytes)
  add('snapshots_bytes', 'gauge', 'Size of the JSON snapshots.', snapshotsBytes)
  add('followers', 'gauge', 'Other processes that follow the owner.', log.followers)
  add('written_bytes', 'counter', 'Bytes of events written since the owner opened the log.', log.bytes)
  add(
    'last_compaction_timestamp_seconds',
    'gauge',
    'When the last compaction ended.',
    last && last.endedAt / 1000,
  )
  add(
    'last_compaction_problems',
    'gauge',
    'Sessions that the last compaction left as they were.',
    last?.problems,
  )
  add(
    'last_compaction_failed',
    'gauge',
    'Whether the last compaction failed.',
    last && Number(last.error !== undefined),
  )
  addHistogram('commit_duration_seconds', 'How long commits took to write.', log.commitMs, 0.001)
  addHistogram('commit_events', 'How many events commits had.', log.commitEvents, 1)
  return lines
}
