import { once } from 'node:events'
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import t, { type Test } from 'tap'
import { nvrFrigate } from '../adapters/nvr/frigate.ts'
import { SimulatedFrigate } from '../simulators/nvr-frigate.ts'
import { jpeg, videoStage } from './video-stage.ts'

async function brokerFor(t: Test): Promise<{ url: string; close(): Promise<void> }> {
  const broker = await Aedes.createBroker()
  const server = createServer(broker.handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await new Promise<void>((resolve) => broker.close(resolve))
    await new Promise((resolve) => server.close(resolve))
  }
  t.teardown(close)
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  return { url: `mqtt://127.0.0.1:${port}`, close }
}

async function open(t: Test, more: Record<string, unknown> = {}) {
  const broker = await brokerFor(t)
  const frigate = new SimulatedFrigate(broker.url, jpeg)
  await frigate.start()
  t.teardown(() => frigate.stop())
  const stage = await videoStage(t, nvrFrigate, {
    mqtt: { url: broker.url, clientId: 'gateway' },
    cameras: { front_door: 'c-017' },
    api: { url: frigate.api },
    ...more,
  })
  await stage.adapter.start()
  return { broker, frigate, stage, objects: () => stage.alarms.filter(({ event }) => event !== 'offline') }
}

t.test('objects come with their beginning, zones and end under one id; what is repeated is stored once', async (t) => {
  const { frigate, stage, objects } = await open(t)
  const id = await frigate.pass({
    camera: 'front_door',
    label: 'car',
    zones: ['yard', 'no-parking'],
    updates: 2,
    repeated: true,
  })
  await frigate.pass({ camera: 'yard', label: 'person', missingStart: true, updates: 0 })
  await frigate.pass({ camera: 'yard', label: 'dog', missingEnd: true, unsureAtFirst: true })
  await stage.intake.until('all is there', () => stage.handed.length === frigate.tally.events + 1)
  await stage.intake.until('all is stored', () => stage.intake.waiting === 0)
  t.strictSame(
    objects().map(({ subject, event, part, phase }) => [subject, event, part, phase]),
    [
      ['c-017', 'car', null, 'began'],
      ['c-017', 'car', 'yard', 'going-on'],
      ['c-017', 'car', 'no-parking', 'going-on'],
      ['c-017', 'car', 'no-parking', 'ended'],
      ['yard', 'person', null, 'ended'],
      ['yard', 'dog', null, 'began'],
    ],
    'of the dog nothing until Frigate is sure',
  )
  t.equal(stage.intake.duplicates, 4)
  t.ok(
    objects()
      .slice(0, 4)
      .every(({ occurrence, snapshot }) => occurrence === id && snapshot === id),
  )
})

t.test('a picture is fetched from the API for an incident, and only once', async (t) => {
  const { frigate, stage, objects } = await open(t)
  const id = await frigate.pass({ camera: 'front_door', label: 'car' })
  const perform = async (content: string, attempt = 1) =>
    stage.adapter.perform?.({
      id: 'incident-1',
      subject: 'c-017',
      content: Buffer.from(content),
      receivedAt: new Date(),
      attempt,
    })
  await stage.intake.until('the object has gone by', () => objects().length === 3)
  await perform(id)
  await perform(id)
  t.match(objects().at(-1), {
    subject: 'c-017',
    occurrence: 'incident-1',
    phase: 'going-on',
    attachments: [{ content: jpeg }],
  })
  t.equal(stage.intake.duplicates, 1)
  t.equal(frigate.tally.fetched, 2)
  await t.rejects(perform('gone-1'), { code: 'LINK_LOST' }, 'it may come yet')
  await t.rejects(perform('gone-1', 6), { code: 'DECODE_UNFETCHED' })
  for (const id of ['../../config', '..', 'a/b', '', 'a?b'])
    await t.rejects(perform(id), { code: 'DECODE_NOT_ALLOWED' }, id)
  await stage.adapter.stop()
  await t.rejects(perform(id), { code: 'LINK_LOST' })
})

t.test('published pictures are of the object that was heard of last; kept ones are of another time', async (t) => {
  const { broker, frigate, stage, objects } = await open(t, { snapshots: 'mqtt' })
  const id = await frigate.pass({ camera: 'front_door', label: 'car' })
  await frigate.picture('front_door', 'car')
  await stage.intake.until('the picture is there', () => objects().some(({ attachments }) => attachments.length === 1))
  t.match(objects().at(-1), { subject: 'c-017', event: 'car', occurrence: id, snapshot: null })
  const later = await videoStage(t, nvrFrigate, { mqtt: { url: broker.url, clientId: 'another' }, snapshots: 'mqtt' })
  await later.adapter.start()
  await later.intake.until('what was kept is there', () => later.intake.stored.size === 2)
  t.strictSame(
    later.alarms.map(({ event, phase }) => [event, phase]),
    [['offline', 'ended']],
  )
})

t.test('what is not stored is not acknowledged: the link drops, and the broker sends it again', async (t) => {
  const { frigate, stage, objects } = await open(t)
  stage.intake.refuse = () => true
  await frigate.pass({ camera: 'front_door', label: 'car' })
  await stage.intake.until('the link is down', () => stage.links.at(-1)?.state === 'down')
  t.equal(objects().length, 0)
  stage.intake.refuse = () => false
  await stage.adapter.start()
  await stage.intake.until('all is stored', () => objects().length === 3)
  await frigate.stop()
  await stage.intake.until('Frigate is gone', () => stage.alarms.at(-1)?.event === 'offline')
  t.match(stage.alarms.at(-1), { subject: 'frigate', phase: 'began' })
})

t.test('spoilt payloads are dead letters, and the next event lands', async (t) => {
  const { frigate, stage, objects } = await open(t, { maxPayload: '64KiB' })
  for (const payload of [
    '',
    'no json',
    '{}',
    '{"type":"new","after":{}}',
    '[]',
    `{"type":"new","x":"${'y'.repeat(70_000)}"}`,
  ])
    await frigate.event(payload)
  await frigate.event(
    '{"type":"new","after":{"id":"a","camera":"__proto__","label":"constructor","current_zones":"x"}}',
  )
  await frigate.event('{"type":"new","after":{"id":"b","camera":"constructor","label":"car"}}')
  await frigate.pass({ camera: 'front_door', label: 'car' })
  await stage.intake.until('the good ones are there', () => objects().length === 4)
  t.equal(objects()[0]?.subject, 'constructor')
  t.equal(stage.intake.deadLetters, 7)
})

t.test('no broker is a link that cannot be made, and a stop before it is none', async (t) => {
  const { broker, stage } = await open(t)
  await broker.close()
  await stage.intake.until('the link is down', () => stage.links.at(-1)?.state === 'down')
  await stage.adapter.stop()
  await t.rejects(stage.adapter.start(), { code: 'LINK_CONNECT' })
  await stage.adapter.stop()
})
