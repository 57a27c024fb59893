#!/usr/bin/env node
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commands } from './cli/commands.ts'
import { exitCodes } from './cli/exit-codes.ts'

const usage = `chengguan-gateway <command>

${commands.map(({ synopsis, summary }) => `  ${synopsis}\n      ${summary}`).join('\n')}

Exit codes: 0 done, 1 the ledger does not add up, something stays dead or a line held no text, 64 usage,
69 a needed service is not there, 78 the configuration or the city is wrong.
`

/** Runs one command line and returns its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(usage)
    return name === undefined ? exitCodes.usage : exitCodes.done
  }
  const command = commands.find((one) => one.name === name)
  if (command === undefined) {
    process.stderr.write(`There is no command ${JSON.stringify(name)}.\n\n${usage}`)
    return exitCodes.usage
  }
  return command.run(rest)
}

const invokedAs = process.argv[1]
if (invokedAs !== undefined && realpathSync(invokedAs) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2))
}
