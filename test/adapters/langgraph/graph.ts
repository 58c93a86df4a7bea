import { Annotation, END, interrupt, START, StateGraph } from '@langchain/langgraph'
import type { SessionlogSaver } from '../../../src/adapters/langgraph.ts'

export const Order = Annotation.Root({
  log: Annotation<string[]>({ reducer: (before, more) => [...before, ...more], default: () => [] }),
  total: Annotation<number>,
})

/** An agent of three steps: it plans, prices what was ordered, and books it. Pricing is wrong from 5 items on. */
export function shop(checkpointer: SessionlogSaver) {
  return new StateGraph(Order)
    .addNode('plan', () => ({ log: ['planned'] }))
    .addNode('price', ({ log }) => ({ log: ['priced'], total: log.length < 5 ? log.length : -1 }))
    .addNode('book', ({ total }) => ({ log: [`booked ${total}`] }))
    .addEdge(START, 'plan')
    .addEdge('plan', 'price')
    .addEdge('price', 'book')
    .addEdge('book', END)
    .compile({ checkpointer })
}

/** One that asks a human, in a subgraph, before it goes on. */
export function approval(checkpointer: SessionlogSaver) {
  const review = new StateGraph(Order)
    .addNode('draft', () => ({ log: ['drafted'] }))
    .addNode('ask', () => ({ log: [`answered ${interrupt('May I?')}`] }))
    .addEdge(START, 'draft')
    .addEdge('draft', 'ask')
    .addEdge('ask', END)
    .compile()
  return new StateGraph(Order)
    .addNode('review', review)
    .addNode('send', () => ({ log: ['sent'] }))
    .addEdge(START, 'review')
    .addEdge('review', 'send')
    .addEdge('send', END)
    .compile({ checkpointer })
}

export const thread = (thread_id: string) => ({ configurable: { thread_id } })
