import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MemoryLevel } from 'memory-level'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { proofOf, readLog } from '../support/proofs.ts'
import { create, temporary } from '../support/store.ts'

const source = readFileSync('src/proof/verify.ts', 'utf8')

test('verify.ts imports node:crypto and nothing else, and asks for nothing while it runs', () => {
  const { importedFiles } = ts.preProcessFile(source, true, true)
  expect(importedFiles.map(each => each.fileName)).toEqual(['node:crypto'])
  expect(source.match(/\b(import|require|process|globalThis|eval|Function)\b/g)).toEqual(['import'])
  expect(source.split('\n').length).toBeLessThanOrEqual(251)
})

test('a lone copy of verify.ts verifies a proof, in a directory with nothing else in it', async () => {
  const db = new MemoryLevel()
  const store = await create<unknown>({ db })
  await store.save('cart-42', { items: ['tea'] }, { actor: 'ada' })
  await store.save('cart-42', { items: ['tea', 'milk'] }, { actor: 'bob', reason: 'for the tea' })
  const logged = await readLog(db)
  const proof = proofOf(logged, logged.events[1]!)

  const dir = temporary()
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  writeFileSync(join(dir, 'verify.mjs'), ts.transpileModule(source, { compilerOptions: options }).outputText)
  writeFileSync(join(dir, 'cart.tlog-proof'), proof)
  const program = `
    import { readFileSync } from 'node:fs'
    import { verifyProof } from './verify.mjs'
    const text = readFileSync('cart.tlog-proof', 'utf8')
    console.log(JSON.stringify(verifyProof(text, ${JSON.stringify(logged.key.vkey)})))
    try {
      verifyProof(text.replace('index 1', 'index 0'), ${JSON.stringify(logged.key.vkey)})
    } catch (error) {
      console.log(error.code)
    }
  `
  writeFileSync(join(dir, 'program.mjs'), program)
  const printed = execFileSync(process.execPath, ['program.mjs'], { cwd: dir, encoding: 'utf8' })
    .trim()
    .split('\n')
  expect(printed[1]).toBe('SESSIONLOG_PROOF_INVALID')
  expect(JSON.parse(printed[0]!)).toEqual({
    origin: logged.origin,
    size: 2,
    root: expect.stringMatching(/^[0-9a-f]{64}$/),
    sessionId: 'cart-42',
    version: 2,
    position: 2,
    recordedAt: logged.events[1]!.recordedAt,
    type: 'saved',
    actor: 'bob',
    reason: 'for the tea',
    state: { items: ['tea', 'milk'] },
    hash: logged.events[1]!.hash,
  })
})
