import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { outcomeOf, start, temporary, withStore } from '../cli/cli.ts'

const EXAMPLE = 'examples/langgraph-agent.ts'

// There are no signals to die by on Windows.
describe.skipIf(process.platform === 'win32')('the agent', () => {
  test('is killed in the middle of a tool, and goes on there', async () => {
    const dir = join(temporary(), 'data')
    const [code, signal] = await once(start(EXAMPLE, ['--kill', dir]), 'close')
    expect([code, signal]).toEqual([null, 'SIGKILL'])
    const before = await withStore(dir, async store => [
      store.version('langgraph/ada'),
      store.version('order'),
    ])
    expect(before).toEqual([9, 1])

    const { code: ended, stdout, stderr } = await outcomeOf(start(EXAMPLE, [dir]))
    expect([ended, stderr]).toEqual([0, ''])
    const lines = stdout.split('\n')
    expect(lines.slice(0, 6)).toEqual([
      "Resuming at 'tools', after 4 messages",
      'human: Order tea, please',
      'tool: 5 euros',
      'tool: was ordered before the crash',
      'ai: Tea is ordered, for 5 euros.',
      'Orders: 1',
    ])
    expect(lines).toContain(' 11  checkpointed  tools      loop, step 4')
    expect(lines.slice(-7)).toEqual([
      '  3  __start__  human',
      '  5  model      ai',
      '  7  tools      tool',
      '  9  model      ai',
      ' 11  tools      tool',
      ' 13  model      ai',
      '',
    ])
  })

  test('orders at once where nobody kills it', async () => {
    const { code, stdout } = await outcomeOf(start(EXAMPLE, [join(temporary(), 'data')]))
    expect(code).toBe(0)
    expect(stdout).toContain('tool: ordered\n')
    expect(stdout).not.toContain('Resuming')
  })
})
