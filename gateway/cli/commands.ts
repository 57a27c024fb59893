import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { formatProblems, loadConfiguration } from '../../config/load.ts'
import type { Configuration } from '../../config/schema.ts'
import type { AdapterCommand, CommandWords } from '../adapter.ts'
import { adapterKinds } from '../adapter-kinds.ts'
import { importCity } from '../city/import.ts'
import { describe, GatewayError } from '../errors.ts'
import { startGateway } from '../gateway.ts'
import { packageRoot } from '../package-root.ts'
import { askGateway, atOnce } from './ask-gateway.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { explain } from './explain.ts'
import { formatLedger } from './ledger-text.ts'
import { createLog } from './log.ts'

export interface Command {
  readonly name: string
  readonly synopsis: string
  readonly summary: string
  /** Returns the exit code. */
  run(argv: readonly string[]): Promise<number>
}

const say = (text: string) => process.stdout.write(`${text}\n`)
const complain = (text: string) => process.stderr.write(`${text}\n`)

/** The configuration, or every problem it has on standard error. */
function configurationOf(file: string): Configuration | null {
  const loaded = loadConfiguration(file, adapterKinds)
  if ('configuration' in loaded) return loaded.configuration
  complain(formatProblems(file, loaded.problems))
  return null
}

/** Parses the words of a command; every option takes a text. Wrong words are a usage error in one line. */
function words(argv: readonly string[], options: readonly string[]): CommandWords | null {
  try {
    const known = Object.fromEntries(options.map((name) => [name, { type: 'string' as const }]))
    const { values, positionals } = parseArgs({ args: [...argv], options: known, allowPositionals: true })
    return { values: values as CommandWords['values'], positionals }
  } catch (error) {
    complain(describe(error))
    return null
  }
}

const nameOf = (synopsis: string): string => synopsis.split(' ', 1)[0] ?? synopsis

function misused(synopsis: string): number {
  complain(`usage: chengguan-gateway ${synopsis}`)
  return exitCodes.usage
}

/** A command whose first word is a configuration file; it has as many words as its synopsis has in angle brackets. */
function onConfiguration(
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

async function start(configuration: Configuration): Promise<number> {
  const log = createLog(configuration)
  let ended: (code: number) => void = () => {}
  const exit = new Promise<number>((resolve) => {
    ended = resolve
  })
  // A signal during the start is kept until there is something to stop.
  const signalled = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve(signal))
  })
  try {
    const gateway = await startGateway(configuration, log)
    void signalled.then(async () => {
      await gateway.stop()
      ended(exitCodes.done)
    })
    void gateway.failed.then((reason) => {
      log.fatal({ reason }, 'gateway cannot go on')
      process.exit(exitCodes.unavailable)
    })
    return await exit
  } catch (error) {
    log.fatal(
      { reason: describe(error), code: error instanceof GatewayError ? error.code : undefined },
      'gateway did not start',
    )
    complain(describe(error))
    return exitCodeOf(error)
  }
}

/** What a protocol adds: its output for a file, its remark for whoever sits there. */
function ofAdapter({ synopsis, summary, options, run }: AdapterCommand): Command {
  return {
    name: nameOf(synopsis),
    synopsis,
    summary,
    async run(argv) {
      const parsed = words(argv, options)
      const made = parsed === null ? null : run(parsed)
      if (made === null) return misused(synopsis)
      say(made.output)
      complain(made.remark)
      return exitCodes.done
    },
  }
}

/** The demo: a whole city on this machine, its gateway a process of its own. */
const simulate: Command = {
  name: 'simulate',
  synopsis: 'simulate [--for 30s] [--handhelds N] [--vehicles N]',
  summary: 'a gateway with a simulated city around it, as npm run demo',
  run(argv) {
    const demo = spawn(process.execPath, [`${packageRoot}dist/simulators/demo.js`, ...argv], { stdio: 'inherit' })
    // The terminal sends its Ctrl-C to both; the demo decides when it is over.
    process.on('SIGINT', () => {})
    return new Promise((resolve) => demo.once('close', (code) => resolve(code ?? exitCodes.unbalanced)))
  },
}

export const commands: readonly Command[] = [
  onConfiguration('start <config.yaml>', 'run the gateway', [], start),
  onConfiguration(
    'check <config.yaml>',
    'say all that is wrong with a configuration',
    [],
    async ({ adapters, destinations }, { positionals: [file] }) => {
      say(`${file} is in order: ${adapters.length} adapters, ${destinations.length} destinations`)
      return exitCodes.done
    },
  ),
  onConfiguration(
    'audit <config.yaml>',
    'print the ledger; exit 1 when it does not add up',
    [],
    async (configuration) => {
      const { ledger, faults } = await askGateway(configuration, { what: 'audit' })
      say(formatLedger(ledger))
      for (const fault of faults) complain(fault)
      return faults.length === 0 ? exitCodes.done : exitCodes.unbalanced
    },
  ),
  onConfiguration(
    'replay <config.yaml> [--adapter A] [--code C] [--destination D]',
    'take dead letters up again',
    ['adapter', 'code', 'destination'],
    async (configuration, { values }) => {
      const { replayed, stillDead } = await askGateway(configuration, { what: 'replay', filter: values })
      const more = replayed + stillDead.length >= atOnce ? '; there may be more' : ''
      say(`${replayed} taken up again, ${stillDead.length} still dead${more}`)
      for (const { id, reason } of stillDead) say(`  ${id}  ${reason}`)
      return stillDead.length === 0 ? exitCodes.done : exitCodes.unbalanced
    },
  ),
  onConfiguration(
    'explain <config.yaml> <message id>',
    'how a message was understood, step by step',
    [],
    async (configuration, parsed) => {
      const [, id = ''] = parsed.positionals
      const steps = await explain(configuration, id)
      if (steps === null) complain(`there is no message ${JSON.stringify(id)}`)
      else say(steps)
      return steps === null ? exitCodes.unbalanced : exitCodes.done
    },
  ),
  onConfiguration(
    'import <config.yaml> <city folder>',
    'check a city and switch to it',
    [],
    async (configuration, parsed) => {
      const [, folder = ''] = parsed.positionals
      const city = await importCity(folder, configuration.data)
      say(`${city.name} ${city.version} is in force`)
      return exitCodes.done
    },
  ),
  ...adapterKinds.flatMap((kind) => (kind.commands ?? []).map(ofAdapter)),
  simulate,
]
