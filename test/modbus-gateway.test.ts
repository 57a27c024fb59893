import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import { SimulatedCore } from '../simulators/core.ts'
import { Waters } from '../simulators/modbus-waters.ts'
import { GatewayProcess } from './gateway-process.ts'

t.test('water rises above its limit and falls: a case, its end, and every reading for who asks', async (t) => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const core = new SimulatedCore(secret)
  const waters = new Waters({ units: [1, 2], tideM: 0 })
  const map = join(packageRoot, 'config/maps/water-level.yaml')
  const url = await core.start()
  const gateway = await GatewayProcess.prepare({
    adapters: [
      {
        ...{ name: 'gauges', kind: 'modbus', transport: 'tcp', host: '127.0.0.1', port: await waters.plant.listen() },
        ...{ timeout: '300ms' },
        units: [1, 2].map((unit) => ({ unit, map, sensor: `s-00${unit}`, every: '200ms' })),
      },
    ],
    destinations: [{ name: 'flood', url, secret, types: ['case-intent', 'incident', 'reading'] }],
  })
  t.teardown(async () => {
    await gateway.remove()
    await waters.plant.close()
    await core.stop()
  })
  const { http } = await gateway.start()
  const events = (type: string) => [...core.events.values()].filter((one) => one.type === `chengguan.${type}.v1`)
  await core.until('both gauges are read', () => new Set(events('reading').map(({ subject }) => subject)).size === 2)
  t.match(events('reading').find(({ subject }) => subject === 's-001')?.data, {
    sensor: { kind: 'water-level' },
    points: [
      { point: 'level', value: 1.8, unit: 'm', quality: 'good', alarms: [] },
      { point: 'flow', quality: 'good', unit: 'm3/s' },
      { point: 'pump', value: 0 },
    ],
  })
  // A crest of 4.3 m, 30 of the 60 seconds after the beginning; `very-high` is told at once, `high` after ten seconds.
  waters.storm(0, 60, 2.5)
  waters.advance(30)
  const flood = () =>
    events('case-intent').find(
      ({ subject, data }) => subject === 's-001' && (data.incident as { event: string }).event === 'very-high',
    )
  await core.until('the case is there', () => flood() !== undefined)
  t.match(flood()?.data, {
    ...{ purpose: 'alarm', source: 'sensor', reporter: { kind: 'sensor', id: 's-001' }, urgency: 'emergency' },
    incident: { event: 'very-high', part: 'level', value: 4.3, unit: 'm' },
  })
  const during = (await (await fetch(`${http}/v1/sensors/s-001`)).json()) as { points: { point: string }[] }
  t.match(
    during.points.find(({ point }) => point === 'level'),
    { value: 4.3, quality: 'good' },
  )
  waters.advance(60)
  await core.until('the end is told', () => events('incident').some(({ data }) => data.what === 'cleared'), 60_000)
  t.equal((await fetch(`${http}/v1/sensors/s-099`)).status, 404)

  const { channels } = (await (await fetch(`${http}/v1/ledger`)).json()) as {
    channels: { adapter: string; stored: number; balanced: boolean }[]
  }
  const gauges = channels.find(({ adapter }) => adapter === 'gauges')
  t.equal(gauges?.balanced, true)
  t.ok((gauges?.stored ?? 0) >= events('reading').length)
})
