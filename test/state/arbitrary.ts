import fc from 'fast-check'

/** Strings that make trouble: tags, pointers, prototypes, indexes, halves of surrogate pairs. */
const awkward = fc.constantFrom(
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  '$date',
  '$map',
  '$escape',
  '$bare',
  '$x',
  '',
  '/',
  '~',
  '~1',
  'a/b',
  '0',
  '1',
  '2',
  '10',
  '01',
  '-1',
  '4294967295',
  '\ud800',
  '\udc00',
  'a\ud83d',
  '\ude00b',
  '😀',
  'é',
  '\u0000',
  'before',
  'state',
  'size',
)
const text = fc.oneof(
  awkward,
  fc.string({ maxLength: 8 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map(units => String.fromCharCode(...units)),
  fc.integer({ min: 15, max: 80 }).map(length => 'lorem ipsum dolor sit amet '.repeat(4).slice(0, length)),
)
const number = fc.oneof(
  fc.constantFrom(
    0,
    -0,
    1,
    -1,
    NaN,
    Infinity,
    -Infinity,
    2 ** 31,
    2 ** 32,
    -(2 ** 32),
    2 ** 53,
    2 ** 60,
    1.5,
  ),
  fc.integer(),
  fc.double(),
)
const jsonNumber = number.map(value => (Number.isFinite(value) ? value + 0 : 7))
const bigint = fc.oneof(
  fc.bigInt(),
  fc.constantFrom(0n, 2n ** 64n, 2n ** 64n - 1n, -(2n ** 64n), -(2n ** 64n) - 1n, 2n ** 63n, -(2n ** 200n)),
)
const date = fc.oneof(
  fc.date({ noInvalidDate: false }),
  fc.constantFrom(8.64e15, -8.64e15, -1, 1.5e12 + 1, 8.64e15 - 7).map(time => new Date(time)),
)
const bytes = fc.uint8Array({ maxLength: 20 })
const primitive = fc.oneof(text, number, fc.boolean(), fc.constantFrom(null, undefined), bigint)

function object(member: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  return fc.array(fc.tuple(text, member), { maxLength: 6 }).map(Object.fromEntries)
}

function bare(plain: object): object {
  return Object.defineProperties(Object.create(null), Object.getOwnPropertyDescriptors(plain))
}

/** Everything that a state may hold. */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'value', withCrossShrink: true },
    { weight: 6, arbitrary: primitive },
    { weight: 1, arbitrary: date },
    { weight: 1, arbitrary: bytes },
    { weight: 4, arbitrary: object(tie('value')) },
    { weight: 3, arbitrary: fc.array(tie('value'), { maxLength: 6 }) },
    { weight: 1, arbitrary: object(tie('value')).map(bare) },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map(list => new Map(list)),
    },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 4 }).map(list => new Set(list)) },
  ),
})).value

/** A whole state: anything but `undefined`. */
export const anyState = anyValue.filter(value => value !== undefined)

/** What JSON alone brings back. */
export const jsonValue: fc.Arbitrary<unknown> = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'json', withCrossShrink: true },
    { weight: 4, arbitrary: fc.oneof(text, jsonNumber, fc.boolean(), fc.constant(null)) },
    { weight: 4, arbitrary: object(tie('value')) },
    { weight: 3, arbitrary: fc.array(tie('value'), { maxLength: 6 }) },
  ),
})).value

/** A state, and the same one after a few edits somewhere inside; `edit` makes them in another one like it. */
export const editedState = editsOf(anyState, anyValue)
export const editedJson = editsOf(jsonValue, jsonValue)

/** The states of a session, each a few edits away from the one before. */
export const manyEdits = fc
  .tuple(anyState, fc.array(edits(anyValue), { minLength: 3, maxLength: 12 }))
  .map(([state, steps]) => {
    const states = [state]
    for (const step of steps) states.push(edited(states.at(-1), step) ?? state)
    return states
  })

function editsOf(state: fc.Arbitrary<unknown>, value: fc.Arbitrary<unknown>) {
  return fc
    .tuple(state, edits(value))
    .map(([before, steps]) => ({
      before,
      after: edited(before, steps),
      edit: (other: unknown) => edited(other, steps),
    }))
    .filter(({ after }) => after !== undefined)
}

function edits(value: fc.Arbitrary<unknown>): fc.Arbitrary<Edit[]> {
  const where = fc.array(fc.nat(20), { maxLength: 4 })
  const edit = fc.record({ where, how: fc.nat(9), at: fc.nat(30), key: text, value })
  return fc.array(edit, { minLength: 1, maxLength: 5 })
}

function edited(state: unknown, steps: readonly Edit[]): unknown {
  return steps.reduce(applyEdit, state)
}

interface Edit {
  where: number[]
  how: number
  at: number
  key: string
  value: unknown
}

function applyEdit(state: unknown, { where, ...edit }: Edit): unknown {
  const [step, ...rest] = where
  const keys = isContainer(state) ? Object.keys(state) : []
  if (step === undefined || keys.length === 0) return editHere(state, edit)
  const key = keys[step % keys.length]!
  const member = applyEdit((state as Record<string, unknown>)[key], { where: rest, ...edit })
  return rebuild(state as object, entries => entries.map(entry => (entry[0] === key ? [key, member] : entry)))
}

function editHere(target: unknown, { how, at, key, value }: Omit<Edit, 'where'>): unknown {
  if (typeof target === 'string') return target.slice(0, at) + key + target.slice(at + (how % 3))
  if (!isContainer(target)) return value
  const place = at % (Object.keys(target).length + 1)
  switch (how) {
    case 0:
    case 1:
      return rebuild(target, entries => entries.toSpliced(place, 1))
    case 2:
      return rebuild(target, entries => [...entries.slice(place), ...entries.slice(0, place)])
    case 3:
      return rebuild(target, entries => entries.toReversed())
    case 4:
      return value
    case 5:
      return rebuild(target, entries => entries.toSpliced(place, 1, [key, value]))
    default:
      return rebuild(target, entries => entries.toSpliced(place, 0, [key, value]))
  }
}

function isContainer(value: unknown): value is object {
  if (Array.isArray(value)) return true
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** The same kind of container with other entries. An array takes the values and leaves the keys. */
function rebuild(target: object, change: (entries: [string, unknown][]) => [string, unknown][]): unknown {
  const entries = change(Object.entries(target))
  if (Array.isArray(target)) return entries.map(entry => entry[1])
  const plain = Object.fromEntries(entries)
  return Object.getPrototypeOf(target) === null ? bare(plain) : plain
}
