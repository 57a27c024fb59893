import { parseArgs } from 'node:util'
import { formatProblems, loadConfiguration } from '../../config/load.ts'
import type { Configuration } from '../../config/schema.ts'
import type { CommandWords } from '../adapter.ts'
import { adapterKinds } from '../adapter-kinds.ts'
import { describe } from '../errors.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'

export interface Command {
  readonly name: string
  readonly synopsis: string
  readonly summary: string
  /** Returns the exit code. */
  run(argv: readonly string[]): Promise<number>
}

export const say = (text: string) => process.stdout.write(`${text}\n`)
export const complain = (text: string) => process.stderr.write(`${text}\n`)

/** The configuration, or every problem it has on standard error. */
export function configurationOf(file: string): Configuration | null {
  const loaded = loadConfiguration(file, adapterKinds)
  if ('configuration' in loaded) return loaded.configuration
  complain(formatProblems(file, loaded.problems))
  return null
}

/** Parses the words of a command; every option takes a text. Wrong words are a usage error in one line. */
export function words(argv: readonly string[], options: readonly string[]): CommandWords | null {
  try {
    const known = Object.fromEntries(options.map((name) => [name, { type: 'string' as const }]))
    const { values, positionals } = parseArgs({ args: [...argv], options: known, allowPositionals: true })
    return { values: values as CommandWords['values'], positionals }
  } catch (error) {
    complain(describe(error))
    return null
  }
}

export const nameOf = (synopsis: string): string => synopsis.split(' ', 1)[0] ?? synopsis

export function misused(synopsis: string): number {
  complain(`usage: chengguan-gateway ${synopsis}`)
  return exitCodes.usage
}

/** A command whose first word is a configuration file; it has as many words as its synopsis has in angle brackets. */
export function onConfiguration(
  synopsis: string,
  summary: string,
  options: readonly string[],
  run: (configuration: Configuration, words: CommandWords) => Promise<number>,
): Command {
  const wanted = synopsis.match(/<[^>]+>/g)?.length ?? 0
  return {
    name: nameOf(synopsis),
    synopsis,
    summary,
    async run(argv) {
      const parsed = words(argv, options)
      const file = parsed?.positionals[0]
      if (file === undefined || parsed?.positionals.length !== wanted) return misused(synopsis)
      const configuration = configurationOf(file)
      if (configuration === null) return exitCodes.configuration
      try {
        return await run(configuration, parsed)
      } catch (error) {
        complain(describe(error))
        return exitCodeOf(error)
      }
    },
  }
}
