import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { loadCity } from '../gateway/city/load-city.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { SimulatedCore } from '../simulators/core.ts'
import { Hotline } from '../simulators/hotline.ts'
import { seeded } from '../simulators/seeded.ts'
import { Watchers } from '../simulators/watchers.ts'
import { GatewayProcess } from './gateway-process.ts'
import { freePort } from './promise-stage.ts'

/**
 * Links that know no acknowledgement (ESL, AMI, alertStream, pull-point, Modbus) while the gateway is killed: each comes
 * back and goes on by itself, nothing stands there twice, and what was acknowledged beside them is at the core once.
 */

t.setTimeout(280_000)

interface Channel {
  readonly name: string
  readonly state: string
}

t.test('the gateway is killed five times among calls, cameras and gauges', async (t) => {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const { city } = await loadCity(join(packageRoot, 'config/city-example'))
  if (city === null) throw new Error('the example city does not load')
  const core = new SimulatedCore(secret)
  const [hotline, watchers] = [new Hotline(city, 5), new Watchers(5)]
  const port = await freePort()
  const http = `http://127.0.0.1:${port}`
  const gateway = await GatewayProcess.prepare({
    http: { host: '127.0.0.1', port },
    city: join(packageRoot, 'config/city-example'),
    adapters: [...(await hotline.open()), ...(await watchers.open())],
    destinations: [
      { name: 'core', url: await core.start(), secret, perSecond: 0, backoff: { first: '100ms', most: '500ms' } },
    ],
    calls: { settleAfter: '1s' },
  })
  t.teardown(async () => {
    await Promise.all([hotline.close(), watchers.close()])
    await core.stop()
    await gateway.remove()
  })
  const ask = async <Answer>(path: string) => (await (await fetch(`${http}${path}`)).json()) as Answer
  const until = async (what: string, isSo: () => Promise<boolean>) => {
    const deadline = Date.now() + 90_000
    while (!(await isSo().catch(() => false))) {
      if (Date.now() > deadline) throw new Error(`waited in vain until ${what}\n${await gateway.logTail()}`)
      await delay(100)
    }
  }
  await gateway.start()
  hotline.ring(http, 3)
  watchers.watch(http)
  const random = seeded(31)
  for (let kill = 0; kill < 5; kill++) {
    await delay(500 + random() * 2500)
    await gateway.kill()
    await gateway.start()
  }
  const received = async () => {
    const { channels } = await ask<{ channels: { adapter: string; received: number }[] }>('/v1/ledger')
    return new Map(channels.map(({ adapter, received }) => [adapter, received]))
  }
  const before = await received()
  const links = ['hotline-live', 'old-exchange', 'onvif', 'recorder', 'water', 'hotline', 'yard']
  await until('every link goes on', async () => {
    const now = await received()
    return links.every((name) => (now.get(name) ?? 0) > (before.get(name) ?? 0))
  })
  const { channels } = await ask<{ channels: Channel[] }>('/v1/channels')
  t.strictSame(
    channels.filter(({ state }) => state !== 'connected' && state !== 'listening'),
    [],
    'no link is down',
  )
  await Promise.all([hotline.hush(), watchers.hush()])
  const formsAtCore = () => {
    const times = new Map<string, number>()
    for (const { type, data } of core.events.values())
      if (type === 'chengguan.case-intent.v1' && data.channel === 'call')
        times.set(String(data.number), (times.get(String(data.number)) ?? 0) + 1)
    return times
  }
  await until('every acknowledged form is at the core', async () => {
    const there = formsAtCore()
    return hotline.forms.every((number) => there.has(number))
  })
  t.ok(hotline.forms.length > 3, `${hotline.forms.length} forms`)
  t.strictSame(
    [...formsAtCore()].filter(([, times]) => times > 1),
    [],
    'and there once',
  )
  const { calls } = await ask<{ calls: { exchange: string; call: string }[] }>('/v1/calls?limit=1000')
  const ids = calls.map(({ exchange, call }) => `${exchange} ${call}`)
  t.equal(new Set(ids).size, ids.length, 'no call is there twice')
  t.ok(ids.length <= hotline.calls, `${ids.length} of ${hotline.calls} calls, and none that never was`)
  const { code, output } = await gateway.run('audit')
  t.equal(code, 0, output)
  t.equal(await gateway.stop(), 0, 'it drains and ends in order')
})
