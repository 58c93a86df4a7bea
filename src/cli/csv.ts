/** What a spreadsheet takes as the beginning of a formula, also in its full-width forms; and our own mark. */
const FORMULA = /^[=+\-@\t\r\n'\uff1d\uff0b\uff0d\uff20]/

/**
 * A line of CSV by RFC 4180, without its end. A cell that a spreadsheet might run as a formula gets an apostrophe in
 * front, and so does one that begins with an apostrophe: taking the first one off brings each back as it was.
 */
export function csvLine(cells: readonly (string | number)[]): string {
  return cells.map(cell => quoted(guarded(String(cell)))).join(',')
}

function guarded(cell: string): string {
  return FORMULA.test(cell) ? `'${cell}` : cell
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
