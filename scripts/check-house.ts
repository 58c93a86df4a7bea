/**
 * Holds the shape of the house: imports only downward, no cycles, no barrel but one, files of 12 to 250 lines.
 * Run by `npm test`; prints what is wrong and exits with 1.
 */
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

const SRC = 'src'

/** Rooms from the ground up. A file imports from its own room and from lower floors. */
const FLOORS = [
  ['errors'],
  ['state'],
  ['event'],
  ['log'],
  ['projection', 'snapshot', 'proof', 'link'],
  ['bundle'],
  ['store'],
  ['recovery'],
  ['index'],
  ['adapters'],
  ['importers'],
  ['cli'],
]

const LINES_MIN = 12
const LINES_MAX = 250

const problems: string[] = []
const files = ts.sys
  .readDirectory(SRC, ['.ts'])
  .map(file => relative(process.cwd(), file).replaceAll('\\', '/'))
const imports = new Map(files.map(file => [file, importsOf(file)]))

for (const file of files) {
  checkLength(file)
  for (const target of imports.get(file)!) checkDirection(file, target)
}
for (const cycle of cycles()) problems.push(`cycle: ${cycle.join(' → ')}`)

for (const problem of problems) console.error(problem)
console.log(`${files.length} files, ${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1

function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'))
  const local = importedFiles.map(each => each.fileName).filter(name => name.startsWith('.'))
  return local.map(name => join(dirname(file), name).replaceAll('\\', '/'))
}

function checkLength(file: string): void {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').length
  if (lines < LINES_MIN || lines > LINES_MAX) problems.push(`${file}: ${lines} lines`)
}

function checkDirection(file: string, target: string): void {
  if (!imports.has(target)) problems.push(`${file}: imports ${target}, which is no file of ${SRC}`)
  const [from, to] = [roomOf(file), roomOf(target)]
  if (from !== to && floorOf(from) <= floorOf(to)) problems.push(`${file}: ${from} imports ${to}`)
}

/** The folder, or for a file at the top its name, where that is a room of its own. */
function roomOf(file: string): string {
  const [room = '', inside] = file.slice(SRC.length + 1).split('/')
  if (inside !== undefined) return room
  const name = room.replace('.ts', '')
  return ['errors', 'event', 'index'].includes(name) ? name : 'store'
}

function floorOf(room: string): number {
  const floor = FLOORS.findIndex(rooms => rooms.includes(room))
  if (floor < 0) problems.push(`${SRC}/${room}: a room that nobody planned`)
  return floor
}

/** Each cycle once, as the path that closes it. */
function cycles(): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) return void found.push([...path.slice(path.indexOf(file)), file])
    if (done.has(file)) return
    for (const target of imports.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}
