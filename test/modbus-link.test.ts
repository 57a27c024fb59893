import t, { type Test } from 'tap'
import { ModbusPlant } from '../simulators/modbus-plant.ts'
import type { Fault } from '../simulators/modbus-unit.ts'
import { seeded } from '../simulators/seeded.ts'
import { level, levelMap, pump, Stage, until } from './modbus-stage.ts'

const transports = ['tcp', 'rtu-over-tcp'] as const

async function scene(t: Test, transport: (typeof transports)[number], more: Record<string, unknown> = {}) {
  const plant = new ModbusPlant()
  for (const number of [1, 2]) {
    plant.unit(number).put(level, 1.5)
    plant.unit(number).put(pump, 1)
  }
  const port = await plant.listen(transport)
  const stage = new Stage({
    ...{ transport, host: '127.0.0.1', port, timeout: '40ms', probeAtMost: '200ms', silentShare: 0.5 },
    units: [1, 2].map((unit) => ({ unit, sensor: `s-${unit}`, every: '100ms', map: levelMap() })),
    ...more,
  })
  t.teardown(async () => {
    await stage.adapter.stop()
    await plant.close()
  })
  return { plant, stage, port }
}

for (const transport of transports) {
  t.test(`${transport}: values are read, and told when they change`, async (t) => {
    const { plant, stage } = await scene(t, transport)
    await stage.adapter.start()
    await until('both units were read', () => stage.last('s-1', 'level') !== null && stage.last('s-2', 'pump') !== null)
    t.match(stage.last('s-1', 'level'), { value: 1.5, unit: 'm', quality: 'good', fault: null })
    t.match(stage.last('s-1', 'pump'), { value: 1, quality: 'good' })
    const told = stage.messages.length
    const asked = plant.unit(1).asked
    await until('it was asked five times more', () => plant.unit(1).asked > asked + 5)
    t.equal(stage.messages.length, told, 'the same value is no message')
    plant.unit(1).put(level, -0.25)
    await until('the change is told', () => stage.last('s-1', 'level')?.value === -0.25)
    t.equal(stage.messages.length, told + 1)
    t.equal(plant.mostUnderWay, 1, 'one request at a time')
  })

  const faults: readonly (readonly [Fault, string, string, RegExp])[] = [
    [{ is: 'dead' }, 'a dead unit', 'silent', /timed out/],
    [{ is: 'exception', code: 2 }, 'an illegal address', 'refused', /exception 2: illegal data address/],
    [{ is: 'exception', code: 4 }, 'a device failure', 'refused', /exception 4/],
    [
      { is: 'exception', code: 5 },
      'an acknowledgement that never becomes an answer',
      'refused',
      /exception 5: acknowledge/,
    ],
    [{ is: 'exception', code: 6 }, 'a busy device', 'refused', /exception 6: server device busy/],
    [{ is: 'exception', code: 11 }, 'a gateway without its unit', 'silent', /exception 11: gateway target/],
    [{ is: 'half-frame' }, 'half a frame', 'silent', /bytes that are no whole answer/],
    [{ is: 'wrong-unit' }, 'a unit that answers for another', 'silent', /unit 2 answered for unit 1/],
    [{ is: 'short' }, 'fewer registers than were asked for', 'refused', /where 2 were asked for/],
    [{ is: 'garbage' }, 'bytes that are no frame', 'silent', /bytes that are no/],
    [{ is: 'late', ms: 70 }, 'answers that come too late', 'silent', /timed out/],
    ...(transport === 'tcp'
      ? ([
          [{ is: 'wrong-transaction' }, 'an answer to another request', 'silent', /an answer to another request/],
        ] as const)
      : ([[{ is: 'wrong-crc' }, 'a checksum that does not hold', 'silent', /no whole answer|no frame/]] as const)),
  ]
  for (const [fault, name, quality, says] of faults) {
    t.test(`${transport}: ${name} is told with its reason, delays nobody, and the next good value lands`, async (t) => {
      const { plant, stage } = await scene(t, transport)
      await stage.adapter.start()
      await until('both were read', () => stage.last('s-1', 'level') !== null && stage.last('s-2', 'level') !== null)
      plant.unit(1).fault = fault
      await until('the fault is told', () => stage.last('s-1', 'level')?.quality === quality)
      t.match(stage.last('s-1', 'level')?.fault, says)
      t.equal(stage.last('s-1', 'level')?.value, null)
      plant.unit(2).put(level, 2.25)
      await until('the neighbour is read', () => stage.last('s-2', 'level')?.value === 2.25)
      t.ok(
        stage.readings('s-2', 'level').every((one) => one.quality === 'good'),
        'the neighbour has no fault',
      )
      plant.unit(1).fault = null
      plant.unit(1).put(level, 2.75)
      await until('the next good value lands', () => stage.last('s-1', 'level')?.quality === 'good')
      await until('the true value lands', () => stage.last('s-1', 'level')?.value === 2.75)
      t.equal(stage.links.length, 1, 'the link was kept')
    })
  }

  t.test(`${transport}: a link that is cut is told to the supervisor, and start makes it anew`, async (t) => {
    const { plant, stage } = await scene(t, transport)
    await stage.adapter.start()
    await until('it was read', () => stage.last('s-1', 'level') !== null)
    plant.cut()
    await until('the link is down', () => stage.links.at(-1)?.state === 'down')
    await stage.adapter.stop()
    plant.unit(1).put(level, 0.5)
    await stage.adapter.start()
    await until('it is read again', () => stage.last('s-1', 'level')?.value === 0.5)
  })
}

t.test('what the store refuses is offered again, in order, none twice', async (t) => {
  const { plant, stage } = await scene(t, 'tcp')
  await stage.adapter.start()
  await until('it was read', () => stage.last('s-1', 'level') !== null)
  stage.refuse = () => true
  for (const value of [3.5, 1]) {
    plant.unit(1).put(level, value)
    const { asked } = plant.unit(1)
    await until('it was polled', () => plant.unit(1).asked > asked + 4)
  }
  stage.refuse = () => false
  await until('the last value landed', () => stage.last('s-1', 'level')?.value === 1)
  t.same(
    stage.readings('s-1', 'level').map(({ value }) => value),
    [1.5, 3.5, 1],
    'the crest that came and went is there',
  )
  t.equal(new Set(stage.messages.map(({ key }) => key)).size, stage.messages.length)
})

t.test('a far end that cannot be reached makes its sensors silent, once', async (t) => {
  const { plant, stage } = await scene(t, 'tcp')
  await plant.close()
  for (let i = 0; i < 4; i++) await t.rejects(stage.adapter.start(), { code: 'LINK_CONNECT' })
  await stage.adapter.stop()
  t.match(stage.readings('s-1', 'level'), [{ quality: 'silent', value: null, fault: /ECONNREFUSED/ }])
  t.equal(stage.readings('s-1', 'level').length, 1)
  const port = stage.options.transport === 'serial' ? 0 : stage.options.port
  await plant.listen('tcp', port)
  await stage.adapter.start()
  await until(
    'it is read',
    () => stage.last('s-1', 'level')?.value === 1.5 && stage.last('s-2', 'level')?.value === 1.5,
  )
})

t.test('not a number is said as such: NaN, a value that stands for none', async (t) => {
  const { plant, stage } = await scene(t, 'tcp')
  plant.unit(1).putWords(level, Buffer.from([0x80, 0x00]))
  await stage.adapter.start()
  await until('it was read', () => stage.last('s-1', 'level') !== null)
  t.match(stage.last('s-1', 'level'), { value: null, quality: 'not-a-number', fault: 'the device says -32768' })
  t.match(stage.last('s-1', 'pump'), { value: 1, quality: 'good' }, 'its neighbour is sound')
})

t.test('stop is safe before start, twice, and while the far end is silent', async (t) => {
  const { plant, stage } = await scene(t, 'tcp', { timeout: '30s' })
  await stage.adapter.stop()
  plant.unit(1).fault = { is: 'dead' }
  await stage.adapter.start()
  await until('it is being asked', () => plant.unit(1).asked > 0)
  const began = Date.now()
  await stage.adapter.stop()
  await stage.adapter.stop()
  t.ok(Date.now() - began < 5000, 'the time-out is not waited for')
  t.equal(stage.messages.length, 0)
})

t.test('stop waits for what is being stored', async (t) => {
  const { stage } = await scene(t, 'tcp')
  let letGo = () => {}
  stage.held = new Promise((resolve) => {
    letGo = resolve
  })
  await stage.adapter.start()
  let stopped = false
  await until('a poll is being stored', () => stage.waiting > 0)
  const stopping = stage.adapter.stop().then(() => {
    stopped = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  t.notOk(stopped)
  t.equal(stage.messages.length, 0)
  letGo()
  await stopping
  t.ok(stage.messages.length > 0)
})

t.test('under random refusals every value lands, in order, none twice', async (t) => {
  const { plant, stage } = await scene(t, 'tcp')
  const next = seeded(7)
  stage.refuse = () => next() < 0.6
  await stage.adapter.start()
  const sent = Array.from({ length: 20 }, (_, i) => i / 10)
  for (const value of sent) {
    plant.unit(1).put(level, value)
    const { asked } = plant.unit(1)
    // Two requests a poll: the one under way may have read the value before.
    await until('it was polled', () => plant.unit(1).asked >= asked + 4)
  }
  stage.refuse = () => false
  await until('the last landed', () => stage.last('s-1', 'level')?.value === sent.at(-1))
  t.same(
    stage.readings('s-1', 'level').map(({ value }) => value),
    sent,
  )
  t.equal(new Set(stage.messages.map(({ key }) => key)).size, stage.messages.length)
})

t.test('what is held is bounded, and what is lost is counted', async (t) => {
  const { plant, stage } = await scene(t, 'tcp', { held: 3 })
  stage.refuse = () => true
  await stage.adapter.start()
  for (let i = 0; i < 6; i++) {
    plant.unit(1).put(level, i)
    const { asked } = plant.unit(1)
    await until('it was polled', () => plant.unit(1).asked >= asked + 4)
  }
  stage.refuse = () => false
  await until('the last landed', () => stage.last('s-1', 'level')?.value === 5)
  t.same(
    stage.readings('s-1', 'level').map(({ value }) => value),
    [0, 4, 5],
  )
  t.same(stage.refusals, Array(3).fill('poll lost: too much is waiting to be stored'))
})
