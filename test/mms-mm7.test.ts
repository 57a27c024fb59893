import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import Fastify from 'fastify'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { Mm7Listener, mm7 } from '../adapters/mms/mm7-listener.ts'
import type { AdapterContext, OutboundText } from '../gateway/adapter.ts'
import { GatewayError } from '../gateway/errors.ts'
import type { Report } from '../gateway/report.ts'
import {
  type CentreMood,
  deliverReq,
  deliveryReportReq,
  multipart,
  type Posted,
  SimulatedMm7Centre,
} from '../simulators/mms-mm7.ts'
import { ModelIntake } from './contract.ts'
import { gif } from './mms-stage.ts'

const login = { username: 'mmsc', password: 'word' }

class Stage {
  readonly intake: ModelIntake
  readonly adapter: Mm7Listener
  readonly refused: readonly string[]
  readonly arrivals: readonly string[]
  readonly url: string

  private constructor(made: Pick<Stage, 'intake' | 'adapter' | 'refused' | 'arrivals' | 'url'>) {
    this.intake = made.intake
    this.adapter = made.adapter
    this.refused = made.refused
    this.arrivals = made.arrivals
    this.url = made.url
  }

  static async open(t: Test, block: Record<string, unknown> = login): Promise<Stage> {
    const options = mm7.options.parse(block)
    const intake = new ModelIntake((message) => mm7.decode(message, options))
    const app = Fastify()
    const made: Mm7Listener[] = []
    const refused: string[] = []
    const arrivals: string[] = []
    await app.register(
      async (http) => {
        const context: AdapterContext = {
          name: 'mmsc',
          accept: (message) => intake.accept(message),
          report: () => {},
          arrived: (addressee) => arrivals.push(addressee),
          refused: (reason) => refused.push(reason),
          http,
          log: pino({ level: 'silent' }),
        }
        made.push(new Mm7Listener(options, context))
      },
      { prefix: '/ingest/mmsc' },
    )
    await app.listen({ host: '127.0.0.1', port: 0 })
    t.teardown(() => app.close())
    const [adapter] = made
    if (adapter === undefined) throw new Error('no adapter was made')
    await adapter.start()
    t.teardown(() => adapter.stop())
    const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/ingest/mmsc`
    return new Stage({ intake, adapter, refused, arrivals, url })
  }

  async post({ contentType, body }: Posted, headers: Record<string, string> = {}) {
    const authorization = `Basic ${Buffer.from('mmsc:word').toString('base64')}`
    const response = await fetch(this.url, {
      method: 'POST',
      body: Buffer.from(body),
      headers: { 'content-type': contentType, authorization, ...headers },
    })
    const text = await response.text()
    const code = /<StatusCode>(\d+)/.exec(text)?.[1]
    return { status: response.status, text, code: code === undefined ? null : Number(code), headers: response.headers }
  }

  get reports(): Report[] {
    return [...this.intake.stored.values()].flat()
  }
}

const sms = (content: string) => ({ headers: ['Content-Type: text/plain; charset=utf-8'], content })
const from = { transactionId: 't-1', linkedId: 'l-1', sender: '8613800138000' }

t.test('a DeliverReq is a text with its pictures, and is answered in its own namespace', async (t) => {
  const stage = await Stage.open(t)
  const picture = {
    headers: ['Content-Type: image/gif; name="a.gif"', 'Content-Transfer-Encoding: base64'],
    content: gif.toString('base64'),
  }
  const answer = await stage.post(deliverReq({ ...from, subject: '路灯 <不亮>', parts: [sms('五天了'), picture] }))
  t.match(answer, { status: 200, code: 1000 })
  t.match(answer.text, /<DeliverRsp xmlns="http:\/\/www\.3gpp\.org[^"]*REL-6-MM7-1-4"><MM7Version>6\.8\.0</)
  t.match(answer.text, /<TransactionID [^>]*>t-1</)
  t.match(answer.headers.get('content-type'), /^text\/xml/)
  t.match(stage.reports, [
    { subject: 'tel:+8613800138000', to: '12319', title: '路灯 <不亮>', text: '五天了', medium: 'mms' },
  ])
  const [report] = stage.reports
  t.strictSame(report?.kind === 'text' && report.attachments.map(({ name, content }) => [name, content]), [
    ['a.gif', gif],
  ])
  t.equal(report?.kind === 'text' && report.deviceTime?.toISOString(), '2026-11-23T02:00:00.000Z')
})

t.test('the same transaction again is one message, another sender or LinkedID is another', async (t) => {
  const stage = await Stage.open(t)
  const posted = deliverReq({ ...from, parts: [sms('一')] })
  await stage.post(posted)
  await stage.post({
    contentType: posted.contentType.replaceAll('outer', 'again'),
    body: Buffer.from(Buffer.from(posted.body).toString('latin1').replaceAll('outer', 'again'), 'latin1'),
  })
  t.equal(stage.intake.duplicates, 1)
  t.match(await stage.post(deliverReq({ ...from, linkedId: 'l-2', parts: [sms('二')] })), { code: 1000 })
  t.match(await stage.post(deliverReq({ ...from, sender: '8613900139000', parts: [sms('三')] })), { code: 1000 })
  t.equal(stage.intake.stored.size, 3)
})

t.test('a program that calls itself a picture is kept as bytes of no known kind', async (t) => {
  const stage = await Stage.open(t)
  const programs = [
    Buffer.from('MZ\x90\0this program cannot be run'),
    Buffer.from('#!/bin/sh\nrm -rf /'),
    Buffer.from('<html><script>1</script>'),
  ]
  const parts = programs.map((content) => ({ headers: ['Content-Type: image/jpeg', 'Content-ID: <a.jpg>'], content }))
  await stage.post(deliverReq({ ...from, parts }))
  const [report] = stage.reports
  const attachments = report?.kind === 'text' ? report.attachments : []
  t.strictSame(
    attachments.map(({ mediaType, claimedType }) => [mediaType, claimedType]),
    programs.map(() => ['application/octet-stream', 'image/jpeg']),
  )
  t.strictSame(
    attachments.map(({ content }) => Buffer.from(content ?? [])),
    programs,
  )
})

t.test('a part without its end is told of, and what is whole is kept', async (t) => {
  const stage = await Stage.open(t)
  const whole = deliverReq({ ...from, parts: [sms('五天了'), { headers: ['Content-Type: image/gif'], content: gif }] })
  const cut = Buffer.from(whole.body).subarray(0, Buffer.from(whole.body).lastIndexOf('GIF89a') + 20)
  t.match(await stage.post({ ...whole, body: cut }), { status: 200, code: 1000 })
  t.match(stage.reports, [
    { kind: 'text', text: '五天了', attachments: [] },
    { kind: 'malformed', index: 1, code: 'DECODE_SYNTAX', detail: /no end/ },
  ])
})

t.test('what makes no sense is stored as a dead letter and answered as the fault of the asker', async (t) => {
  const stage = await Stage.open(t)
  const whole = deliverReq({ ...from, parts: [sms('x')] })
  const xml = (text: string): Posted => ({ contentType: 'text/xml', body: Buffer.from(text) })
  const said = (change: (text: string) => string): Posted => ({
    ...whole,
    body: Buffer.from(change(Buffer.from(whole.body).toString('utf8'))),
  })
  const bad: Record<string, [Posted, number]> = {
    nothing: [xml(''), 2007],
    'no XML': [xml('hello'), 2007],
    'a DOCTYPE': [xml('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'), 4003],
    'entities that multiply': [
      said((text) =>
        text.replace('<env:Envelope', '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><env:Envelope'),
      ),
      4003,
    ],
    nesting: [xml('<a>'.repeat(100_000)), 2007],
    'megabytes of XML': [xml(`<a>${'b'.repeat(1_000_000)}</a>`), 2007],
    JSON: [{ contentType: 'application/json', body: Buffer.from('{}') }, 4003],
    'no boundary': [{ ...whole, contentType: 'multipart/related' }, 4004],
    'another boundary': [{ ...whole, contentType: 'multipart/related; boundary=nowhere' }, 2007],
    'no sender': [said((text) => text.replace(/<Sender>.*<\/Sender>/, '')), 4004],
    'a SubmitReq': [said((text) => text.replaceAll('DeliverReq', 'SubmitReq')), 4003],
    'a body without content': [said((text) => text.replace(/<env:Body>.*<\/env:Body>/s, '<env:Body/>')), 2007],
  }
  for (const [name, [posted, code]] of Object.entries(bad)) {
    const before = stage.intake.stored.size
    const answer = await stage.post(posted)
    t.match(answer, { status: 400, code }, name)
    t.match(answer.text, /<faultcode>env:Client</, name)
    t.equal(stage.intake.stored.size, before + 1, `${name} is stored`)
  }
  t.equal(stage.intake.deadLetters, Object.keys(bad).length)
})

t.test('what cannot be stored is to be sent again', async (t) => {
  const stage = await Stage.open(t)
  const posted = deliverReq({ ...from, parts: [sms('x')] })
  stage.intake.refuse = () => {
    throw new GatewayError('STORE_FULL', 'the test says so')
  }
  const busy = await stage.post(posted)
  t.match(busy, { status: 503, code: 4006 })
  t.equal(busy.headers.get('retry-after'), '5')
  stage.intake.refuse = () => {
    throw new Error('something else')
  }
  t.match(await stage.post(posted), { status: 500, code: 3000, text: /<faultcode>env:Server</ })
  stage.intake.refuse = () => false
  t.match(await stage.post(posted), { status: 200, code: 1000 })
})

t.test('a body above the limit is refused before it is read', async (t) => {
  const stage = await Stage.open(t, { ...login, maxSize: '64KiB' })
  const { port } = new URL(stage.url)
  const socket = connect(Number(port), '127.0.0.1')
  const authorization = `Basic ${Buffer.from('mmsc:word').toString('base64')}`
  socket.write(
    `POST /ingest/mmsc HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\nContent-Type: text/xml\r\nContent-Length: ${50 * 1024 ** 2}\r\n\r\n`,
  )
  const [first] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  t.match(first.toString(), /^HTTP\/1\.1 413 /)
  t.match(first.toString(), /<StatusCode>2000</)
  t.match(await stage.post({ contentType: 'text/xml', body: Buffer.alloc(65 * 1024, 0x20) }), {
    status: 413,
    code: 2000,
  })
  t.equal(stage.intake.stored.size, 0)
  t.match(await stage.post(deliverReq({ ...from, parts: [sms('x')] })), { code: 1000 }, 'and the next one is taken')
})

t.test('content types are taken as centres write them, and the lack of one is a dead letter', async (t) => {
  const stage = await Stage.open(t)
  const boundary = '----=_Part_1/2?3 4'
  const bodyOf = (linkedId: string) => {
    const { body } = deliverReq({ ...from, linkedId, parts: [sms(linkedId)] })
    return Buffer.from(Buffer.from(body).toString('latin1').replaceAll('outer', boundary), 'latin1')
  }
  for (const [i, contentType] of [
    `multipart/related; boundary="${boundary}"; type=text/xml; start=<soap>`,
    `Multipart/Related;boundary=${boundary};type="text/xml";`,
    `multipart/related ;\tBOUNDARY = "${boundary}"`,
  ].entries()) {
    const posted = { contentType, body: bodyOf(`number ${i}`) }
    t.match(await stage.post(posted), { status: 200, code: 1000 }, contentType)
    t.match(stage.reports.at(-1), { kind: 'text', text: `number ${i}` }, contentType)
  }
  const body = bodyOf('x')
  for (const contentType of ['', 'nonsense', ';;;', 'multipart/related']) {
    const before = stage.intake.stored.size
    t.match(await stage.post({ contentType, body }), { status: 400 }, `"${contentType}"`)
    t.equal(stage.intake.stored.size, before + 1)
  }
})

t.test('texts of megabytes are read to a limit that is told', async (t) => {
  const stage = await Stage.open(t)
  await stage.post(deliverReq({ ...from, parts: [sms('井'.repeat(1_000_000))] }))
  const [text, cut] = stage.reports
  t.equal(text?.kind === 'text' && text.text?.length, 65_536)
  t.match(cut, { kind: 'malformed', code: 'DECODE_TOO_LARGE', detail: /1000000 characters/ })
})

t.test('who does not know the password, or comes from elsewhere, is turned away', async (t) => {
  const stage = await Stage.open(t)
  const posted = deliverReq({ ...from, parts: [sms('x')] })
  for (const authorization of ['', 'Basic x', `Basic ${Buffer.from('mmsc:wrong').toString('base64')}`, 'Bearer word']) {
    const answer = await stage.post(posted, { authorization })
    t.match(answer, { status: 401, code: 2001 })
    t.match(answer.headers.get('www-authenticate'), /^Basic/)
  }
  t.equal(stage.refused.length, 4)
  const elsewhere = await Stage.open(t, { sources: ['10.0.0.0/8', '2408::1'] })
  t.match(await elsewhere.post(posted), { status: 403, code: 2001 })
  const here = await Stage.open(t, { sources: ['127.0.0.0/8'] })
  t.match(await here.post(posted, { authorization: '' }), { code: 1000 })
  t.equal(stage.intake.stored.size + elsewhere.intake.stored.size, 0)
  for (const bad of [{}, { username: 'a' }, { sources: ['10.0.0.0/33'] }, { sources: ['x'] }])
    t.notOk(mm7.options.safeParse(bad).success, JSON.stringify(bad))
})

t.test('more requests at a time than are allowed are asked to wait', async (t) => {
  const stage = await Stage.open(t, { ...login, maxRequests: 2 })
  const posted = (n: number) => deliverReq({ ...from, linkedId: `l-${n}`, parts: [sms('x')] })
  stage.intake.hold()
  const held = [stage.post(posted(1)), stage.post(posted(2))]
  await stage.intake.until('both are being stored', () => stage.intake.waiting === 2)
  t.match(await stage.post(posted(3)), { status: 503, code: 4006 })
  stage.intake.letGo()
  t.match(await Promise.all(held), [{ code: 1000 }, { code: 1000 }])
  t.match(await stage.post(posted(3)), { code: 1000 })
})

t.test('a stopped listener asks to come again', async (t) => {
  const stage = await Stage.open(t)
  await stage.adapter.stop()
  t.match(await stage.post(deliverReq({ ...from, parts: [sms('x')] })), { status: 503, code: 4006 })
  await stage.adapter.start()
  t.match(await stage.post(deliverReq({ ...from, parts: [sms('x')] })), { code: 1000 })
})

t.test('a DeliveryReportReq tells what became of a submission, a ReadReplyReq nothing', async (t) => {
  const stage = await Stage.open(t, { ...login, account: 'city' })
  const states = {
    Retrieved: 'delivered',
    Expired: 'expired',
    Rejected: 'rejected',
    Indeterminate: 'unknown',
    Unreachable: 'undeliverable',
    Deferred: null,
    'Who knows': 'unknown',
  }
  for (const [word, state] of Object.entries(states)) {
    const answer = await stage.post(deliveryReportReq(`m-${word}`, word))
    t.match(answer, { status: 200, code: 1000, text: /<DeliveryReportRsp/ })
    t.match(stage.reports.at(-1), {
      kind: 'delivery',
      account: 'city',
      subject: 'tel:+8613800138000',
      messageIds: [`m-${word}`],
      state,
      reference: null,
      deviceTime: new Date('2026-11-23T02:01:00Z'),
    })
  }
  const before = stage.reports.length
  const report = deliveryReportReq('m-9', 'Read')
  const readReply = {
    ...report,
    body: Buffer.from(Buffer.from(report.body).toString().replaceAll('DeliveryReportReq', 'ReadReplyReq')),
  }
  t.match(await stage.post(readReply), { status: 200, code: 1000, text: /<ReadReplyRsp/ })
  t.equal(stage.reports.length, before)
})

const text: OutboundText = {
  id: '019a0000-0000-7000-8000-000000000001',
  to: 'tel:+8613800138000',
  extension: '77',
  title: '办结 & 感谢',
  text: '您反映的井盖已修复。',
  attachments: [{ name: 'a.gif', mediaType: 'image/gif', content: gif }],
  validUntil: new Date('2026-11-24T02:00:00Z'),
}

async function sending(t: Test, more: Record<string, unknown> = {}) {
  const centre = new SimulatedMm7Centre()
  const url = await centre.start()
  t.teardown(() => centre.stop())
  const submit = {
    url,
    vaspId: 'city',
    vasId: '12319',
    sender: '1065712319',
    serviceCode: 'free',
    username: 'u',
    password: 'p',
    ...more,
  }
  const stage = await Stage.open(t, { ...login, submit })
  const { texts } = stage.adapter
  if (texts === undefined) throw new Error('it cannot send')
  const submitOne = async () => await texts.submit(texts.parts(text)[0])
  return { centre, stage, texts, submitOne }
}

t.test('a text leaves as a SubmitReq with a presentation, and its receipt names it', async (t) => {
  const { centre, stage, texts, submitOne } = await sending(t)
  t.match(texts, { medium: 'mms', account: 'mm7', ready: true, perSecond: 5, window: 4 })
  t.strictSame(stage.arrivals, [''])
  t.strictSame(await submitOne(), { outcome: 'accepted', messageId: 'm-1' })
  const taken = centre.taken.get('m-1')
  t.equal(taken?.transactionId, text.id)
  for (const word of [
    'city',
    '12319',
    '106571231977',
    '8613800138000',
    'free',
    '办结 & 感谢',
    '2026-11-24T02:00:00.000Z',
    'true',
  ])
    t.ok(taken?.request.includes(`"${word}"`), word)
  t.match(taken?.headers, { authorization: `Basic ${Buffer.from('u:p').toString('base64')}`, soapaction: /^"http/ })
  t.strictSame(
    taken?.parts.map(({ type }) => type),
    ['application/smil', 'text/plain', 'image/gif'],
  )
  t.strictSame(Buffer.from(taken?.parts[2]?.content ?? []), gif)
  t.equal(Buffer.from(taken?.parts[1]?.content ?? []).toString(), text.text)
})

t.test('what a centre says of a submission decides whether it is sent again', async (t) => {
  const { centre, submitOne } = await sending(t)
  const verdicts: readonly (readonly [CentreMood, string])[] = [
    [{ does: 'status', code: 2002 }, 'rejected'],
    [{ does: 'status', code: 2007 }, 'rejected'],
    [{ does: 'status', code: 3000 }, 'later'],
    [{ does: 'status', code: 3002 }, 'rejected'],
    [{ does: 'status', code: 4006 }, 'later'],
    [{ does: 'status', code: 4004 }, 'rejected'],
    [{ does: 'http', status: 503 }, 'later'],
    [{ does: 'http', status: 401 }, 'later'],
    [{ does: 'http', status: 302 }, 'later'],
    [{ does: 'http', status: 413 }, 'rejected'],
  ]
  for (const [mood, outcome] of verdicts) {
    centre.mood = () => mood
    t.match(await submitOne(), { outcome }, JSON.stringify(mood))
  }
  t.equal(centre.taken.size, 0)
})

t.test('when nobody can know whether it left, submit rejects', async (t) => {
  const { centre, submitOne } = await sending(t, { timeout: '200ms' })
  for (const mood of [{ does: 'silence' }, { does: 'take-and-cut' }, { does: 'http', status: 500 }] as const) {
    centre.mood = () => mood
    await t.rejects(submitOne(), { code: 'LINK_LOST' }, mood.does)
  }
  t.equal(centre.taken.size, 2, 'it was taken twice indeed')
})

t.test('a centre that is not there took nothing', async (t) => {
  const { centre, stage, texts, submitOne } = await sending(t)
  await centre.stop()
  t.match(await submitOne(), { outcome: 'later', afterMs: 5000 })
  await stage.adapter.stop()
  t.equal(texts.ready, false)
  t.match(await submitOne(), { outcome: 'later' })
})

t.test('a submission under way is answered before the adapter has stopped', async (t) => {
  const { centre, stage, submitOne } = await sending(t)
  const submitting = submitOne()
  await stage.adapter.stop()
  t.strictSame(await submitting, { outcome: 'accepted', messageId: 'm-1' })
  t.equal(centre.taken.size, 1)
})

t.test('multiparts of a thousand parts, and inside themselves, cost little', async (t) => {
  const stage = await Stage.open(t)
  const many = deliverReq({ ...from, parts: Array.from({ length: 5000 }, () => sms('x')) })
  t.match(await stage.post(many), { code: 1000 })
  t.match(stage.reports.at(-1), { kind: 'malformed', code: 'DECODE_TOO_LARGE' })
  let nested: Buffer = Buffer.from('x')
  for (let i = 0; i < 200; i++)
    nested = multipart(`b${i}`, [{ headers: [`Content-Type: multipart/mixed; boundary="b${i - 1}"`], content: nested }])
  const posted = deliverReq({
    ...from,
    linkedId: 'deep',
    parts: [{ headers: ['Content-Type: multipart/mixed; boundary="b199"'], content: nested }],
  })
  t.match(await stage.post(posted), { code: 1000 })
})
