import { SerialPort } from 'serialport'
import t, { type Test } from 'tap'
import { ModbusPlant } from '../simulators/modbus-plant.ts'
import { missingPymodbus, pymodbusMap, pymodbusServer, pymodbusValues, serialLine } from './modbus-far-ends.ts'
import { Stage, until } from './modbus-stage.ts'
import { freePort, launch, listening, missing } from './smpp-far-ends.ts'

const units = (['abcd', 'cdab'] as const).map((order, i) => ({
  ...{ unit: i + 1, sensor: `s-${i + 1}`, every: '100ms' },
  map: pymodbusMap(order),
}))

/** Every value that pymodbus was told to hold is read, of both units, and the counter to its end. */
async function readsAll(t: Test, stage: Stage): Promise<void> {
  t.teardown(() => stage.adapter.stop())
  await stage.adapter.start()
  for (const subject of ['s-1', 's-2']) {
    await until(`all of ${subject} is read`, () => stage.last(subject, 'beyond') !== null)
    for (const [point, value] of Object.entries(pymodbusValues))
      t.equal(stage.last(subject, point)?.value, value, `${subject} ${point}`)
    t.match(stage.last(subject, 'nan'), { quality: 'not-a-number', fault: '0x7fc00000 is NaN' })
    t.match(stage.last(subject, 'none'), { quality: 'not-a-number' })
    t.match(stage.last(subject, 'beyond'), { quality: 'refused', fault: 'exception 2: illegal data address' })
  }
  await until('the counter is at its end', () => stage.last('s-1', 'counter')?.value === 20)
  const counted = stage.readings('s-1', 'counter').map(({ value }) => value ?? -1)
  t.same(
    counted,
    [...counted].sort((a, b) => a - b),
    'in order',
  )
  t.ok(new Set(counted).size > 10, `${new Set(counted).size} of 21 values were seen on their way`)
  t.equal(stage.links.length, 1)
}

for (const transport of ['tcp', 'rtu-over-tcp'] as const) {
  t.test(`pymodbus is read over ${transport}`, { skip: missingPymodbus() }, async (t) => {
    const port = await freePort()
    pymodbusServer(t, transport, String(port))
    await listening(port)
    await readsAll(t, new Stage({ transport, host: '127.0.0.1', port, units }))
  })
}

t.test('pymodbus is read over a serial line', { skip: missingPymodbus() || missing('socat') }, async (t) => {
  const [ours, theirs] = await serialLine(t)
  pymodbusServer(t, 'serial', theirs)
  await readsAll(t, new Stage({ transport: 'serial', path: ours, baudRate: 19_200, timeout: '300ms', units }))
})

const mbpoll = (...words: string[]) => [...words.slice(0, -1), '-1', '-q', ...words.slice(-1)]

function plantOfNumbers(): ModbusPlant {
  const plant = new ModbusPlant()
  for (let i = 0; i < 10; i++) plant.unit(1).put({ table: 'holding', address: i }, i * 111)
  plant.unit(1).put({ table: 'input', address: 0, type: 'f32', order: 'abcd' }, 12.5)
  for (let i = 0; i < 10; i++) plant.unit(1).put({ table: 'coil', address: i }, i % 3 === 0 ? 1 : 0)
  return plant
}

/** `[1]: \t111` */
const values = (said: string) =>
  [...said.matchAll(/^\[(\d+)\]:\s+(\S+)/gm)].map(([, at, value]) => [Number(at), Number(value)])

t.test('mbpoll reads the plant over TCP', { skip: missing('mbpoll') }, async (t) => {
  const plant = plantOfNumbers()
  t.teardown(() => plant.close())
  const port = String(await plant.listen())
  const ask = async (...words: string[]) => {
    const program = launch(t, 'mbpoll', mbpoll('-m', 'tcp', '-p', port, '-a', '1', ...words, '127.0.0.1'))
    const code = await program.ended
    return { code, said: program.said() }
  }
  const holding = await ask('-t', '4', '-r', '1', '-c', '10')
  t.same(
    values(holding.said),
    Array.from({ length: 10 }, (_, i) => [i + 1, i * 111]),
  )
  const coils = await ask('-t', '0', '-r', '1', '-c', '10')
  t.same(
    values(coils.said),
    Array.from({ length: 10 }, (_, i) => [i + 1, i % 3 === 0 ? 1 : 0]),
  )
  const float = await ask('-t', '3:float', '-B', '-r', '1', '-c', '1')
  t.same(values(float.said), [[1, 12.5]])
  const beyond = await ask('-t', '4', '-r', '400', '-c', '1')
  t.match(beyond.said, /Illegal data address/)
  plant.unit(1).fault = { is: 'exception', code: 6 }
  t.match((await ask('-t', '4', '-r', '1', '-c', '1')).said, /busy/i)
  t.equal(plant.unit(1).asked, 5, 'as many requests as mbpoll made')
})

t.test('mbpoll reads the plant over a serial line', { skip: missing('mbpoll', 'socat') }, async (t) => {
  const [ours, theirs] = await serialLine(t)
  const plant = plantOfNumbers()
  const line = new SerialPort({ path: ours, baudRate: 19_200, autoOpen: false })
  await new Promise<void>((resolve, reject) => line.open((error) => (error ? reject(error) : resolve())))
  t.teardown(() => plant.close())
  plant.attach(line, 'rtu')
  const program = launch(
    t,
    'mbpoll',
    mbpoll('-m', 'rtu', '-b', '19200', '-P', 'none', '-a', '1', '-t', '4', '-c', '10', theirs),
  )
  t.equal(await program.ended, 0)
  t.same(
    values(program.said()),
    Array.from({ length: 10 }, (_, i) => [i + 1, i * 111]),
  )
})
