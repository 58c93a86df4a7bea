import type { SerializerProtocol } from '@langchain/langgraph-checkpoint'
import { SessionlogTypeError, type SessionStore } from '../../index.ts'
import { checkNames } from '../adapter-options.ts'
import type { ThreadActor } from './author.ts'

/** What a saver needs of a store: any `SessionStore` has it, whatever else it holds. */
export type ThreadStore = Pick<
  SessionStore<unknown>,
  'get' | 'version' | 'save' | 'delete' | 'ids' | 'stateAt' | 'catchUp' | 'status'
>

export interface SessionlogSaverOptions {
  /** An open store. The saver does not close it. */
  store: ThreadStore
  /** What the session of a thread is called: this, then the `thread_id`. Default: `langgraph/`. */
  prefix?: string
  /** Who each event is by. Default: the nodes that ran, `{ id: 'agent', type: 'node' }`; else where it came from. */
  actor?: ThreadActor
  /** Default: LangGraph's own `JsonPlusSerializer`. */
  serde?: SerializerProtocol
}

const NEEDED = ['get', 'version', 'save', 'delete', 'ids', 'stateAt', 'catchUp'] as const

export function checkOptions(options: SessionlogSaverOptions): SessionlogSaverOptions {
  checkNames(options, ['store', 'prefix', 'actor', 'serde'])
  const { store, prefix, actor } = options
  if (NEEDED.some(name => typeof store?.[name] !== 'function'))
    throw new SessionlogTypeError('store must be an open store', 'store')
  if (prefix !== undefined && typeof prefix !== 'string')
    throw new SessionlogTypeError('prefix must be a string', 'prefix')
  if (!['string', 'object', 'function', 'undefined'].includes(typeof actor) || actor === null)
    throw new SessionlogTypeError('actor must be an actor or a function', 'actor')
  return options
}
