#!/usr/bin/env node
import { run } from './run.ts'

/**
 * The command `sessionlog`:
 *
 *     sessionlog [--dir data] COMMAND …
 *
 * Only data goes to standard output. The process is left to end by itself, so that whatever it still has to write is
 * written.
 */
process.exitCode = await run(process.argv.slice(2))
