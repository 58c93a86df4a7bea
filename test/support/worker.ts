import { openStore } from '../../src/index.ts'

/**
 * A process that has a store open and does what it is told over IPC: `[id, method, ...arguments]`. Answers with
 * `[id, 'ok', result]` or `[id, 'error', code, message]`. `acked` says of each save that it was acknowledged.
 */
type State = Record<string, unknown>
type Command = readonly [id: number, method: keyof typeof METHODS, ...args: never[]]

const [dir = '', options = '{}'] = process.argv.slice(2)
const store = await openStore<State>({ dir, compactEvery: 0, ...JSON.parse(options) })

const METHODS = {
  get: (id: string) => store.get(id),
  version: (id: string) => store.version(id),
  position: () => store.position,
  status: () => store.status,
  flush: () => store.flush(),
  verify: () => store.verify(),
  compact: () => store.compact().then(({ position }) => position),
  save: (id: string, state: State, more?: object) => store.save(id, state, more),
  delete: (id: string) => store.delete(id),
  close: () => store.close(),
  /** Adds one to a counter so many times, all at once; each acknowledgement is told as it comes. */
  count: (id: string, times: number) =>
    Promise.all(
      Array.from({ length: times }, () =>
        store
          .edit(id, draft => {
            draft.sum = ((draft.sum as number) ?? 0) + 1
          })
          .then(({ version, position, hash }) => process.send!(['acked', id, version, position, hash])),
      ),
    ).then(() => undefined),
  /** So many writes at once, each with a mark of its own; says of each what was acknowledged, and whether it is seen. */
  burst: (id: string, mark: string, times: number) =>
    Promise.allSettled(
      Array.from({ length: times }, async (_, n) => {
        const reason = `${mark}-${n}`
        const write = n % 3 === 0 || !store.has(id) ? 'save' : 'edit'
        const receipt = await (write === 'save'
          ? store.save(id, { mark: reason }, { reason })
          : store.edit(id, draft => ({ ...draft, edited: reason }), { reason }))
        const { version, position, hash } = receipt
        const isSeen = store.version(id) >= version && store.position >= position
        process.send!(['acked', id, version, position, hash, { reason, isSeen }])
      }),
    ).then(outcomes =>
      outcomes.flatMap(each => (each.status === 'rejected' ? [String(each.reason.code)] : [])),
    ),
  /** Ends by itself, as after an exception that nobody caught. */
  exit: (code: number) => process.exit(code),
  archive: (keepLast: number) => store.archive({ keepLast }).then(({ events }) => events),
  /** Archives and prunes again and again, until the process ends. */
  keepOn: async (keepLast: number) => {
    for (;;) {
      await store.archive({ keepLast })
      await store.prune({ reason: 'old' })
    }
  },
  backup: (dest: string) => store.backup(dest).then(({ position }) => position),
  /** Saves again and again, one after the other, until the process ends. */
  saveOn: async (id: string, name: string) => {
    for (let n = 1; ; n++) {
      const { version, position, hash } = await store.save(id, { name, n })
      process.send!(['acked', id, version, position, hash, { name, n }])
    }
  },
}

process.on('message', async ([id, method, ...args]: Command) => {
  try {
    process.send!([id, 'ok', await (METHODS[method] as (...args: never[]) => unknown)(...args)])
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    process.send!([id, 'error', code, message])
  }
})
process.on('disconnect', () => process.exit())
process.send!(['open', store.position])
