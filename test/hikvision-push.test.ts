import t from 'tap'
import { hikvisionPush } from '../adapters/hikvision/push.ts'
import { writeAlertJson, writeAlertXml, writeForm } from '../adapters/hikvision/write-alert.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { SimulatedCamera } from '../simulators/hikvision-camera.ts'
import { runContract } from './contract.ts'
import { httpPeer } from './http-peer.ts'
import { jpeg, readAs, videoStage } from './video-stage.ts'

const alert = (n: number, more = {}) =>
  writeAlertXml({
    channel: '1',
    eventType: 'VMD',
    eventState: 'active',
    postCount: n,
    dateTime: '2026-11-26T08:00:00+08:00',
    ...more,
  })

runContract({
  name: 'hikvision-push',
  kind: hikvisionPush as unknown as AdapterKind<never>,
  options: hikvisionPush.options.parse({ key: 'word' }),
  acknowledges: true,
  taken: null,
  connect: (_link, http) =>
    httpPeer(
      http,
      (quality, n) => {
        const xml = quality === 'good' ? alert(n) : alert(n, { eventState: `broken ${n}` })
        const form = writeForm([{ type: 'application/xml', name: 'alert', body: xml }], 'b')
        return { path: '/ingest/contract?key=word', ...form }
      },
      (status) => status === 200,
    ),
})

t.test('an alarm is posted with its pictures, by who has the key, and the tallies are equal', async (t) => {
  const stage = await videoStage(t, hikvisionPush, { key: 'word', cameras: { '10.1.2.9/3': 'c-3', '10.1.2.9': 'nvr' } })
  await stage.adapter.start()
  const camera = new SimulatedCamera()
  await camera.start()
  t.teardown(() => camera.stop())
  t.equal(await camera.post(stage.url, alert(1), [jpeg]), 401)
  t.equal(await camera.post(`${stage.url}?key=word`, alert(1, { ipAddress: '10.1.2.9', channel: '3' }), [jpeg]), 200)
  t.equal(await camera.post(`${stage.url}?key=word`, alert(1, { ipAddress: '10.1.2.9', channel: '4' })), 200)
  t.equal(await camera.post(`${stage.url}?key=word&camera=c-9`, alert(1, { channel: '4' }), [jpeg, jpeg]), 200)
  const json = writeAlertJson({
    channel: '2',
    eventType: 'fielddetection',
    eventState: 'active',
    postCount: 1,
    dateTime: '2026-11-26T08:00:00+08:00',
    regions: ['1', '2'],
  })
  t.equal(await camera.post(`${stage.url}?key=word`, json, [jpeg]), 200)
  t.strictSame(
    stage.alarms.map(({ subject, event, part, attachments }) => [subject, event, part, attachments.length]),
    [
      ['c-3', 'VMD', null, 1],
      ['nvr', 'VMD', null, 0],
      ['c-9', 'VMD', null, 2],
      ['44:19:b6:00:00:01/2', 'fielddetection', '1', 1],
      ['44:19:b6:00:00:01/2', 'fielddetection', '2', 0],
    ],
  )
  t.match(stage.alarms[0]?.attachments, [{ mediaType: 'image/jpeg', name: 'detection-0.jpg', content: jpeg }])
  t.strictSame(camera.tally.alerts - 1, stage.intake.stored.size)
  t.strictSame(stage.refused, ['a wrong key'])
})

t.test('the same alarm posted again, with another boundary, is a redelivery', async (t) => {
  const stage = await videoStage(t, hikvisionPush, {})
  await stage.adapter.start()
  const camera = new SimulatedCamera()
  await camera.start()
  t.teardown(() => camera.stop())
  stage.intake.refuse = () => true
  t.equal(await camera.post(stage.url, alert(1), [jpeg]), 503, 'nothing was stored')
  stage.intake.refuse = () => false
  for (let n = 0; n < 3; n++) t.equal(await camera.post(stage.url, alert(1), [jpeg]), 200)
  t.equal(stage.intake.duplicates, 2)
  t.equal(stage.alarms.length, 1)
})

const options = hikvisionPush.options.parse({})
const read = (body: Buffer | string, contentType: string) =>
  readAs(hikvisionPush, options, { raw: Buffer.from(body), envelope: { contentType } })

t.test('every shape of a post is read, or says why not', async (t) => {
  const xml = alert(1)
  const form = writeForm([{ type: 'application/xml', body: xml }], 'b')
  const whole = [{ kind: 'alarm', event: 'VMD' }]
  t.match(read(xml, 'application/xml'), whole, 'XML alone')
  t.match(read(xml, ''), whole, 'without a type')
  t.match(read(form.body, 'multipart/form-data'), whole, 'a boundary that is not declared')
  t.match(
    read(form.body.subarray(0, form.body.length - 8), 'multipart/mixed; boundary=b'),
    whole,
    'no closing delimiter',
  )
  t.match(read(form.body.toString('latin1').replaceAll('\r\n', '\n'), 'multipart/mixed; boundary=b'), whole, 'LF alone')
  t.equal(read(form.body, 'multipart/form-data; boundary=other'), 'DECODE_SYNTAX', 'another boundary')
  t.equal(read('', 'multipart/form-data; boundary=b'), 'DECODE_SYNTAX')
  t.equal(read('', 'application/xml'), 'DECODE_SYNTAX')
  t.equal(read(jpeg, 'image/jpeg'), 'DECODE_SYNTAX', 'a picture of nothing')
  t.equal(read('<html></html>', 'text/html'), 'DECODE_UNSUPPORTED')
  t.equal(read(xml.subarray(0, 300), 'application/xml'), 'DECODE_SYNTAX', 'cut short')
  t.equal(read(`<!DOCTYPE x [<!ENTITY a "b">]>${xml}`, 'application/xml'), 'DECODE_UNSUPPORTED')
  t.equal(read('<a>'.repeat(100_000), 'application/xml'), 'DECODE_TOO_LARGE')
  t.equal(read('{"eventType":', 'application/json'), 'DECODE_SYNTAX')
  t.equal(read('{"eventState":"active"}', 'application/json'), 'DECODE_FIELD')
  t.match(
    read(
      writeForm(
        [
          { type: 'application/xml', body: xml },
          { type: 'application/xml', body: Buffer.from('<oops/>') },
          { type: 'application/xml', body: alert(2) },
          { type: 'image/jpeg', body: jpeg },
        ],
        'b',
      ).body,
      'multipart/form-data; boundary=b',
    ),
    [{ phase: 'began' }, { kind: 'malformed', index: 1 }, { phase: 'going-on', attachments: [{ content: jpeg }] }],
    'one bad alert dies alone',
  )
  t.equal(
    read('--b\r\n\r\n<\r\n'.repeat(700_000), 'multipart/mixed; boundary=b'),
    'DECODE_TOO_LARGE',
    'a million parts',
  )
  t.same(
    read(writeAlertXml({ channel: '1', eventType: 'heartBeat', eventState: 'active', postCount: 1, dateTime: '' }), ''),
    [],
  )
})

t.test('times of devices: bad offsets, no offset, 1970', async (t) => {
  const time = (dateTime: string, timeZone: string | null = null) => {
    const given = hikvisionPush.options.parse({ timeZone })
    const [report] = readAs(hikvisionPush, given, { raw: alert(1, { dateTime }), envelope: {} }) as {
      deviceTime: Date | null
      detail: Record<string, string>
    }[]
    return report?.deviceTime?.toISOString() ?? report?.detail.dateTime
  }
  t.equal(time('2019-02-20T15:22:34-8:00'), '2019-02-20T23:22:34.000Z')
  t.equal(time('2026-11-26T08:00:00+08:00'), '2026-11-26T00:00:00.000Z')
  t.equal(time('2026-11-26T08:00:00.250+0530'), '2026-11-26T02:30:00.250Z')
  t.equal(time('2026-11-26T08:00:00Z'), '2026-11-26T08:00:00.000Z')
  t.equal(time('2026-11-26T08:00:00'), '2026-11-26T08:00:00', 'nobody knows whose eight o’clock it is')
  t.equal(time('2026-11-26T08:00:00', 'Asia/Shanghai'), '2026-11-26T00:00:00.000Z')
  t.equal(time('1970-01-01T08:00:12+08:00'), '1970-01-01T00:00:12.000Z', 'triage judges it')
  t.equal(time('2026-02-31T08:00:00Z'), '2026-02-31T08:00:00Z')
  t.equal(time('2026-11-26T08:00:00+99:00'), '2026-11-26T08:00:00+99:00')
})
