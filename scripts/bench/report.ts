import { mkdirSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform } from 'node:os'
import { dirname } from 'node:path'
import { type Spread, short } from './figures.ts'
import { type Bound, type Measure, verdictOf } from './measure.ts'

export interface Report {
  readonly date: string
  readonly machine: Machine
  readonly quick: boolean
  readonly measures: readonly Measure[]
}

export interface Machine {
  readonly node: string
  readonly platform: string
  readonly cpu: string
  readonly cores: number
  /** Of the last minute, the bench's own included: far above 1, and others were at work too. */
  readonly load: number
}

export function reportOf(measures: readonly Measure[], quick: boolean): Report {
  const machine = {
    node: process.version,
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    load: loadavg()[0]!,
  }
  return { date: new Date().toISOString(), machine, quick, measures }
}

/** The table, in Markdown, so that it can go into a document as it is. */
export function tableOf({ date, machine, quick, measures }: Report): string {
  const rows = measures.map(measure => [
    measure.measure,
    figure(measure.ours, measure.unit),
    measure.against ?? '',
    figure(measure.peer, measure.unit),
    ratioText(measure.ratio),
    boundText(measure.must, measure.unit),
    verdictOf(measure),
    measure.note ?? '',
  ])
  const head = ['measure', 'ours', 'against', 'peer', 'ratio (min..max)', 'must reach', '', 'note']
  const machineText = `Node ${machine.node}, ${machine.cores} cores (${machine.cpu}), ${machine.platform}, load ${machine.load.toFixed(1)}`
  const kind = quick ? ', quick' : ''
  return [`${date.slice(0, 10)}, ${machineText}${kind}`, '', ...markdown([head, ...rows]), ''].join('\n')
}

export function writeJson(path: string, report: Report): void {
  mkdirSync(dirname(path), { recursive: true })
  const measures = report.measures.map(measure => ({ ...measure, verdict: verdictOf(measure) }))
  writeFileSync(path, `${JSON.stringify({ ...report, measures }, null, 2)}\n`)
}

function figure(value: number | undefined, unit: string): string {
  return value === undefined ? '' : `${short(value)} ${unit}`
}

function ratioText(ratio: Spread | undefined): string {
  return ratio === undefined
    ? ''
    : `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)})`
}

function boundText(must: Bound | undefined, unit: string): string {
  if (must === undefined) return ''
  const sign = must.direction === 'at least' ? '≥' : '≤'
  return `${sign} ${must.value}${must.of === 'ratio' ? ' ×' : ` ${unit}`}`
}

function markdown(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map(row => row[column]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`
  const rule = `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)]
}
