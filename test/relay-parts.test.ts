import { type CloudEvent, HTTP } from 'cloudevents'
import { Webhook } from 'standardwebhooks'
import t from 'tap'
import { cloudEvent } from '../gateway/relay/cloud-event.ts'
import { batchId, read, retryAfterMs, signature } from '../gateway/relay/deliver.ts'
import { wants } from '../gateway/relay/destination.ts'
import { Backoff, Pace } from '../gateway/relay/pace.ts'
import { plainArray, storable, storableJson, textArray } from '../gateway/store/array-literal.ts'

const event = cloudEvent(
  {
    id: '019a0000-0000-7000-8000-000000000001',
    type: 'case-intent',
    subject: 'h-0001',
    orderingKey: 'h-0001',
    time: '2026-11-23T01:02:03.000Z',
    data: { text: '文昌中路120号门口井盖丢了' },
  },
  '/chengguan/test',
)

t.test('an event is a CloudEvent in the eyes of the CloudEvents library', async (t) => {
  const [parsed] = [
    HTTP.toEvent({ headers: { 'content-type': 'application/cloudevents-batch+json' }, body: `[${event}]` }),
  ].flat() as CloudEvent<{ text: string }>[]
  t.equal(parsed?.validate(), true)
  t.equal(parsed?.type, 'chengguan.case-intent.v1')
  t.equal(parsed?.data?.text, '文昌中路120号门口井盖丢了')
})

t.test('a batch is verified by the Standard Webhooks library', async (t) => {
  const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'
  const key = Buffer.from(secret.slice(6), 'base64')
  const body = `[${event}]`
  const headers = signature('batch_1', Math.floor(Date.now() / 1000), body, key)
  t.strictSame(new Webhook(secret).verify(body, headers), JSON.parse(body))
  t.throws(() => new Webhook(secret).verify(`${body} `, headers), 'a changed body is refused')
})

t.test('the published Standard Webhooks vector comes out', async (t) => {
  // standard-webhooks/standard-webhooks, specification and libraries' tests: id, timestamp, payload and key as published.
  const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64')
  const headers = signature('msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, '{"test": 2432232314}', key)
  t.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

t.test('the same events are the same webhook, others another', async (t) => {
  const claimed = (eventId: string) => ({ seq: '1', eventId, body: '{}', attempts: 0, createdAt: new Date(0) })
  t.equal(batchId([claimed('a'), claimed('b')]), batchId([claimed('a'), claimed('b')]))
  t.not(batchId([claimed('a')]), batchId([claimed('b')]))
})

t.test('what an answer means', async (t) => {
  for (const status of [200, 202, 204]) t.equal(read(status, null, '').meaning, 'taken', String(status))
  for (const status of [401, 403, 404, 405, 407, 408, 425, 429, 500, 502, 503, 504, 302])
    t.equal(read(status, null, '').meaning, 'later', String(status))
  for (const status of [400, 409, 410, 413, 415, 422])
    t.equal(read(status, null, '').meaning, 'refused', String(status))
  t.match(read(422, null, 'no such district'), { why: 'HTTP 422 "no such district"' })
  t.match(read(503, '7', ''), { afterMs: 7000 })
})

t.test('Retry-After is seconds or a date, and nonsense is nothing', async (t) => {
  const now = Date.parse('2026-11-23T00:00:00Z')
  t.equal(retryAfterMs('120', now), 120_000)
  t.equal(retryAfterMs('Mon, 23 Nov 2026 00:00:30 GMT', now), 30_000)
  t.equal(retryAfterMs('Sun, 22 Nov 2026 00:00:30 GMT', now), 0)
  t.equal(retryAfterMs('soon', now), null)
  t.equal(retryAfterMs(null, now), null)
})

t.test('a destination gets what its filter asks for, and events that the filter cannot speak of', async (t) => {
  const filter = { types: ['case-intent'] as const, districts: ['321002'], purposes: ['sos'], urgencies: [] }
  const sos = { type: 'case-intent', district: '321002', purpose: 'sos', urgency: 'emergency' } as const
  t.ok(wants(filter, sos))
  t.ok(wants(filter, { ...sos, district: null }), 'an intent without a place')
  t.notOk(wants(filter, { ...sos, district: '321003' }))
  t.notOk(wants(filter, { ...sos, purpose: 'report' }))
  t.notOk(wants(filter, { ...sos, type: 'position' }))
})

t.test('back-off doubles up to its most, with jitter between half and whole', async (t) => {
  const whole = new Backoff(1000, 8000, () => 1)
  t.strictSame(
    Array.from({ length: 5 }, () => whole.next()),
    [1000, 2000, 4000, 8000, 8000],
  )
  whole.reset()
  t.equal(whole.next(), 1000)
  t.equal(new Backoff(1000, 8000, () => 0).next(), 500)
})

t.test('a pace lets a second of events through at once and then its rate', async (t) => {
  const pace = new Pace(100, 0)
  t.equal(pace.spend(100, 0), 0)
  t.equal(pace.spend(50, 0), 500)
  t.equal(pace.spend(50, 1000), 0)
  t.equal(new Pace(0, 0).spend(1_000_000, 0), 0, 'no limit')
})

t.test('array literals carry what PostgreSQL would choke on', async (t) => {
  t.equal(textArray(['a"b', 'c\\d', null, '', '{x,y}']), '{"a\\"b","c\\\\d",NULL,"","{x,y}"}')
  t.equal(plainArray([1, null, 'x', 2.5]), '{1,NULL,x,2.5}')
  t.equal(storable('a\0b\ud800'), 'a\uFFFDb\uFFFD')
  t.equal(storableJson({ 'a\0b': 1, '\ud800': { c: '\0' } }), '{"a\uFFFDb":1,"\uFFFD":{"c":"\uFFFD"}}', 'in keys too')
  t.equal(
    storableJson({ text: 'a\0b', half: '\ud83d', whole: '😀' }),
    '{"text":"a\uFFFDb","half":"\uFFFD","whole":"😀"}',
  )
})
