import { pathToFileURL } from 'node:url'
import { load } from '../peers/packages.ts'
import { BUILT, loadStore } from '../sessionlog.ts'

/** What a store of sessions for Express is made of: the app's own express-session, and where to keep things. */
export interface Place {
  readonly session: (options: object) => unknown
  /** An empty directory. */
  readonly dir: string
  /** The socket file of a Redis. */
  readonly redis?: string | undefined
}

type Constructor = new (options: object) => object

/** Every store at its defaults, but for what would keep a process alive or print. */
export const STORES: Record<string, (place: Place) => Promise<object>> = {
  async sessionlog({ dir }) {
    const openStore = await loadStore()
    const { createExpressStore } = (await import(pathToFileURL(`${BUILT}/adapters/express.js`).href)) as {
      createExpressStore: (options: object) => object
    }
    return createExpressStore({ store: await openStore({ dir }) })
  },
  async memorystore({ session }) {
    const Store = load<(session: unknown) => Constructor>('memorystore')(session)
    return new Store({ checkPeriod: 86_400_000 })
  },
  async 'session-file-store'({ session, dir }) {
    const Store = load<(session: unknown) => Constructor>('session-file-store')(session)
    return new Store({ path: dir, logFn: () => undefined })
  },
  async 'better-sqlite3-session-store'({ session, dir }) {
    const Store = load<(session: unknown) => Constructor>('better-sqlite3-session-store')(session)
    const Database = load<new (file: string) => object>('better-sqlite3')
    return new Store({ client: new Database(`${dir}/sessions.db`) })
  },
  async 'connect-redis'({ redis }) {
    const { createClient } = load<{
      createClient: (options: object) => { connect(): Promise<unknown> }
    }>('redis')
    const { RedisStore } = load<{ RedisStore: Constructor }>('connect-redis')
    const client = createClient({ socket: { path: redis } })
    await client.connect()
    return new RedisStore({ client })
  },
}
