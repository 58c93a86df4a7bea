import type { Output } from './output.ts'
import { printable, truncate, widthOf } from './text.ts'

export interface Column {
  readonly title: string
  readonly right?: boolean
  /** The most columns it takes. Default: as many as are left in the terminal, or 100. */
  readonly widthMax?: number
  readonly style?: (text: string) => string
}

/** How many rows the widths are taken from; later ones are written as they come. */
const SAMPLE_ROWS = 200
const WIDTH_MAX = 100
const GAP = '  '

/** A table for people. Cells may hold anything: they are made printable here. */
export class Table {
  readonly #out: Output
  readonly #columns: readonly Column[]
  #rows: string[][] = []
  #widths: number[] | undefined

  constructor(out: Output, columns: readonly Column[]) {
    this.#out = out
    this.#columns = columns
  }

  async row(...cells: readonly string[]): Promise<void> {
    const printed = cells.map(printable)
    if (this.#widths !== undefined) return this.#write(printed)
    this.#rows.push(printed)
    if (this.#rows.length >= SAMPLE_ROWS) await this.end()
  }

  /** Writes what waits. Nothing at all for a table without rows. */
  async end(): Promise<void> {
    const rows = this.#rows
    if (rows.length === 0) return
    this.#rows = []
    this.#widths = this.#measure(rows)
    const { bold } = this.#out.colors
    await this.#write(
      this.#columns.map(column => column.title),
      () => bold,
    )
    for (const row of rows) await this.#write(row)
  }

  #measure(rows: readonly string[][]): number[] {
    let left = this.#out.columns ?? Number.POSITIVE_INFINITY
    return this.#columns.map(({ title, widthMax }, index) => {
      const most = Math.min(widthMax ?? WIDTH_MAX, Math.max(left, 8))
      const wanted = Math.max(widthOf(title), ...rows.map(row => widthOf(row[index]!)))
      const width = Math.min(wanted, most)
      left -= width + GAP.length
      return width
    })
  }

  #write(cells: readonly string[], styleOf = (column: Column) => column.style): Promise<void> {
    const padded = this.#columns.map((column, index) => {
      const text = truncate(cells[index]!, this.#widths![index]!)
      const padding = ' '.repeat(Math.max(this.#widths![index]! - widthOf(text), 0))
      const styled = styleOf(column)?.(text) ?? text
      const last = index === this.#columns.length - 1
      return column.right ? padding + styled : last ? styled : styled + padding
    })
    return this.#out.line(padded.join(GAP))
  }
}
