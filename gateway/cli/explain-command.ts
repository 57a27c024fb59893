import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { City } from '../city/city.ts'
import { CityRefused, currentVersion, importedFolder } from '../city/import.ts'
import { loadCity } from '../city/load-city.ts'
import { describe } from '../errors.ts'
import { packageRoot } from '../package-root.ts'
import { type Command, complain, configurationOf, misused, say } from './command.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { explain } from './explain.ts'
import { explainLines, explainText } from './explain-text.ts'

const synopsis =
  'explain (<text>, or --jsonl, or <config.yaml> <message id>) [--city folder] [--config file] [--scheme id]'
const options = {
  city: { type: 'string' },
  config: { type: 'string' },
  scheme: { type: 'string' },
  jsonl: { type: 'boolean', default: false },
} as const

/** How a text is understood, with the city's tables alone: no gateway, no database and no data folder is needed. */
export const explainCommand: Command = {
  name: 'explain',
  synopsis,
  summary: 'how a text, or each {"text": …} line of standard input, or a stored message is understood, step by step',
  async run(argv) {
    const parsed = parsedWords(argv)
    if (parsed === null) return misused(synopsis)
    const { values, positionals } = parsed
    const [first = '', second] = positionals
    const stored = /\.ya?ml$/.test(first) || existsSync(first)
    try {
      if (values.jsonl) return positionals.length > 0 ? misused(synopsis) : await onCity(values, lines)
      if (stored && second !== undefined && positionals.length === 2) return await explainStored(first, second)
      // A configuration without a message id is a slip, not something a citizen wrote.
      if (stored || positionals.length === 0) return misused(synopsis)
      return await onCity(values, async (city, scheme) => {
        say(explainText(city, positionals.join(' '), scheme))
        return exitCodes.done
      })
    } catch (error) {
      complain(describe(error))
      return exitCodeOf(error)
    }
  },
}

function parsedWords(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true })
  } catch (error) {
    complain(describe(error))
    return null
  }
}

type Values = NonNullable<ReturnType<typeof parsedWords>>['values']

async function onCity(values: Values, run: (city: City, scheme: string) => Promise<number>): Promise<number> {
  if (values.city !== undefined && values.config !== undefined) return misused(synopsis)
  const folder = await folderOf(values)
  if (folder === null) return exitCodes.configuration
  const { city, problems } = await loadCity(folder)
  if (city === null) throw new CityRefused(folder, problems)
  const scheme = values.scheme ?? city.defaultScheme
  if (city.scheme(scheme) !== null) return run(city, scheme)
  complain(`there is no scheme ${JSON.stringify(scheme)}; the city has ${city.schemeIds.join(', ')}`)
  return misused(synopsis)
}

/** The site's city is the one in force, or the configured one where none was imported yet. */
async function folderOf({ city, config }: Values): Promise<string | null> {
  if (city !== undefined) return city
  if (config === undefined) return `${packageRoot}config/city-example`
  const configuration = configurationOf(config)
  if (configuration === null) return null
  const version = await currentVersion(configuration.data)
  return version === null ? configuration.city : importedFolder(configuration.data, version)
}

async function lines(city: City, scheme: string): Promise<number> {
  const { stdin, stdout } = process
  let allRead = true
  let gone = false
  // Whoever read the output has enough of it: `explain --jsonl | head`.
  const left = new Promise<void>((resolve) => {
    stdout.once('error', () => {
      gone = true
      resolve()
    })
  })
  for await (const { line, read } of explainLines(city, stdin, scheme)) {
    if (gone) return exitCodes.done
    allRead &&= read
    if (!stdout.write(`${line}\n`)) await Promise.race([new Promise((drained) => stdout.once('drain', drained)), left])
  }
  return allRead ? exitCodes.done : exitCodes.unbalanced
}

async function explainStored(file: string, id: string): Promise<number> {
  const configuration = configurationOf(file)
  if (configuration === null) return exitCodes.configuration
  const steps = await explain(configuration, id)
  if (steps === null) complain(`there is no message ${JSON.stringify(id)}`)
  else say(steps)
  return steps === null ? exitCodes.unbalanced : exitCodes.done
}
