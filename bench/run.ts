import { leaveNothing } from './processes.ts'

/** `npm run bench -- mqtt [options]`: one benchmark, each side by side with what a user would pick instead. */

const benchmarks: Readonly<Record<string, () => Promise<unknown>>> = {
  mqtt: () => import('./mqtt.ts'),
  nmea: () => import('./nmea.ts'),
  relay: () => import('./relay.ts'),
  memory: () => import('./memory.ts'),
  devices: () => import('./devices.ts'),
  text: () => import('./text.ts'),
  smpp: () => import('./smpp.ts'),
  cdr: () => import('./cdr.ts'),
  alarms: () => import('./alarms.ts'),
  modbus: () => import('./modbus.ts'),
}

const [name = '', ...rest] = process.argv.slice(2)
const benchmark = benchmarks[name]
if (benchmark === undefined) {
  process.stderr.write(`npm run bench -- ${Object.keys(benchmarks).join('|')} [options]\n`)
  process.exitCode = 64
} else {
  process.argv.splice(2, process.argv.length, ...rest)
  leaveNothing()
  await benchmark()
}
