import t from 'tap'
import { envelope } from '../adapters/onvif/soap.ts'
import { CameraStage } from './onvif-stage.ts'

t.test('what moves before the camera begins, goes on and ends, once each', async (t) => {
  const stage = await CameraStage.pull(t)
  await stage.start()
  stage.camera.motion(true)
  stage.camera.motion(false)
  await stage.until('both came', () => stage.alarms.length === 2)
  t.strictSame(stage.phases, ['began', 'ended'])
  t.match(stage.alarms[0], {
    subject: 'c-017',
    of: 'camera',
    event: 'tns1:RuleEngine/CellMotionDetector/Motion',
    part: 'MyMotion',
    occurrence: null,
    detail: { Rule: 'MyMotion', IsMotion: 'true', VideoSourceConfigurationToken: 'VideoSource_1' },
  })
  t.ok(Math.abs(Date.now() - (stage.alarms[0]?.deviceTime?.getTime() ?? 0)) < 60_000)
  await stage.adapter.stop()
  t.equal(stage.camera.subscriptions.size, 0, 'it has unsubscribed')
  t.equal(stage.camera.handedOut, stage.camera.happened)
})

t.test('what holds on subscribing is state and no alarm', async (t) => {
  const stage = await CameraStage.pull(t)
  stage.camera.motion(true)
  stage.camera.motion(false, 'VideoSource_1', 'Door')
  await stage.start()
  await stage.until('both states came', () => stage.alarms.length === 2)
  t.strictSame(
    stage.alarms.map(({ part, phase }) => [part, phase]),
    [
      ['MyMotion', 'state-on'],
      ['Door', 'ended'],
    ],
  )
})

for (const proof of ['digest', 'token', 'both'] as const)
  t.test(`a camera from 1970 that wants ${proof} is spoken to by its own clock`, async (t) => {
    const clockAheadMs = Date.UTC(1970, 0, 1, 8) - Date.now()
    const stage = await CameraStage.pull(
      t,
      { username: 'admin', password: 'pa"ss', proof, clockAheadMs, mostMs: 3000 },
      { poll: '300ms' },
    )
    await stage.start()
    stage.camera.motion(true)
    await stage.until('it came', () => stage.alarms.length === 1)
    t.equal(stage.alarms[0]?.deviceTime?.getUTCFullYear(), 1970)
    await stage.until('it was renewed', () => (stage.camera.asked.get('Renew') ?? 0) > 1)
    t.equal(stage.camera.asked.get('CreatePullPointSubscription'), 1)
    t.ok(stage.camera.denied <= 2, 'a nonce is used more than once')
    t.strictSame(stage.downs, [])
  })

t.test('a wrong password is a link that is down and no message', async (t) => {
  const stage = await CameraStage.pull(t, { username: 'admin', password: 'right' }, { password: 'wrong' })
  await t.rejects(stage.start(), { code: 'LINK_LOST', message: /NotAuthorized/ })
  t.equal(stage.intake.stored.size, 0)
})

t.test('a subscription is renewed before its time is over, and nothing is lost', async (t) => {
  const stage = await CameraStage.pull(t, { mostMs: 2000 }, { poll: '150ms' })
  await stage.start()
  await stage.until('it was renewed three times', () => (stage.camera.asked.get('Renew') ?? 0) >= 3)
  stage.camera.motion(true)
  await stage.until('it came', () => stage.alarms.length === 1)
  t.equal(stage.camera.asked.get('CreatePullPointSubscription'), 1)
})

t.test('answers that say a little more than was reckoned each time put no renewal off', async (t) => {
  const stage = await CameraStage.pull(t, { mostMs: 3000, saysMoreMs: 20 }, { poll: '100ms' })
  await stage.start()
  await stage.until('it was renewed', () => (stage.camera.asked.get('Renew') ?? 0) >= 1)
  t.strictSame(stage.downs, [])
})

for (const renew of ['refused', 'ignored'] as const)
  t.test(`where Renew is ${renew}, another subscription takes over before the first is over`, async (t) => {
    const stage = await CameraStage.pull(t, { renew, mostMs: 1200 }, { poll: '100ms', answerWithin: '300ms' })
    await stage.start()
    await stage.until('it was replaced', () =>
      stage.refused.includes('a subscription that cannot be renewed was replaced'),
    )
    stage.camera.motion(true)
    await stage.until('it came', () => stage.alarms.some(({ phase }) => phase === 'began'))
    await stage.until('the old one is gone', () => stage.camera.subscriptions.size === 1)
    t.strictSame(stage.downs, [])
    t.ok((stage.camera.asked.get('Renew') ?? 0) <= (stage.camera.asked.get('CreatePullPointSubscription') ?? 0))
  })

t.test(
  'after a reboot of the camera it is subscribed to again, and its state closes what ended meanwhile',
  async (t) => {
    const stage = await CameraStage.pull(t)
    await stage.start()
    stage.camera.motion(true)
    await stage.until('it began', () => stage.phases.includes('began'))
    stage.camera.reboot()
    stage.camera.motion(false)
    await stage.until('it ended', () => stage.phases.includes('ended'))
    t.ok(stage.starts >= 2)
    t.equal(stage.downs.length, stage.starts - 1)
  },
)

t.test('a subscription that the camera has forgotten is noticed at the next pull', async (t) => {
  const stage = await CameraStage.pull(t, {}, { poll: '200ms' })
  await stage.start()
  stage.camera.subscriptions.forgetAll()
  await stage.until('there is another', () => stage.starts === 2 && stage.camera.subscriptions.size === 1)
  t.match(stage.downs[0], /InvalidArgVal\/ResourceUnknownFault/)
})

t.test('a subscription that died silently is noticed by its silence, and replaced', async (t) => {
  const stage = await CameraStage.pull(t, {}, { poll: '200ms', renewAfterSilence: '600ms' })
  await stage.start()
  stage.camera.subscriptions.deafenAll()
  stage.camera.motion(true)
  await stage.until('its state came by another', () => stage.alarms.length > 0)
  t.strictSame(stage.phases, ['state-on'])
  t.ok(stage.refused.includes('a subscription that brought nothing was replaced'))
  t.strictSame(stage.downs, [])
})

t.test('answers that come at once and empty are a dead subscription, the first time', async (t) => {
  const stage = await CameraStage.pull(t, { holds: false }, { poll: '100ms' })
  await stage.start()
  const why = 'a subscription that answers at once and empty was replaced'
  await stage.until('it was replaced', () => stage.refused.includes(why))
  const before = stage.camera.asked.get('PullMessages') ?? 0
  await stage.until('it is pulled on', () => (stage.camera.asked.get('PullMessages') ?? 0) > before + 8)
  t.strictSame(stage.refused, [why], 'a camera that never holds an answer is left at that')
  stage.camera.motion(true)
  await stage.until('it came', () => stage.alarms.length === 1)
})

t.test('what was pulled and could not be stored is stored before anything else is pulled', async (t) => {
  const stage = await CameraStage.pull(t)
  let refusals = 3
  stage.intake.refuse = () => refusals-- > 0
  await stage.start()
  stage.camera.motion(true)
  stage.camera.motion(false)
  await stage.until('both are stored', () => stage.alarms.length >= 2)
  t.ok(stage.downs.length >= 1)
  t.strictSame(
    stage.phases.filter((phase) => phase === 'began'),
    ['began'],
  )
})

t.test('a camera that calls itself something else is reached where it was configured', async (t) => {
  for (const byParameter of [true, false]) {
    const stage = await CameraStage.pull(t, { calls: '192.168.1.64:8000', byParameter })
    await stage.start()
    stage.camera.motion(true)
    await stage.until('it came', () => stage.alarms.length === 1)
  }
})

t.test('a camera that knows GetCapabilities alone', async (t) => {
  const stage = await CameraStage.pull(t, { knowsServices: false, username: 'u', password: 'p' })
  await stage.start()
  stage.camera.motion(true)
  await stage.until('it came', () => stage.alarms.length === 1)
})

const entities = Buffer.from(
  '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>&b;</s:Body></s:Envelope>',
)
const tricks = [
  ['entities', { does: 'send', body: entities }, /DOCTYPE/],
  ['50 MiB', { does: 'large', bytes: 50 * 1024 ** 2 }, /sends more than 4194304 bytes/],
  ['no end', { does: 'endless' }, /sends more than 4194304 bytes/],
  ['half of it', { does: 'send', body: Buffer.from('<?xml version="1.0"?><s:Envelope') }, /cannot be parsed/],
] as const

for (const [what, trick, says] of tricks)
  t.test(`an answer of ${what} is a row with its reason, and the next alarm lands`, async (t) => {
    const stage = await CameraStage.pull(t)
    stage.camera.tricks.push(trick)
    await stage.start()
    stage.camera.motion(true)
    await stage.until('the alarm is stored', () => stage.alarms.length === 1)
    t.equal(stage.intake.deadLetters, 1)
    t.match(stage.reasons[0], says)
    t.strictSame(stage.downs, [])
  })

t.test('three answers in a row that make no sense are a link that is down', async (t) => {
  const stage = await CameraStage.pull(t)
  for (let i = 0; i < 3; i++) stage.camera.tricks.push({ does: 'send', body: envelope('', `<x${i}`) })
  await stage.start()
  await stage.until('it is started again', () => stage.starts === 2 && stage.camera.subscriptions.size > 0)
  stage.camera.motion(true)
  await stage.until('the alarm is stored', () => stage.alarms.length === 1)
  t.equal(stage.intake.deadLetters, 3)
})

for (const does of ['cut', 'silent'] as const)
  t.test(
    `an answer that is ${does} is a link that is down, and what was told meanwhile is told as state`,
    async (t) => {
      const stage = await CameraStage.pull(t, {}, { poll: '100ms', answerWithin: '300ms' })
      stage.camera.tricks.push({ does })
      await stage.start()
      await stage.until('it is started again', () => stage.starts === 2)
      stage.camera.motion(true)
      await stage.until('the alarm is stored', () => stage.alarms.length === 1)
    },
  )

t.test('two hundred alarms in an answer are two hundred messages', async (t) => {
  const stage = await CameraStage.pull(t, {}, { limit: 50 })
  await stage.start()
  for (let i = 0; i < 200; i++) stage.camera.motion(i % 2 === 0, 'VideoSource_1', `Rule ${i}`)
  await stage.until('all are stored', () => stage.alarms.length === 200)
  t.equal(stage.camera.handedOut, 200)
  t.ok((stage.camera.asked.get('PullMessages') ?? 0) < 10)
})

t.test('stop is safe at any time, and leaves no subscription', async (t) => {
  const stage = await CameraStage.pull(t)
  await stage.adapter.stop()
  await stage.start()
  await stage.adapter.stop()
  await stage.adapter.stop()
  t.equal(stage.camera.subscriptions.size, 0)
  const starting = stage.start()
  await stage.adapter.stop()
  await starting.catch(() => {})
  await stage.start()
  stage.intake.hold()
  stage.camera.motion(true)
  await stage.until('it is being stored', () => stage.intake.waiting === 1)
  const stopping = stage.adapter.stop()
  stage.intake.letGo()
  await stopping
  t.equal(stage.alarms.length, 1)
})
