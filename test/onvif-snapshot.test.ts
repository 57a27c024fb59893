import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { CameraStage } from './onvif-stage.ts'

async function alarmed(t: Test, habits: Parameters<typeof CameraStage.pull>[1] = {}, snapshots: unknown = {}) {
  const stage = await CameraStage.pull(t, habits, { snapshots })
  await stage.start()
  stage.camera.motion(true)
  await stage.until('the alarm came', () => stage.alarms.length === 1)
  const errand = stage.errand(stage.alarms[0]?.snapshot, 'incident-7')
  const perform = () => stage.adapter.perform?.(errand) ?? Promise.reject(new Error('it performs nothing'))
  return { stage, perform, errand }
}

t.test('a picture is fetched with proof, and finds its incident', async (t) => {
  for (const proof of ['digest', 'token', 'both'] as const) {
    const { stage, perform } = await alarmed(t, { username: 'admin', password: 'p', proof })
    await perform()
    const [, picture] = stage.alarms
    t.match(picture, {
      subject: 'c-017',
      phase: 'going-on',
      event: 'tns1:RuleEngine/CellMotionDetector/Motion',
      part: 'MyMotion',
      occurrence: 'incident-7',
      attachments: [{ mediaType: 'image/jpeg', claimedType: 'image/jpeg' }],
    })
    t.strictSame(picture?.attachments[0]?.content, stage.camera.picture.bytes)
    await perform()
    t.equal(stage.intake.duplicates, 1, 'the same errand again is the same message')
    t.equal(stage.camera.asked.get('GetSnapshotUri'), 1, 'its address is asked for once')
  }
})

t.test('nothing is fetched from a host that is not listed', async (t) => {
  let fetched = 0
  const other = createServer((_, answer) => {
    fetched++
    answer.end(Buffer.from('\xff\xd8\xff\xe0picture', 'latin1'))
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise<void>((resolve) => other.close(() => resolve())))
  const { port } = other.address() as AddressInfo
  const snapshotAt = `http://localhost:${port}/s.jpg`
  const refused = await alarmed(t, { snapshotAt })
  await t.rejects(refused.perform(), { code: 'DECODE_NOT_ALLOWED', message: /localhost/ })
  t.equal(fetched, 0)
  for (const bad of ['file:///etc/passwd', 'rtsp://127.0.0.1/s', 'http://u:p@127.0.0.1/s', 'nothing']) {
    const { perform } = await alarmed(t, { snapshotAt: bad })
    await t.rejects(perform(), { code: 'DECODE_NOT_ALLOWED' }, bad)
  }
  const listed = await alarmed(t, { snapshotAt }, { hosts: [`localhost:${port}`] })
  await listed.perform()
  t.equal(fetched, 1)
})

t.test('what is no picture, or too large, or elsewhere, is never asked for again', async (t) => {
  const { stage, perform } = await alarmed(t, {}, { maxSize: '64KiB' })
  const whole = stage.camera.picture
  stage.camera.picture = { ...whole, bytes: Buffer.from('<html>log in</html>') }
  await t.rejects(perform(), { code: 'DECODE_UNSUPPORTED' })
  stage.camera.picture = { ...whole, bytes: Buffer.concat([whole.bytes, Buffer.alloc(70_000)]) }
  await t.rejects(perform(), { code: 'DECODE_TOO_LARGE' })
  stage.camera.picture = { ...whole, status: 302 }
  await t.rejects(perform(), { code: 'DECODE_UNFETCHED' })
  stage.camera.picture = { ...whole, status: 503 }
  await t.rejects(perform(), { code: 'LINK_LOST' }, 'it may be had later')
  t.equal(stage.alarms.length, 1)
  stage.camera.picture = whole
  await perform()
  t.equal(stage.alarms.length, 2)
})

t.test('an errand that makes no sense is dead, one while the camera is away is not', async (t) => {
  const { stage, perform } = await alarmed(t)
  await t.rejects(stage.adapter.perform?.(stage.errand('{"event":1}')) ?? Promise.resolve(), { code: 'DECODE_SYNTAX' })
  await stage.adapter.stop()
  await t.rejects(perform(), { code: 'LINK_LOST' })
})

t.test('snapshots: off asks for none', async (t) => {
  const { stage, perform } = await alarmed(t, {}, 'off')
  t.equal(stage.alarms[0]?.snapshot, null)
  await t.rejects(perform(), { code: 'DECODE_NOT_ALLOWED' })
})
