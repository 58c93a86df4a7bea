import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'

/** What a module imports when it runs, and what those of its own folder do. */
function importsOf(file: string): string[] {
  const options = { verbatimModuleSyntax: true, module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  const { outputText } = ts.transpileModule(readFileSync(file, 'utf8'), { compilerOptions: options })
  return ts.preProcessFile(outputText).importedFiles.flatMap(({ fileName }) => {
    return fileName.startsWith('./') ? importsOf(join(dirname(file), fileName)) : [fileName]
  })
}

test.each(['openai-agents', 'ai-sdk', 'unstorage'])('%s needs its framework for types only', name => {
  const imports = importsOf(`src/adapters/${name}.ts`)
  expect(imports).toContain('../index.ts')
  expect(imports.filter(each => each !== '../index.ts' && !each.startsWith('node:'))).toEqual([])
})
