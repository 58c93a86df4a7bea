import { hasCode } from '../errors.ts'
import { type ImportBundleOptions, openBundle } from '../index.ts'
import { type Context, open } from './context.ts'
import { hasStore } from './directory.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { readVkey } from './key-file.ts'
import { formatCount, plural } from './text.ts'

export interface BundleImportOptions {
  as?: string
  key?: string
}

export async function importBundle(
  context: Context,
  path: string,
  { as, key }: BundleImportOptions,
): Promise<ExitCode> {
  const { out, json, progress, signal } = context
  const vkey = key === undefined ? undefined : await readVkey(key)
  const options: ImportBundleOptions = {
    signal,
    onProgress: ({ events }) => progress.update('Importing', events),
    ...(as !== undefined && { as }),
    ...(vkey !== undefined && { key: vkey }),
  }
  // What is refused makes no store.
  if (!(await hasStore(context.dir)))
    await openBundle(path, { signal, ...(vkey !== undefined && { key: vkey }) })
  const store = await open(context)
  try {
    const report = await store.importBundle(path, options).catch(error => {
      if (hasCode(error, 'SESSIONLOG_VERSION_CONFLICT'))
        out.note(
          'sessionlog: the store has that session from somewhere else: --as gives the new one another id',
        )
      throw error
    })
    progress.end()
    const { events, sessions, skipped } = report
    const known = skipped > 0 ? `, ${formatCount(skipped)} that were there already` : ''
    if (json) await out.json(report)
    else await out.line(`Imported ${plural(events, 'event')} of ${plural(sessions, 'session')}${known}`)
    return EXIT.OK
  } finally {
    progress.end()
    await store.close()
  }
}
