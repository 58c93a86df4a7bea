/**
 * An agent that is killed while a tool runs, and goes on where it was when it is started again:
 *
 *     npx tsx examples/langgraph-agent.ts --kill   # ends by SIGKILL, in the middle of the order
 *     npx tsx examples/langgraph-agent.ts          # resumes, and tells who did what
 *
 * The model is a script, so there is no network. In a project of your own, import from `sessionlog` and
 * `sessionlog/langgraph`.
 */
import { BaseChatModel } from '@langchain/core/language_models/chat_models'
import { AIMessage, type BaseMessage, HumanMessage, ToolMessage } from '@langchain/core/messages'
import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { SessionlogSaver } from '../src/adapters/langgraph.ts'
import { openStore } from '../src/index.ts'

const THREAD = { configurable: { thread_id: 'ada' }, durability: 'sync' as const }

const SCRIPT = [
  new AIMessage({ content: '', tool_calls: [{ name: 'price', args: { of: 'tea' }, id: 'call-1' }] }),
  new AIMessage({ content: '', tool_calls: [{ name: 'order', args: { of: 'tea' }, id: 'call-2' }] }),
  new AIMessage('Tea is ordered, for 5 euros.'),
]

/** Says the next line of the script, by how many it finds in the conversation. */
class ScriptedModel extends BaseChatModel {
  override _llmType(): string {
    return 'scripted'
  }

  override async _generate(messages: BaseMessage[]) {
    const message = SCRIPT[messages.filter(message => message.getType() === 'ai').length]!
    return { generations: [{ text: String(message.content), message }] }
  }
}

const args = process.argv.slice(2)
const dir = args.find(arg => !arg.startsWith('-')) ?? 'data'
await using store = await openStore({ dir })

const tools: Record<string, (callId: string) => Promise<string>> = {
  async price() {
    return '5 euros'
  },
  async order(callId) {
    // The id of the call makes it safe to do this again after a crash: it is recorded once.
    const receipt = await store.save('order', { of: 'tea' }, { actor: 'agent', eventId: callId })
    if (args.includes('--kill')) process.kill(process.pid, 'SIGKILL')
    return receipt.deduplicated ? 'was ordered before the crash' : 'ordered'
  },
}

const model = new ScriptedModel({})
const agent = new StateGraph(MessagesAnnotation)
  .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addNode('tools', async ({ messages }) => {
    const { tool_calls: calls = [] } = messages.at(-1) as AIMessage
    const answers = calls.map(async ({ name, id = '' }) => {
      const content = await tools[name]!(id)
      return new ToolMessage({ content, tool_call_id: id, name })
    })
    return { messages: await Promise.all(answers) }
  })
  .addEdge(START, 'model')
  .addConditionalEdges(
    'model',
    ({ messages }) => ((messages.at(-1) as AIMessage).tool_calls?.length ? 'tools' : END),
    ['tools', END],
  )
  .addEdge('tools', 'model')
  .compile({ checkpointer: new SessionlogSaver({ store }) })

const { next, values } = await agent.getState(THREAD)
if (next.length > 0) console.log(`Resuming at '${next}', after ${values.messages.length} messages`)
const input = next.length > 0 ? null : { messages: [new HumanMessage('Order tea, please')] }
const { messages } = await agent.invoke(input, THREAD)
for (const message of messages) if (message.text) console.log(`${message.getType()}: ${message.text}`)
console.log(`Orders: ${store.version('order')}`)

console.log('\nWhat happened:')
for await (const { version, type, actor, reason } of store.history('langgraph/ada'))
  console.log(`${String(version).padStart(3)}  ${type.padEnd(12)}  ${nameOf(actor).padEnd(9)}  ${reason}`)

console.log('\nWho wrote which message:')
const blamed = await store.blame('langgraph/ada')
for (const index of messages.keys()) {
  const { actor, version } = blamed.get(`/values/messages/${index}/kwargs/content`)!
  console.log(`${String(version).padStart(3)}  ${nameOf(actor).padEnd(9)}  ${messages[index]!.getType()}`)
}

function nameOf(actor: unknown): string {
  return typeof actor === 'object' ? (actor as { id: string }).id : String(actor)
}
