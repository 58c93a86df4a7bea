import { run } from '../src/cli/run.ts'

/**
 * The nightly script: `sessionlog compact`, for a crontab in a checkout of this repository.
 *
 *     npx tsx scripts/compact.ts --dir data
 *
 * Where an app holds the store, the app does the work. docs/cron.md has the crontab line, the systemd timer and the exit
 * codes.
 */
process.exitCode = await run(['compact', ...process.argv.slice(2)])
