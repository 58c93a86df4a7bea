import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { signCheckpoint } from '../../src/proof/checkpoint.ts'
import { generateKey } from '../../src/proof/key.ts'
import { prove } from '../../src/proof/prove.ts'
import { treeRoot } from '../../src/proof/tree.ts'
import { verifyProof } from '../../src/proof/verify.ts'
import { spell } from '../state/exact.ts'
import { failureOf } from '../support/outcome.ts'

const KEY = generateKey('sessionlog/forged')

/** The leaf of the tree that an event is. */
function leafOf(bytes: Uint8Array): string {
  return createHash('sha256').update('\0').update(bytes).digest('hex')
}

/** A CBOR head and a text of ASCII, in hexadecimal. */
const text = (value: string) => (0x60 + value.length).toString(16) + Buffer.from(value).toString('hex')

/** An event with this CBOR in it, in hexadecimal: what a log could hold that somebody else's program wrote. */
function forgedEvent(parts: {
  kind?: number
  session?: string
  version?: string
  facts?: string
  changes?: string
  state?: string
  previous?: string
  position?: string
}): Uint8Array {
  const {
    kind = 1,
    session = text('s'),
    version = '01',
    facts = '80',
    changes = '',
    state = '',
    previous = '00'.repeat(32),
  } = parts
  const position = parts.position ?? version
  const head = `${state === '' ? '89' : '8a'}0${kind}${session}${version}${position}005820${previous}f7`
  return Buffer.from(head + facts + changes + state, 'hex')
}

/** A proof of these events, as the honest owner of the key would make it. */
function forgedProof(run: readonly Uint8Array[], index = run.length - 1): string {
  const leaves = Buffer.concat(run.map(bytes => Buffer.from(leafOf(bytes), 'hex')))
  const size = run.length
  const checkpoint = signCheckpoint({ origin: 'sessionlog/forged', size, root: treeRoot(leaves) }, KEY.skey)
  return prove({ run, leaves, index, checkpoint })
}

describe('A signed event with a value', () => {
  const stateOf = (hex: string) =>
    verifyProof(forgedProof([forgedEvent({ changes: `81830060${hex}` })]), KEY.vkey).state

  test.each<[string, string]>([
    ['00', '0'],
    ['1818', '24'],
    ['1affffffff', '4294967295'],
    ['3affffffff', '-4294967296'],
    ['1b0000000000000001', '1n'],
    ['3bffffffffffffffff', '-18446744073709551616n'],
    ['c348ffffffffffffffff', '-18446744073709551616n'],
    ['fb3ff8000000000000', '1.5'],
    ['fb41f0000000000000', '4294967296'],
    ['fb7ff8000000000000', 'NaN'],
    ['63efbbbf', '"\ufeff"'],
    ['d9a02900', '-0'],
    ['c11a00000001', 'Date(1000)'],
    ['c1fbbff0000000000000', 'Date(-1000)'],
    ['d9a02d82695f5f70726f746f5f5f01', '{"__proto__":1}'],
    ['d9a02ea0', 'bare{}'],
    ['d9a02ed9a02d82695f5f70726f746f5f5f01', 'bare{"__proto__":1}'],
    ['d9010280', 'Set()'],
    ['d90103a10102', 'Map([1,2])'],
    ['d8184100', '0'],
  ])('%s is %s', (hex, spelled) => {
    expect(spell(stateOf(hex))).toBe(spelled)
  })

  test.each<[string, string]>([
    ['an integer that is longer than it need be', '1817'],
    ['a longer one', '190001'],
    ['a length that is longer than it need be', '780161'],
    ['a list without an end', '9fff'],
    ['a map without an end', 'bfff'],
    ['a text in parts', '7f6161ff'],
    ['bytes in parts', '5f4101ff'],
    ['a float of an integer', 'fb3ff0000000000000'],
    ['a float of -0', 'fb8000000000000000'],
    ['a float of 32 bits', 'fa3fc00000'],
    ['a float of 16 bits', 'f93e00'],
    ['a simple value', 'e0'],
    ['a break', 'ff'],
    ['a reserved length', '1c'],
    ['a list of 2^64 members', '9bffffffffffffffff'],
    ['a list of 2^32 members', '9affffffff'],
    ['text that is not UTF-8', '61ff'],
    ['half of a surrogate pair in UTF-8', '63eda080'],
    ['a key twice', 'a2616101616102'],
    ['keys that an object has in another order', 'a2613201613101'],
    ['a key that is a number', 'a10102'],
    ['a key that is undefined', 'a1f702'],
    ['__proto__ as a key of a map', 'a1695f5f70726f746f5f5f01'],
    ['a list of keys that a map could hold', 'd9a02d82616101'],
    ['a list of keys without the last value', 'd9a02d81695f5f70726f746f5f5f'],
    ['the same key of a Map twice', 'd90103a201020103'],
    ['a Map that is a list', 'd90103820102'],
    ['the same member of a Set twice', 'd90102820101'],
    ['a Set that is a map', 'd90102a0'],
    ['-0 that is 1', 'd9a02901'],
    ['-0 that is a float', 'd9a029fb0000000000000000'],
    ['a string of half a code unit', 'd9a02a4161'],
    ['a bigint that is short', 'd9a02b6131'],
    ['a bigint with a leading zero', `d9a02b${text('010000000000000000')}`],
    ['a bigint with two signs', `d9a02b${text('--10000000000000000')}`],
    ['a bigint in capitals', `d9a02b${text('A0000000000000000')}`],
    ['a bigint that is no text', 'd9a02b01'],
    ['a bigint of tag 2', 'c249010000000000000000'],
    ['another bigint of tag 3', 'c34101'],
    ['a date that is a text', 'c06a323032332d30312d3031'],
    ['a date that is no number', 'c16161'],
    ['a date that is short', 'c101'],
    ['a date before 1970 that is an integer', 'c120'],
    ['a date that is a float for no reason', 'c1fb3ff0000000000000'],
    ['a far date that is no number', 'd9a02c6161'],
    ['an object without prototype that is a list', 'd9a02e80'],
    ['an object without prototype that is a Map', 'd9a02ed90103a0'],
    ['embedded bytes that are a number', 'd81801'],
    ['embedded bytes with more behind', 'd818420000'],
    ['a typed array', 'd8454400010002'],
    ['an error', 'd81b8261616162'],
    ['an unknown tag', 'd9a02f01'],
    ['nothing', ''],
    ['undefined', 'f7'],
    ['levels without end', `${'81'.repeat(60_000)}00`],
    ['tags without end', `${'d9a02e'.repeat(60_000)}a0`],
    ['a list that promises lists', '9a01ffffff'.repeat(2_000)],
  ])('that is %s is refused', async (_, hex) => {
    const failure = await failureOf(() => stateOf(hex))
    expect(failure.code).toBe('SESSIONLOG_PROOF_INVALID')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('A signed event', () => {
  const whole = forgedEvent({ changes: `81830060a2616101616282${text('x')}${text('yz')}` })
  const previous = leafOf(whole)
  const next = (changes: string) => {
    const event = forgedEvent({ kind: 0, version: '02', previous, changes })
    return verifyProof(forgedProof([whole, event]), KEY.vkey).state
  }

  test.each<[string, string]>([
    [`818301${text('/a')}05`, '{"a":5,"b":["x","yz"]}'],
    [`818202${text('/a')}`, '{"b":["x","yz"]}'],
    [`818300${text('/c')}05`, '{"a":1,"b":["x","yz"],"c":5}'],
    [`818400${text('/c')}05${text('b')}`, '{"a":1,"c":5,"b":["x","yz"]}'],
    [`818400${text('/c')}05${text('a')}`, '{"c":5,"a":1,"b":["x","yz"]}'],
    [`818503${text('/b')}010080`, '{"a":1,"b":["x","yz"]}'],
    [`818503${text('/b')}0001820102`, '{"a":1,"b":[1,2,"yz"]}'],
    [`818503${text('/b')}02008181f7`, '{"a":1,"b":["x","yz",[undefined]]}'],
    [`818503${text('/b/1')}0100${text('!')}`, '{"a":1,"b":["x","y!z"]}'],
    [`818301${text('/b/0')}f7`, '{"a":1,"b":[undefined,"yz"]}'],
    [`8183016007`, '7'],
    ['80', '{"a":1,"b":["x","yz"]}'],
  ])('with the changes %s has the state %s', (hex, spelled) => {
    expect(spell(next(hex))).toBe(spelled)
  })

  test.each<[string, string]>([
    ['adds a key that is there', `818300${text('/a')}05`],
    ['adds before a key that is not there', `818400${text('/c')}05${text('d')}`],
    ['adds before itself', `818400${text('/c')}05${text('c')}`],
    ['adds behind the end of a list', `818300${text('/b/2')}05`],
    ['adds to a list', `818300${text('/b/0')}05`],
    ['adds to a text', `818300${text('/b/1/0')}05`],
    ['adds on a way through what is inherited', `818300${text('/__proto__/polluted')}05`],
    ['adds on a way through a constructor', `818300${text('/constructor/x')}05`],
    ['replaces what is not there', `818301${text('/c')}05`],
    ['replaces what is inherited', `818301${text('/toString')}05`],
    ['replaces behind the end of a list', `818301${text('/b/2')}05`],
    ["replaces a list's length", `818301${text('/b/length')}05`],
    ['replaces by an index with a leading zero', `818301${text('/b/01')}05`],
    ['removes what is not there', `818202${text('/c')}`],
    ['removes from a list', `818202${text('/b/0')}`],
    ['removes the whole state', '81820260'],
    ['removes a value', `818302${text('/a')}05`],
    ['splices behind the end', `818503${text('/b')}030080`],
    ['splices more than there is', `818503${text('/b')}010280`],
    ['splices from before the start', `818503${text('/b')}200080`],
    ['splices less than nothing', `818503${text('/b')}012080`],
    ['splices at no place', `818503${text('/b')}fb3fe00000000000000080`],
    ['splices a list into a text', `818503${text('/b/1')}000080`],
    ['splices a text into a list', `818503${text('/b')}0000${text('x')}`],
    ['splices a number', `818503${text('/a')}0000${text('x')}`],
    ['splices an object', '81850360000080'],
    ['splices bytes', `818503${text('/b')}000040`],
    ['has a path without a slash', `818301${text('a')}05`],
    ['has a path with a bad escape', `818301${text('/a~2')}05`],
    ['has a path that is a number', '8183010105'],
    ['has an operation more', `818204${text('/a')}`],
    ['has an operation that is a text', `8183${text('0')}${text('/c')}05`],
    ['has a change with a member more', `818401${text('/a')}0505`],
    ['has a change with a member less', `818201${text('/a')}`],
    ['has a change that is a number', '8101'],
    ['has changes that are a number', '01'],
  ])('that %s is refused', async (_, changes) => {
    expect((await failureOf(() => next(changes))).code).toBe('SESSIONLOG_PROOF_INVALID')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(Object.hasOwn(Object, 'x')).toBe(false)
  })

  test.each<[string, Parameters<typeof forgedEvent>[0]]>([
    ['of another kind', { kind: 4, changes: '81830060a0' }],
    ['of a kind that holds the state, without it', { kind: 2, changes: '81830060a0' }],
    ['with a state that its kind has not', { kind: 1, changes: '81830060a0', state: 'a0' }],
    ['with no changes at the first', { kind: 1, changes: '80' }],
    ['that deletes, and leaves a state', { kind: 3, changes: '81830060a0' }],
    ['that keeps undefined', { kind: 2, changes: '80', state: 'f7' }],
    ['of a session that is a number', { session: '01', changes: '81830060a0' }],
    ['with version 0', { version: '00', position: '01', changes: '81830060a0' }],
    ['with a version that is a text', { version: '6131', position: '01', changes: '81830060a0' }],
    [
      'with a bigint for its version',
      { version: '1b0000000000000001', position: '01', changes: '81830060a0' },
    ],
    ['with a position that is not its index', { position: '02', changes: '81830060a0' }],
    ['with a type that is a number', { facts: '8101', changes: '81830060a0' }],
    ['with facts that are a number', { facts: '01', changes: '81830060a0' }],
  ])('%s is refused', async (_, parts) => {
    const text = forgedProof([forgedEvent(parts)])
    expect((await failureOf(() => verifyProof(text, KEY.vkey))).code).toBe('SESSIONLOG_PROOF_INVALID')
  })

  test.each<[string, Parameters<typeof forgedEvent>[0]]>([
    ['of another session', { session: text('t') }],
    ['of the same version', { version: '01', position: '02' }],
    ['of a version too far', { version: '03', position: '02' }],
    ['that holds the whole state', { kind: 2, state: 'a0' }],
    ['that is linked to nothing', { previous: '00'.repeat(32) }],
    ['that is linked to another', { previous: '01'.repeat(32) }],
  ])('that is followed by one %s is refused', async (_, parts) => {
    const event = forgedEvent({ kind: 0, version: '02', previous, changes: '80', ...parts })
    const proof = forgedProof([whole, event])
    expect((await failureOf(() => verifyProof(proof, KEY.vkey))).code).toBe('SESSIONLOG_PROOF_INVALID')
  })

  test('that is followed by one at an earlier position is refused', async () => {
    const late = forgedEvent({ position: '02', changes: '81830060a0' })
    const early = forgedEvent({
      kind: 0,
      version: '02',
      position: '01',
      previous: leafOf(late),
      changes: '80',
    })
    const leaves = Buffer.concat([early, late].map(bytes => Buffer.from(leafOf(bytes), 'hex')))
    const checkpoint = signCheckpoint(
      { origin: 'sessionlog/forged', size: 2, root: treeRoot(leaves) },
      KEY.skey,
    )
    const proof = prove({ run: [late, early], leaves, index: 0, checkpoint })
    expect((await failureOf(() => verifyProof(proof, KEY.vkey))).code).toBe('SESSIONLOG_PROOF_INVALID')
  })

  test('with an actor that is an object, and facts that are not known yet, is proved', () => {
    const actor = `a1${text('id')}${text('ada')}`
    const facts = `8af7${actor}${text('why')}f7f7f7f7f700${text('later')}`
    const proved = verifyProof(forgedProof([forgedEvent({ facts, changes: '81830060a0' })]), KEY.vkey)
    expect(proved).toMatchObject({ type: 'saved', actor: { id: 'ada' }, reason: 'why', state: {} })
  })
})
