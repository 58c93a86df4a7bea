import { createHash } from 'node:crypto'
import { MemoryLevel } from 'memory-level'
import { beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '../../src/index.ts'
import type { RawEvent } from '../../src/log/record.ts'
import { signCheckpoint } from '../../src/proof/checkpoint.ts'
import { generateKey, parseSkey } from '../../src/proof/key.ts'
import { parseNote } from '../../src/proof/note.ts'
import { packRun } from '../../src/proof/prove.ts'
import { toBase64 } from '../../src/proof/text-form.ts'
import { formatTlogProof, parseTlogProof } from '../../src/proof/tlog-proof.ts'
import { treeRoot } from '../../src/proof/tree.ts'
import { verifyProof } from '../../src/proof/verify.ts'
import { spell } from '../state/exact.ts'
import { Chance } from '../support/chance.ts'
import { failureOf } from '../support/outcome.ts'
import { checkpointOf, type Logged, proofOf, readLog, runTo } from '../support/proofs.ts'
import { everything } from '../support/states.ts'

const seed = Number(process.env.SESSIONLOG_SEED ?? Math.floor(Math.random() * 2 ** 31))
console.log(`Refusals of proofs: SESSIONLOG_SEED=${seed}`)
const chance = new Chance(seed)

let logged: Logged
/** The proved one has a run of four. */
let event: RawEvent
let proof: string

beforeAll(async () => {
  const db = new MemoryLevel()
  const store = await openStore<unknown>({ db, compactEvery: 0, clock: () => 1_700_000_000_000 })
  await store.save('cart', 'not yet')
  await store.save('other', everything())
  const text = 'a text that is long enough to be spliced, and longer than its changes'
  await store.save('cart', { items: ['tea', 'milk'], paid: false, text }, { actor: 'ada', reason: 'whole' })
  for (const word of ['paid', 'sent', 'done']) {
    await store.edit('cart', cart => {
      const state = cart as { items: string[]; text: string }
      state.items.push(word)
      state.text = state.text.replace('enough', `enough ${word}`)
    })
    await store.save('other', { ...everything(), word })
  }
  await store.save('cart', 'whole again')
  logged = await readLog(db)
  await store.close()
  event = logged.events.findLast(each => each.sessionId === 'cart' && each.kind === 0)!
  proof = proofOf(logged, event)
  expect(runTo(logged, event).length).toBeGreaterThan(2)
})

/** The message of the refusal. */
async function refusalOf(text: string, vkey = logged.key.vkey, origin?: string): Promise<string> {
  const failure = await failureOf(() => verifyProof(text, vkey, origin))
  expect(Object.getPrototypeOf(failure)).toBe(Error.prototype)
  expect(failure.code).toBe('SESSIONLOG_PROOF_INVALID')
  return (failure as unknown as Error).message
}

/** True where it is refused; false where it proves the same as before. Anything else fails. */
function isRefused(text: string, proved: string): boolean {
  let answer: string
  try {
    answer = spell(verifyProof(text, logged.key.vkey))
  } catch (error) {
    expect(error).toMatchObject({ code: 'SESSIONLOG_PROOF_INVALID' })
    return true
  }
  expect(answer).toBe(proved)
  return false
}

describe('A proof file is refused', () => {
  test('with any bit of it flipped', () => {
    const proved = spell(verifyProof(proof, logged.key.vkey))
    const bytes = Buffer.from(proof)
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        bytes[at]! ^= 1 << bit
        expect(isRefused(bytes.toString(), proved), `bit ${bit} of byte ${at}`).toBe(true)
        expect(isRefused(bytes.toString('latin1'), proved)).toBe(true)
        bytes[at]! ^= 1 << bit
      }
    }
  })

  test('with any byte taken out, put in, or doubled', () => {
    const proved = spell(verifyProof(proof, logged.key.vkey))
    for (let at = 0; at <= proof.length; at++) {
      const [before, behind] = [proof.slice(0, at), proof.slice(at)]
      const others = [
        before + behind.slice(1),
        `${before}\n${behind}`,
        `${before} ${behind}`,
        `${before}A${behind}`,
      ]
      for (const other of others) if (other !== proof) expect(isRefused(other, proved), `at ${at}`).toBe(true)
      if (at < proof.length) expect(isRefused(before, proved), `cut at ${at}`).toBe(true)
    }
  })

  test('with random bytes changed, or proves the same: what another key signed is not looked at', () => {
    const other = generateKey('witness.example')
    const { origin, leaves, key } = logged
    const keys = [other.skey, key.skey]
    const checkpoint = signCheckpoint({ origin, size: leaves.length / 32, root: treeRoot(leaves) }, keys)
    let same = 0
    const large = logged.events.filter(each => each.sessionId === 'other')
    for (const each of large) {
      const text = proofOf(logged, each, checkpoint)
      const proved = spell(verifyProof(text, key.vkey))
      for (let trial = 0; trial < 300; trial++) {
        const bytes = Buffer.from(text)
        const damages = 1 + chance.below(3)
        for (let damage = 0; damage < damages; damage++) bytes[chance.below(bytes.length)] = chance.below(256)
        if (bytes.equals(Buffer.from(text))) continue
        if (!isRefused(bytes.toString(), proved)) same++
      }
    }
    expect(same).toBeLessThan(200)
  })

  test('with a checkpoint of another size, root, origin or key', async () => {
    const { key, leaves, origin } = logged
    const another = generateKey(origin)
    const { extra, index, hashes } = parseTlogProof(proof)
    const withCheckpoint = (checkpoint: object, { skey } = key) =>
      formatTlogProof({
        extra,
        index,
        hashes,
        checkpoint: signCheckpoint(
          { origin, size: leaves.length / 32, root: treeRoot(leaves), ...checkpoint },
          skey,
        ),
      })
    expect(spell(verifyProof(withCheckpoint({}), key.vkey))).toBe(spell(verifyProof(proof, key.vkey)))
    expect(await refusalOf(withCheckpoint({}, another))).toContain('not signed with this key')
    expect(await refusalOf(proof, another.vkey)).toContain('not signed with this key')
    expect(await refusalOf(withCheckpoint({ root: '00'.repeat(32) }))).toContain('not in the tree')
    expect(await refusalOf(withCheckpoint({ size: event.position - 1 }))).toContain('does not fit')
    expect(await refusalOf(withCheckpoint({ size: 1_000 }))).toContain('does not fit')
    expect(await refusalOf(withCheckpoint({ origin: 'sessionlog/another' }))).toContain('sessionlog/another')
    expect(await refusalOf(proof, key.vkey, 'sessionlog/another')).toContain('sessionlog/another')
    for (const vkey of ['', origin, key.skey, `${key.vkey}x`, `${key.vkey}\n`, key.vkey.replace(/.$/, '!')])
      expect(await refusalOf(proof, vkey, origin)).not.toBe('')
  })

  test('with another run of events', async () => {
    const { index, hashes, checkpoint } = parseTlogProof(proof)
    const withRun = (run: readonly { bytes: Uint8Array }[]) =>
      formatTlogProof({ extra: packRun(run.map(each => each.bytes)), index, hashes, checkpoint })
    const run = runTo(logged, event)
    const others = logged.events.filter(each => each.sessionId === 'other')
    const own = logged.events.filter(each => each.sessionId === 'cart')
    expect(verifyProof(withRun(run), logged.key.vkey).version).toBe(event.version)
    expect(await refusalOf(withRun(run.slice(1)))).toContain('whole state')
    expect(await refusalOf(withRun(own.slice(0, event.version)))).toContain('whole state')
    expect(await refusalOf(withRun(run.toSpliced(1, 1)))).toContain('gaps')
    expect(await refusalOf(withRun(run.slice(0, -1)))).toContain('not in the tree')
    expect(await refusalOf(withRun([...run, run.at(-1)!]))).toContain('gaps')
    expect(await refusalOf(withRun([others[0]!, ...run.slice(1)]))).toContain('gaps')
    expect(await refusalOf(withRun([...run.slice(0, -1), own.at(-1)!]))).toContain('not in the tree')
    expect(await refusalOf(withRun([]))).not.toBe('')
    for (const at of run.slice(0, -1).keys()) {
      const bytes = Buffer.from(run[at]!.bytes)
      bytes[bytes.length - 1]! ^= 1
      expect(await refusalOf(withRun(run.with(at, { ...run[at]!, bytes })))).not.toBe('')
    }
  })
})

describe('A proof by the owner of the key is refused', () => {
  /** A proof of the first event of a log of one, whose checkpoint is made by hand. */
  function signed(change: (text: string) => string, vkey = logged.key.vkey): string {
    const text = change(parseNote(checkpointOf(logged, 1)).text)
    const id = Buffer.from(vkey.split('+')[1]!, 'hex')
    const line = `— ${logged.origin} ${toBase64(Buffer.concat([id, parseSkey(logged.key.skey).sign(text)]))}\n`
    const { bytes } = logged.events[0]!
    return formatTlogProof({ extra: packRun([bytes]), index: 0, hashes: [], checkpoint: `${text}\n${line}` })
  }

  test('only for what is wrong with it', () => {
    expect(
      verifyProof(
        signed(same => same),
        logged.key.vkey,
      ).state,
    ).toBe('not yet')
    const extended = signed(text => `${text}an extension\n`)
    expect(verifyProof(extended, logged.key.vkey).state).toBe('not yet')
  })

  test.each<[string, (text: string) => string]>([
    ['an empty origin', text => text.replace(/.*/, '')],
    ['an empty extension', text => `${text}an extension\n\nanother\n`],
    ['a tab', text => `${text}an\textension\n`],
    ['a NUL', text => `${text}\0\n`],
    ['a carriage return', text => text.replaceAll('\n', '\r\n')],
    ['half of a surrogate pair', text => `${text}\ud800\n`],
    ['a size with a leading zero', text => text.replace('\n1\n', '\n01\n')],
    ['a size of nothing', text => text.replace('\n1\n', '\n0\n')],
    ['no root', text => `${text.split('\n').slice(0, 2).join('\n')}\n`],
  ])('where the checkpoint has %s', async (_, change) => {
    const origin = change(`${logged.origin}\n`).split('\n')[0]
    expect(await refusalOf(signed(change), logged.key.vkey, origin)).not.toBe('')
  })

  /** The same with another size and root, and with these siblings. */
  function withTree(size: number, root: Buffer, siblings: readonly Uint8Array[]): string {
    const lines = siblings.map(sibling => `${toBase64(sibling)}\n`).join('')
    const text = signed(note => `${note.split('\n')[0]}\n${size}\n${toBase64(root)}\n`)
    return text.replace('index 0\n', `index 0\n${lines}`)
  }

  const pairOf = (left: Uint8Array, right: Uint8Array) =>
    createHash('sha256').update('\u0001').update(left).update(right).digest()

  test('where the way to the root is longer or shorter than in a tree of that size', async () => {
    const leaf = Buffer.from(logged.events[0]!.hash, 'hex')
    const [a, b] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
    const [two, four] = [pairOf(leaf, a), pairOf(pairOf(leaf, a), b)]
    expect(verifyProof(withTree(2, two, [a]), logged.key.vkey).size).toBe(2)
    expect(verifyProof(withTree(3, four, [a, b]), logged.key.vkey).size).toBe(3)
    expect(await refusalOf(withTree(0, two, [a]))).toContain('does not fit')
    expect(await refusalOf(withTree(1, two, [a]))).toContain('does not fit')
    expect(await refusalOf(withTree(2, four, [a, b]))).toContain('does not fit')
    expect(await refusalOf(withTree(3, two, [a]))).toContain('does not fit')
    expect(await refusalOf(withTree(2, leaf, []))).toContain('does not fit')
    expect(await refusalOf(signed(same => same).replace('index 0', 'index 1'))).toContain('does not fit')
  })

  test('where a sibling is longer than a hash, though the root was made of it', async () => {
    const long = Buffer.alloc(33, 7)
    const root = pairOf(Buffer.from(logged.events[0]!.hash, 'hex'), long)
    expect(await refusalOf(withTree(2, root, [long]))).toContain('base64')
  })

  test('where one of two signatures of the key is wrong, whichever comes first', async () => {
    const text = signed(same => same)
    const line = text.slice(text.indexOf('—'))
    const zeros = Buffer.from(logged.key.vkey.split('+')[1]! + '00'.repeat(64), 'hex')
    const wrong = `— ${logged.origin} ${toBase64(zeros)}\n`
    expect(verifyProof(text + line, logged.key.vkey).state).toBe('not yet')
    expect(await refusalOf(text + wrong)).toContain('wrong')
    expect(await refusalOf(text.replace('—', `${wrong}—`))).toContain('wrong')
    expect(await refusalOf(text.replace(line, `— ${logged.origin} AAAA\n${line}`))).toContain('malformed')
  })

  test('where the key has an id that is not its own, or is of another type', async () => {
    const { origin, key } = logged
    const [, id = '', data = ''] = /\+([0-9a-f]{8})\+(.*)/.exec(key.vkey)!
    const other = key.vkey.replace(`+${id}`, '+01020304')
    expect(
      await refusalOf(
        signed(same => same, other),
        other,
      ),
    ).toContain('verifier key')
    const bytes = Buffer.from(data, 'base64')
    bytes[0] = 2
    const ownId = createHash('sha256').update(`${origin}\n`).update(bytes).digest('hex').slice(0, 8)
    const typed = `${origin}+${ownId}+${toBase64(bytes)}`
    expect(
      await refusalOf(
        signed(same => same, typed),
        typed,
      ),
    ).toContain('verifier key')
  })
})
