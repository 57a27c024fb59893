import { spawn } from 'node:child_process'
import type { Configuration } from '../../config/schema.ts'
import type { AdapterCommand } from '../adapter.ts'
import { adapterKinds } from '../adapter-kinds.ts'
import { importCity } from '../city/import.ts'
import { describe, GatewayError } from '../errors.ts'
import { startGateway } from '../gateway.ts'
import { packageRoot } from '../package-root.ts'
import { askGateway, atOnce } from './ask-gateway.ts'
import { type Command, complain, misused, nameOf, onConfiguration, say, words } from './command.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { explainCommand } from './explain-command.ts'
import { formatLedger } from './ledger-text.ts'
import { createLog } from './log.ts'

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
  explainCommand,
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
