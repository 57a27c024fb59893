import t from 'tap'
import { ModbusPlant } from '../simulators/modbus-plant.ts'
import { level, levelMap, pump, Stage, until } from './modbus-stage.ts'

/** The longest time between two answers of a unit from then on, in its own pace. */
function worstGapMs(times: readonly number[], fromMs: number): number {
  const since = times.filter((at) => at >= fromMs)
  return Math.max(...since.slice(1).map((at, i) => at - (since[i] ?? at)))
}

t.test('silent units on a bus take no more of it than their share', async (t) => {
  const plant = new ModbusPlant()
  const numbers = Array.from({ length: 20 }, (_, i) => i + 1)
  for (const number of numbers) {
    plant.unit(number).put(level, 1)
    plant.unit(number).put(pump, 0)
    if (number % 4 === 0) plant.unit(number).fault = { is: 'dead' }
  }
  const stage = new Stage({
    ...{ transport: 'tcp', host: '127.0.0.1', port: await plant.listen(), timeout: '100ms' },
    units: numbers.map((unit) => ({ unit, sensor: `s-${unit}`, every: '200ms', map: levelMap() })),
  })
  t.teardown(async () => {
    await stage.adapter.stop()
    await plant.close()
  })
  await stage.adapter.start()
  const live = numbers.filter((number) => number % 4 !== 0)
  const dead = numbers.filter((number) => number % 4 === 0)
  await until('each that is dead is known to be', () =>
    dead.every((number) => stage.last(`s-${number}`, 'level')?.quality === 'silent'),
  )
  const askedBefore = dead.map((number) => plant.unit(number).asked)
  const fromMs = performance.now()
  await until('three seconds have passed', () => performance.now() - fromMs > 3000)
  for (const number of live) {
    const worst = worstGapMs(plant.unit(number).answeredMs, fromMs)
    t.ok(worst < 450, `unit ${number}: ${Math.round(worst)} ms between two polls`)
  }
  const wasted = dead.map((number, i) => plant.unit(number).asked - (askedBefore[i] ?? 0))
  t.ok(wasted.reduce((sum, n) => sum + n, 0) <= 5, `silent units were asked ${wasted} times`)
  for (const number of [4, 8]) plant.unit(number).fault = null
  await until('one that woke is read', () => stage.last('s-4', 'level')?.quality === 'good')
})

t.test('a request that is never answered does not silence the others of its unit', async (t) => {
  const plant = new ModbusPlant()
  plant.unit(1).put(level, 1)
  plant.unit(1).put(pump, 1)
  plant.unit(1).deaf = new Set([4])
  const map = levelMap()
  const stage = new Stage({
    ...{ transport: 'tcp', host: '127.0.0.1', port: await plant.listen(), timeout: '50ms', probeAtMost: '400ms' },
    units: [
      {
        ...{ unit: 1, sensor: 's-1', every: '100ms' },
        map: { ...map, points: [...map.points, { point: 'absent', function: 'input', address: 0 }] },
      },
    ],
  })
  t.teardown(async () => {
    await stage.adapter.stop()
    await plant.close()
  })
  await stage.adapter.start()
  await until('the absent one is told', () => stage.last('s-1', 'absent')?.quality === 'silent')
  for (const value of [1.5, 2, 2.5]) {
    plant.unit(1).put(level, value)
    await until('the others are read', () => stage.last('s-1', 'level')?.value === value)
  }
  t.same([...new Set(stage.readings('s-1', 'level').map(({ quality }) => quality))], ['good'])
})
