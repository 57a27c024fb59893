import t from 'tap'
import { hikvisionStream } from '../adapters/hikvision/stream.ts'
import { SimulatedCamera } from '../simulators/hikvision-camera.ts'
import { jpeg, videoStage } from './video-stage.ts'

const login = { username: 'admin', password: 'secret' }

t.test('alarms of a camera come in by its stream, heartbeats do not, and the tallies are equal', async (t) => {
  for (const shape of [
    {},
    { declaredBoundary: '--boundary', eol: '\n' as const },
    { declaredBoundary: '"MIME_boundary"', lengths: 'unsaid' as const },
  ]) {
    const camera = new SimulatedCamera({ heartbeatMs: 20, offset: '+8:00', ...shape })
    const url = await camera.start()
    t.teardown(() => camera.stop())
    const stage = await videoStage(t, hikvisionStream, { url, ...login, camera: 'c-017' })
    await stage.adapter.start()
    await stage.intake.until('the stream is open', () => camera.streams === 1)
    camera.occur('VMD', 5, true)
    camera.say({ channel: '1', eventType: 'linedetection', eventState: 'active', postCount: 1, regions: ['2'] }, [jpeg])
    camera.beat()
    const { alerts, pictures } = camera.tally
    await stage.intake.until('all is stored', () => stage.intake.stored.size === alerts + pictures)
    t.same(stage.malformed, [])
    t.strictSame(
      stage.alarms.map(({ phase }) => phase),
      ['began', 'going-on', 'going-on', 'going-on', 'going-on', 'ended', 'began', 'going-on'],
    )
    t.match(stage.alarms.at(-1), { event: 'linedetection', part: '2', attachments: [{ mediaType: 'image/jpeg' }] })
    t.ok(stage.alarms.every(({ subject, deviceTime }) => subject === 'c-017' && deviceTime !== null))
    const [first] = stage.alarms
    t.ok(Math.abs((first?.deviceTime?.getTime() ?? 0) - Date.now()) < 60_000, 'the offset of one digit is read')
    t.ok(camera.tally.heartbeats > 0)
    await stage.adapter.stop()
    await stage.intake.until('the camera has noticed', () => camera.streams === 0)
  }
})

t.test('a wrong password is refused, and not tried again until the pause is over', async (t) => {
  const camera = new SimulatedCamera()
  const url = await camera.start()
  t.teardown(() => camera.stop())
  const stage = await videoStage(t, hikvisionStream, { url, username: 'admin', password: 'guess' })
  await t.rejects(stage.adapter.start(), { code: 'LINK_CONNECT', message: /wrong username or password/ })
  await t.rejects(stage.adapter.start(), { code: 'LINK_CONNECT', message: /locks after a few tries/ })
  t.equal(camera.tally.refused, 1)
  const eager = await videoStage(t, hikvisionStream, { url, username: 'admin', password: 'guess', loginPause: '0s' })
  for (let n = 0; n < 2; n++) await t.rejects(eager.adapter.start(), /wrong username/)
  t.equal(camera.tally.refused, 3)
})

t.test('a device that falls silent or restarts is a link that is down, and comes again', async (t) => {
  const camera = new SimulatedCamera({ heartbeatMs: 0 })
  const url = await camera.start()
  t.teardown(() => camera.stop())
  const stage = await videoStage(t, hikvisionStream, { url, ...login, idle: '200ms' })
  await stage.adapter.start()
  // Bytes alone are no sign of life: a part that never ends is none.
  const trickle = setInterval(() => camera.raw(Buffer.from('x')), 20)
  t.teardown(() => clearInterval(trickle))
  await stage.intake.until('it is down', () => stage.links.at(-1)?.state === 'down')
  clearInterval(trickle)
  t.match(stage.links.at(-1), { reason: /no heartbeat for 200 ms/ })
  await stage.adapter.start()
  await stage.intake.until('the stream is open again', () => camera.streams === 1)
  camera.cut()
  await stage.intake.until('it is down again', () => stage.links.at(-1)?.state === 'down')
  await stage.adapter.start()
  await stage.intake.until('the stream is open a third time', () => camera.streams === 1)
  camera.say({ channel: '1', eventType: 'VMD', eventState: 'active', postCount: 1 })
  camera.beat()
  await stage.intake.until('the alarm is stored', () => stage.alarms.length === 1)
})

t.test('nothing is acknowledged to a stream, so what cannot be stored ends it', async (t) => {
  const camera = new SimulatedCamera({ heartbeatMs: 20 })
  const url = await camera.start()
  t.teardown(() => camera.stop())
  const stage = await videoStage(t, hikvisionStream, { url, ...login })
  await stage.adapter.start()
  await stage.intake.until('the stream is open', () => camera.streams === 1)
  stage.intake.refuse = () => true
  camera.say({ channel: '1', eventType: 'VMD', eventState: 'active', postCount: 1 })
  await stage.intake.until('it is down', () => stage.links.at(-1)?.state === 'down')
  t.match(stage.links.at(-1), { reason: /an alarm was not stored/ })
})

t.test('garbage and a part without end are dead letters, and the next alarm lands', async (t) => {
  const camera = new SimulatedCamera({ heartbeatMs: 20 })
  const url = await camera.start()
  t.teardown(() => camera.stop())
  const stage = await videoStage(t, hikvisionStream, { url, ...login, maxPart: '64KiB' })
  await stage.adapter.start()
  await stage.intake.until('the stream is open', () => camera.streams === 1)
  camera.say({ channel: '1', eventType: 'VMD', eventState: 'active', postCount: 1 })
  camera.raw(Buffer.from('\x00\xffgarbage\r\n', 'latin1'))
  camera.raw(Buffer.from('--boundary\r\nContent-Type: application/xml\r\n\r\n<EventNotificationAlert>'))
  camera.raw(Buffer.alloc(200_000, 'x'))
  camera.raw(Buffer.from('\r\n--boundary\r\n\r\n<html>\r\n'))
  camera.say({ channel: '2', eventType: 'VMD', eventState: 'active', postCount: 1 })
  camera.beat()
  await stage.intake.until('both alarms are stored', () => stage.alarms.length === 2)
  t.equal(stage.intake.deadLetters, 3, 'garbage, the long part, the page')
})

t.test('two hundred alarms a second all land, and a store that is slow is waited for', async (t) => {
  const camera = new SimulatedCamera({ heartbeatMs: 100 })
  const url = await camera.start()
  t.teardown(() => camera.stop())
  const stage = await videoStage(t, hikvisionStream, { url, ...login, idle: '400ms', window: 8 })
  await stage.adapter.start()
  await stage.intake.until('the stream is open', () => camera.streams === 1)
  stage.intake.hold()
  const filler = 'x'.repeat(5000)
  for (let n = 0; n < 2000; n++)
    camera.say({ channel: '1', eventType: 'VMD', eventState: 'active', postCount: n + 1, channelName: filler })
  await stage.intake.until('some are being stored', () => stage.intake.waiting >= 8)
  // Longer than the idle time: what waits for the store is no silence of the device.
  const begun = Date.now()
  await stage.intake.until('time has passed', () => Date.now() - begun > 900)
  t.ok(stage.intake.waiting < 200, `${stage.intake.waiting} of 2000 are held in memory`)
  stage.intake.letGo()
  await stage.intake.until('all are stored', () => stage.alarms.length === 2000)
  t.ok(stage.links.every(({ state }) => state === 'connected'))
})

t.test('a picture that lies on the device is fetched from it, and from nowhere else', async (t) => {
  const camera = new SimulatedCamera({ heartbeatMs: 20 })
  const url = await camera.start()
  t.teardown(() => camera.stop())
  const stage = await videoStage(t, hikvisionStream, { url, ...login })
  const perform = async (address: string) =>
    stage.adapter.perform?.({
      id: 'incident-1',
      subject: 'c-1',
      content: Buffer.from(address),
      receivedAt: new Date(),
      attempt: 1,
    })
  await t.rejects(perform(`${url}/picture/1`), { code: 'LINK_LOST' })
  await stage.adapter.start()
  const address = camera.keep('/picture/1?a=b', jpeg)
  await perform(address)
  await perform(address)
  t.match(stage.alarms, [
    { subject: 'c-1', phase: 'going-on', occurrence: 'incident-1', attachments: [{ content: jpeg }] },
  ])
  t.equal(stage.intake.duplicates, 1)
  for (const other of [
    'http://127.0.0.2/picture',
    'file:///etc/passwd',
    'no address',
    `${url.replace('http:', 'https:')}/x`,
  ])
    await t.rejects(perform(other), { code: 'DECODE_NOT_ALLOWED' }, other)
  camera.keep('/page', Buffer.from('<html>login</html>'))
  await t.rejects(perform(`${url}/page`), { code: 'DECODE_UNFETCHED' })
  await t.rejects(perform(`${url}/gone`), { code: 'LINK_CONNECT' })
})

t.test('a stop waits for what is being stored, also of a link that is down already', async (t) => {
  for (const lost of [false, true]) {
    const camera = new SimulatedCamera({ heartbeatMs: 20 })
    const url = await camera.start()
    t.teardown(() => camera.stop())
    const stage = await videoStage(t, hikvisionStream, { url, ...login })
    await stage.adapter.stop()
    await stage.adapter.start()
    await stage.intake.until('the stream is open', () => camera.streams === 1)
    stage.intake.hold()
    camera.say({ channel: '1', eventType: 'VMD', eventState: 'active', postCount: 1 })
    await stage.intake.until('it is being stored', () => stage.intake.waiting === 1)
    if (lost) camera.cut()
    if (lost) await stage.intake.until('the link is down', () => stage.links.at(-1)?.state === 'down')
    let stopped = false
    const stopping = stage.adapter.stop().then(() => {
      stopped = true
    })
    for (let n = 0; n < 20; n++) await new Promise(setImmediate)
    t.notOk(stopped)
    stage.intake.letGo()
    await stopping
    t.equal(stage.alarms.length, 1)
    await stage.adapter.stop()
  }
})

t.test('an answer that is no stream is a link that cannot be made', async (t) => {
  const camera = new SimulatedCamera()
  const url = await camera.start()
  t.teardown(() => camera.stop())
  camera.keep('/page', jpeg)
  const page = await videoStage(t, hikvisionStream, { url, ...login, path: '/page' })
  await t.rejects(page.adapter.start(), { code: 'LINK_CONNECT', message: /no stream of alarms/ })
  const none = await videoStage(t, hikvisionStream, { url, ...login, path: '/nothing' })
  await t.rejects(none.adapter.start(), { code: 'LINK_CONNECT', message: /HTTP 404/ })
  await camera.stop()
  await t.rejects(none.adapter.start(), { code: 'LINK_CONNECT' })
})
