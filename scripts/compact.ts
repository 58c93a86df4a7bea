import { run } from '../src/cli/run.ts'

/**
 * The nightly script: `sessionlog compact`, for a crontab in a checkout of this repository.
 *
 *     npx tsx scripts/compact.ts --dir data
 *
 * Exits with 3 where an app holds the store, and says which process that is. docs/cron.md has the crontab line, the
 * systemd timer and the other exit codes.
 */
process.exitCode = await run(['compact', ...process.argv.slice(2)])
