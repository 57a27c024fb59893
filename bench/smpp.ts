import { parseArgs } from 'node:util'
import { closeServer } from './gateways.ts'
import { burst } from './smpp-burst.ts'
import { writeMessages } from './smpp-centre.ts'
import { compareMo } from './smpp-mo.ts'
import { measureMt } from './smpp-mt.ts'

/**
 * Texts of citizens over SMPP: MO acknowledged after the commit beside the bare library and Kannel, MT with receipts at
 * an account's pace, and a burst against a full intake. `--parts mo,mt,burst`.
 */

const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: 'mo,mt,burst' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    window: { type: 'string', default: '100' },
    targets: { type: 'string', default: 'bare,server,embedded,kannel' },
    rates: { type: 'string', default: '200,500' },
    binds: { type: 'string', default: 'receiver' },
    databases: { type: 'string', default: 'server,embedded' },
  },
})

const texts = 20_000

async function run(): Promise<void> {
  const parts = values.parts.split(',')
  if (parts.includes('mo')) {
    const messages = await writeMessages(texts, false)
    for (const bind of values.binds.split(',')) {
      if (bind !== 'receiver' && bind !== 'transceiver') throw new Error(`no bind ${bind}`)
      const targets = values.targets.split(',')
      const { rounds, seconds, window } = values
      await compareMo({
        messages,
        targets,
        rounds: Number(rounds),
        seconds: Number(seconds),
        window: Number(window),
        bind,
      })
    }
  }
  const databases = values.databases.split(',')
  if (parts.includes('mt')) await measureMt(databases, values.rates.split(',').map(Number))
  if (parts.includes('burst')) await burst(databases)
}

try {
  await run()
} finally {
  await closeServer()
}
