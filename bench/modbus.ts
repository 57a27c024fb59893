import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ModbusPlant } from '../simulators/modbus-plant.ts'
import { closeServer, openGateway } from './gateways.ts'
import { ratio, table } from './table.ts'

/** A thousand points on fifty units, ten of them dead: is every live point read within its second? */

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    units: { type: 'string', default: '50' },
    dead: { type: 'string', default: '10' },
    timeout: { type: 'string', default: '200' },
  },
})

const seconds = Number(values.seconds)
const unitCount = Number(values.units)
const deadCount = Number(values.dead)
const timeoutMs = Number(values.timeout)
const registers = 20

const numbers = Array.from({ length: unitCount }, (_, i) => i + 1)
/** Spread among the living, as they are in a city. */
const isDead = (unit: number): boolean =>
  unit % Math.floor(unitCount / deadCount) === 0 && unit / Math.floor(unitCount / deadCount) <= deadCount
const live = numbers.filter((unit) => !isDead(unit))

interface Outcome {
  /** Of the live points' seconds, those in which the point was read. */
  readonly withinShare: number
  readonly worstGapMs: number
  readonly readsPerSecond: number
  readonly remark: string
}

function fill(plant: ModbusPlant, atMs: number): void {
  for (const number of plant.units.keys())
    for (let address = 0; address < registers; address++)
      plant
        .unit(number)
        .put({ table: 'holding', address }, Math.round(1000 + 500 * Math.sin(atMs / 5000 + number + address)))
}

function plantOf(units: readonly number[]): ModbusPlant {
  const plant = new ModbusPlant()
  for (const number of units) plant.unit(number).fault = isDead(number) ? { is: 'dead' } : null
  fill(plant, 0)
  return plant
}

/** Each unit's seconds begin half a second before its first read of the measurement, so that none lies on a border. */
function judge(plants: readonly ModbusPlant[], fromMs: number, toMs: number, remark: string): Outcome {
  let within = 0
  let all = 0
  let worstGapMs = 0
  let reads = 0
  for (const plant of plants) {
    for (const unit of plant.units.values()) {
      if (isDead(unit.unit)) continue
      const times = unit.answeredMs.filter((at) => at >= fromMs && at < toMs)
      const slots = Math.floor((toMs - fromMs) / 1000) - 1
      const beginMs = (times[0] ?? fromMs) - 500
      const seen = new Set(times.map((at) => Math.floor((at - beginMs) / 1000)))
      for (let slot = 0; slot < slots; slot++) if (seen.has(slot)) within++
      all += slots
      reads += times.length
      const marks = [fromMs, ...times, toMs]
      for (const [i, at] of marks.entries()) worstGapMs = Math.max(worstGapMs, at - (marks[i - 1] ?? at))
    }
  }
  return {
    withinShare: within / all,
    worstGapMs,
    readsPerSecond: (reads * registers) / ((toMs - fromMs) / 1000),
    remark,
  }
}

async function measure(plants: readonly ModbusPlant[], remark: () => Promise<string>): Promise<Outcome> {
  const moving = setInterval(() => {
    for (const plant of plants) fill(plant, performance.now())
  }, 500)
  // The first round, in which the dead are found out.
  await new Promise((resolve) => setTimeout(resolve, 8000))
  const fromMs = performance.now()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  clearInterval(moving)
  return judge(plants, fromMs, performance.now(), await remark())
}

const points = Array.from({ length: registers }, (_, address) => ({
  point: `p${address}`,
  function: 'holding',
  address,
}))

async function byGateway(buses: 'one bus' | 'a bus each'): Promise<Outcome> {
  const plants = buses === 'one bus' ? [plantOf(numbers)] : numbers.map((number) => plantOf([number]))
  const adapters = await Promise.all(
    plants.map(async (plant, i) => ({
      ...{ name: `bus-${i}`, kind: 'modbus', transport: 'tcp', host: '127.0.0.1', port: await plant.listen() },
      timeout: `${timeoutMs}ms`,
      units: [...plant.units.keys()].map((unit) => ({ unit, sensor: `bench-${unit}`, map: { points }, every: '1s' })),
    })),
  )
  const gateway = await openGateway('embedded', { adapters })
  try {
    return await measure(plants, async () => {
      const { channels } = (await (await fetch(`${gateway.child().http}/v1/ledger`)).json()) as {
        channels: { stored: number }[]
      }
      return `${channels.reduce((sum, { stored }) => sum + stored, 0)} polls stored`
    })
  } finally {
    await gateway.close()
    await Promise.all(plants.map((plant) => plant.close()))
  }
}

async function byProcess(program: string, words: (port: number) => readonly string[]): Promise<Outcome> {
  const plant = plantOf(numbers)
  const port = await plant.listen()
  const child: ChildProcess = spawn(program, words(port), { stdio: ['pipe', 'ignore', 'ignore'] })
  try {
    return await measure([plant], async () => 'nothing is stored')
  } finally {
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null
    child.kill('SIGTERM')
    await exited
    await plant.close()
  }
}

const bare = fileURLToPath(new URL('./bare-modbus.js', import.meta.url))
const runs: readonly (readonly [string, () => Promise<Outcome>])[] = [
  ['gateway, one bus', () => byGateway('one bus')],
  ['gateway, a bus each', () => byGateway('a bus each')],
  [
    'modbus-serial, unit by unit',
    () => byProcess(process.execPath, (port) => [bare, ...[port, unitCount, registers, timeoutMs].map(String)]),
  ],
]

try {
  const rows: string[][] = []
  let ours: Outcome | null = null
  for (const [name, run] of runs) {
    const outcome = await run()
    ours ??= outcome
    rows.push([
      name,
      `${(outcome.withinShare * 100).toFixed(2)} %`,
      ratio(ours.withinShare / Math.max(outcome.withinShare, 1e-9)),
      `${Math.round(outcome.worstGapMs)} ms`,
      `${Math.round(outcome.readsPerSecond)}`,
      outcome.remark,
    ])
    console.log(rows.at(-1)?.join('  '))
  }
  const head = ['', 'live points read within their second', 'gateway to this', 'longest gap', 'points/s', '']
  console.log(
    `\n${live.length * registers} live points of ${unitCount * registers}, ${deadCount} units dead, time-out ${timeoutMs} ms, ${seconds} s`,
  )
  console.log(table(head, rows))
} finally {
  await closeServer()
}
