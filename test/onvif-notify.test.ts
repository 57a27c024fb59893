import t from 'tap'
import { consumerAddress, onvifNotify } from '../adapters/onvif/notify.ts'
import { CameraStage } from './onvif-stage.ts'

t.test('a camera that was subscribed at posts its state and its alarms, each is taken once', async (t) => {
  const stage = await CameraStage.notify(t)
  stage.camera.motion(true, 'VideoSource_1', 'Gate')
  await stage.start()
  await stage.until('its state came', () => stage.alarms.length === 1)
  stage.camera.motion(true)
  await stage.until('it began', () => stage.alarms.length === 2)
  stage.camera.motion(false)
  await stage.until('it ended', () => stage.alarms.length === 3)
  t.strictSame(stage.phases, ['state-on', 'began', 'ended'])
  await stage.adapter.stop()
  t.equal(stage.camera.subscriptions.size, 0)
  t.equal(stage.camera.handedOut, 3)
})

t.test('what cannot be stored now is posted again', async (t) => {
  const stage = await CameraStage.notify(t)
  await stage.start()
  let refusals = 2
  stage.intake.refuse = () => refusals-- > 0
  stage.camera.motion(true)
  await stage.until('it is stored', () => stage.alarms.length === 1)
  t.equal(stage.intake.refusals, 2)
  await stage.until('the camera knows', () => stage.camera.handedOut === 1)
})

t.test('the subscription is renewed; one that the camera has forgotten is noticed then', async (t) => {
  const stage = await CameraStage.notify(t, { mostMs: 1200 })
  await stage.start()
  await stage.until('it was renewed', () => (stage.camera.asked.get('Renew') ?? 0) >= 2)
  t.equal(stage.camera.asked.get('Subscribe'), 1)
  stage.camera.reboot()
  await stage.until('there is another', () => stage.starts >= 2 && stage.camera.subscriptions.size === 1)
  stage.camera.motion(true)
  await stage.until('it came', () => stage.alarms.length === 1)
})

t.test('a subscription that died silently is replaced after the silence that is configured', async (t) => {
  const stage = await CameraStage.notify(t, {}, { renewAfterSilence: '300ms' })
  await stage.start()
  stage.camera.subscriptions.deafenAll()
  stage.camera.motion(true)
  await stage.until('its state came', () => stage.alarms.length > 0)
  t.strictSame(stage.phases, ['state-on'])
  t.ok(stage.refused.includes('a subscription that brought nothing was replaced'))
})

t.test('the address that a camera is told holds the key, and nothing is open to everybody', async (t) => {
  t.equal(
    consumerAddress('http://10.1.1.5:8080', 'gate camera', 'a&b'),
    'http://10.1.1.5:8080/ingest/gate%20camera?key=a%26b',
  )
  t.equal(consumerAddress('http://proxy.example/gw/', 'c', null), 'http://proxy.example/gw/ingest/c')
  t.notOk(onvifNotify.options.safeParse({ camera: 'c-1' }).success)
  t.ok(onvifNotify.options.safeParse({ camera: 'c-1', sources: ['10.1.3.0/24'] }).success)
  const subscribe = { url: 'http://10.1.3.7/onvif/device_service', consumer: 'http://10.1.1.5:8080' }
  t.notOk(onvifNotify.options.safeParse({ camera: 'c-1', username: 'u', password: 'p', subscribe }).success)
  t.equal(onvifNotify.exclusive?.(onvifNotify.options.parse({ camera: 'c-1', key: 'k' })), false)
  t.equal(onvifNotify.exclusive?.(onvifNotify.options.parse({ camera: 'c-1', key: 'k', subscribe })), true)
})
