import { createServer } from 'node:net'
import t from 'tap'
import { commandId, encodePdu, encodeResponse, statusOf } from '../adapters/smpp/session-pdus.ts'
import { readShortMessage } from '../adapters/smpp/short-message.ts'
import { tag } from '../adapters/smpp/tlvs.ts'
import type { Adapter, OutboundText, Submitted, TextSender } from '../gateway/adapter.ts'
import { SmppEsmeSimulator } from '../simulators/smpp-esme.ts'
import { esme, esmeOf, RawPeer, rawCentre, secretWord, smsc, textPdu, until } from './smpp-link-stage.ts'

const textTo = (n: number): OutboundText => ({
  id: `0193-${n}`,
  to: `tel:+86138002${String(n).padStart(5, '0')}`,
  extension: '07',
  title: null,
  text: `您反映的问题已受理 ${n}`,
  attachments: [],
  validUntil: null,
})

function senderOf(adapter: Adapter): TextSender {
  if (adapter.texts === undefined) throw new Error('it sends no texts')
  return adapter.texts
}

const submit = (adapter: Adapter, n: number): Promise<Submitted> =>
  senderOf(adapter).submit(senderOf(adapter).parts(textTo(n))[0])

t.test('a part is accepted under the id that the centre gives it, and its receipt comes on any bind', async (t) => {
  const gateway = await esme(t, {}, { ids: 'hexadecimal' })
  t.same(gateway.arrivals, [''], 'waiting texts are told that there is a link')
  t.equal(senderOf(gateway.adapter).ready, true)
  t.same(await submit(gateway.adapter, 1), { outcome: 'accepted', messageId: 'b2d05e00' })
  await until('its receipt is read', () => gateway.read.length === 1)
  t.match(gateway.read[0], [{ kind: 'delivery', account: 'esme-under-test', state: 'delivered' }])
  const [seen] = gateway.centre.submits.values()
  t.match(seen?.message, { source: { digits: '1065807' }, destination: { digits: '8613800200001', ton: 1 } })
  t.equal(seen?.times, 1)
})

t.test('what a centre says decides what becomes of the part', async (t) => {
  const words = [
    ['ESME_RTHROTTLED', { outcome: 'later', reason: 'ESME_RTHROTTLED', afterMs: 1000 }],
    ['ESME_RMSGQFUL', { outcome: 'later', reason: 'ESME_RMSGQFUL', afterMs: 5000 }],
    ['ESME_RX_T_APPN', { outcome: 'later', reason: 'ESME_RX_T_APPN', afterMs: 5000 }],
    ['ESME_RSYSERR', { outcome: 'later', reason: 'ESME_RSYSERR', afterMs: 30_000 }],
    ['ESME_RINVBNDSTS', { outcome: 'later', reason: 'ESME_RINVBNDSTS', afterMs: 10_000 }],
    ['ESME_RINVDSTADR', { outcome: 'rejected', reason: 'ESME_RINVDSTADR' }],
    ['ESME_RSUBMITFAIL', { outcome: 'rejected', reason: 'ESME_RSUBMITFAIL' }],
    ['ESME_RUNKNOWNERR', { outcome: 'rejected', reason: 'ESME_RUNKNOWNERR' }],
  ] as const
  const gateway = await esme(t, {}, { fate: ({ index }) => ({ status: words[index]?.[0] ?? 'ESME_ROK' }) })
  for (const [n, [, becomes]] of words.entries()) t.same(await submit(gateway.adapter, n), becomes)
})

t.test("a nack and a vendor's own error are for good, an id that is missing is none", async (t) => {
  const centre = await rawCentre(t)
  const gateway = await esmeOf(t, { port: centre.port })
  await gateway.adapter.start()
  const [peer] = centre.peers
  const answers = [
    (sequence: number) => encodePdu('generic_nack', sequence, {}, statusOf('ESME_RINVCMDID')),
    (sequence: number) => encodePdu('generic_nack', sequence, {}, 0),
    (sequence: number) => encodeResponse(commandId.submit_sm, sequence, 0x0400),
    (sequence: number) => encodeResponse(commandId.submit_sm, sequence, 0).subarray(0, 16),
  ]
  const said: Submitted[] = []
  for (const [n, answer] of answers.entries()) {
    const answered = submit(gateway.adapter, n)
    await until('the centre has it', () => peer?.heard.length === n + 2)
    const pdu = Buffer.from(answer(peer?.heard.at(-1)?.header.sequence ?? 0))
    pdu.writeUInt32BE(pdu.length, 0)
    peer?.send(pdu)
    said.push(await answered)
  }
  t.same(said, [
    { outcome: 'rejected', reason: 'ESME_RINVCMDID' },
    { outcome: 'rejected', reason: 'generic_nack' },
    { outcome: 'rejected', reason: '0x00000400' },
    { outcome: 'accepted', messageId: '' },
  ])
})

t.test('an answer of another command, or under another number, is no answer', async (t) => {
  const centre = await rawCentre(t)
  const gateway = await esmeOf(t, { port: centre.port })
  await gateway.adapter.start()
  const [peer] = centre.peers
  const answered = submit(gateway.adapter, 1)
  await until('the centre has it', () => peer?.heard.length === 2)
  const sequence = peer?.heard[1]?.header.sequence ?? 0
  peer?.send(encodeResponse(commandId.enquire_link, sequence))
  peer?.send(encodeResponse(commandId.submit_sm, sequence + 1, 0, { message_id: 'wrong' }))
  peer?.send(encodeResponse(commandId.submit_sm, sequence, 0, { message_id: 'right' }))
  t.same(await answered, { outcome: 'accepted', messageId: 'right' })
  t.equal(gateway.refusals.length, 2)
})

t.test('answers in any order find their parts, and a whole window is under way at once', async (t) => {
  const centre = await rawCentre(t)
  const gateway = await esmeOf(t, { port: centre.port, window: 50 })
  await gateway.adapter.start()
  const [peer] = centre.peers
  const answered = Array.from({ length: 50 }, (_, n) => submit(gateway.adapter, n))
  await until('all are there', () => peer?.heard.length === 51)
  for (const { header, raw } of (peer?.heard.slice(1) ?? []).toReversed())
    peer?.send(encodeResponse(header.id, header.sequence, 0, { message_id: readShortMessage(raw).destination.digits }))
  t.same(
    await Promise.all(answered),
    Array.from({ length: 50 }, (_, n) => ({ outcome: 'accepted', messageId: textTo(n).to.replace('tel:+', '') })),
  )
})

t.test('without a link nothing is sent, and that is certain', async (t) => {
  const centre = await rawCentre(t)
  const gateway = await esmeOf(t, { port: centre.port })
  t.equal(senderOf(gateway.adapter).ready, false)
  t.match(await submit(gateway.adapter, 1), { outcome: 'later', reason: 'not bound' })
  await gateway.adapter.start()
  await gateway.adapter.stop()
  t.equal(senderOf(gateway.adapter).ready, false)
  t.match(await submit(gateway.adapter, 1), { outcome: 'later', reason: 'not bound' })
  t.equal(centre.peers[0]?.heard.filter(({ header }) => header.id === commandId.submit_sm).length, 0)
})

for (const fate of ['cut', 'taken-but-cut'] as const) {
  t.test(`when the link dies with a part on its way (${fate}), nobody knows whether it left`, async (t) => {
    const gateway = await esme(t, {}, { fate: () => fate })
    await t.rejects(submit(gateway.adapter, 1), { code: 'LINK_LOST' })
    await until('the link is down', () => gateway.links.at(-1)?.state === 'down')
    t.equal(senderOf(gateway.adapter).ready, false)
    t.match(await submit(gateway.adapter, 2), { outcome: 'later' })
    await gateway.adapter.stop()
    await gateway.adapter.start()
    t.same(gateway.arrivals, ['', ''])
    t.equal([...gateway.centre.submits.values()][0]?.times, 1, 'it was not sent again')
  })
}

t.test('a centre that answers other things but not this: the part is in doubt and the link holds', async (t) => {
  const gateway = await esme(
    t,
    { responseTimeout: '300ms', enquireEvery: '1s' },
    { fate: ({ index }) => (index === 0 ? 'silence' : 'taken') },
  )
  const lost = submit(gateway.adapter, 0).then(
    () => 'answered',
    (error: { code: string }) => error.code,
  )
  t.match(await submit(gateway.adapter, 1), { outcome: 'accepted' })
  t.equal(await lost, 'LINK_LOST')
  t.equal(gateway.links.at(-1)?.state, 'connected')
  t.match(await submit(gateway.adapter, 2), { outcome: 'accepted' })
})

t.test('a centre that says nothing at all is down, and so is what waited', async (t) => {
  const centre = await rawCentre(t)
  const gateway = await esmeOf(t, { port: centre.port, responseTimeout: '200ms' })
  await gateway.adapter.start()
  await t.rejects(submit(gateway.adapter, 1), { code: 'LINK_LOST' })
  t.match(gateway.links.at(-1), { state: 'down', reason: /silent for 200 ms/ })
})

t.test('an idle link is asked, an answer keeps it, silence ends it; a question is answered', async (t) => {
  const centre = await rawCentre(t)
  const gateway = await esmeOf(t, { port: centre.port, enquireEvery: '1s', responseTimeout: '200ms' })
  await gateway.adapter.start()
  const [peer] = centre.peers
  peer?.send(encodePdu('enquire_link', 77))
  t.equal(await peer?.answer(77), 'enquire_link_resp ESME_ROK')
  const asked = () => peer?.heard.filter(({ header }) => header.id === commandId.enquire_link) ?? []
  await until('the centre is asked', () => asked().length === 1)
  peer?.send(encodeResponse(commandId.enquire_link, asked()[0]?.header.sequence ?? 0))
  await until('the centre is asked again', () => asked().length === 2)
  t.equal(gateway.links.at(-1)?.state, 'connected')
  await until('silence ends the link', () => gateway.links.at(-1)?.state === 'down')
})

t.test('while the store is slow nothing is overdue, though the link is not read', async (t) => {
  const centre = await rawCentre(t)
  const options = { port: centre.port, responseTimeout: '300ms', limits: { unacknowledged: 1 } }
  const gateway = await esmeOf(t, options)
  await gateway.adapter.start()
  const [peer] = centre.peers
  let letGo = () => {}
  gateway.answer = () =>
    new Promise((resolve) => {
      letGo = () => resolve('stored')
    })
  peer?.send(textPdu(1))
  await until('it is being stored', () => gateway.accepted.length === 1)
  const answered = submit(gateway.adapter, 1)
  await until('the centre has it', () => peer?.heard.length === 2)
  peer?.send(encodeResponse(commandId.submit_sm, peer.heard[1]?.header.sequence ?? 0, 0, { message_id: 'late' }))
  const since = Date.now()
  await until('more than the time has passed', () => Date.now() - since > 600)
  t.equal(gateway.links.at(-1)?.state, 'connected')
  letGo()
  t.same(await answered, { outcome: 'accepted', messageId: 'late' })
})

t.test('a bind that is refused, silent or cut makes start reject, and leaves nothing open', async (t) => {
  const refusing = await esmeOf(t, { port: (await esme(t, {}, { password: secretWord })).port, password: 'wrong' })
  await t.rejects(refusing.adapter.start(), { code: 'LINK_CONNECT', message: /ESME_RINVPASWD/ })
  const silent = createServer((socket) => socket.resume().on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const address = silent.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const waiting = await esmeOf(t, { port, bindTimeout: '200ms' })
  await t.rejects(waiting.adapter.start(), { code: 'LINK_CONNECT', message: /no answer to the bind/ })
  const stopped = await esmeOf(t, { port })
  const starting = t.rejects(stopped.adapter.start(), { code: 'LINK_CONNECT' })
  await stopped.adapter.stop()
  await starting
  await new Promise<void>((resolve) => silent.close(() => resolve()))
})

t.test('stop waits for the answer to what is on its way, then unbinds', async (t) => {
  const centre = await rawCentre(t)
  const gateway = await esmeOf(t, { port: centre.port })
  await gateway.adapter.start()
  const [peer] = centre.peers
  const answered = submit(gateway.adapter, 1)
  await until('the centre has it', () => peer?.heard.length === 2)
  const stopping = gateway.adapter.stop()
  peer?.send(encodeResponse(commandId.submit_sm, peer.heard[1]?.header.sequence ?? 0, 0, { message_id: '1' }))
  t.match(await answered, { outcome: 'accepted' })
  await stopping
  t.equal(peer?.heard.at(-1)?.header.id, commandId.unbind)
})

t.test(
  'a stop that another gateway waits for waits for nothing: neither an answer, nor a commit, nor the unbind',
  async (t) => {
    const centre = await rawCentre(t)
    const gateway = await esmeOf(t, { port: centre.port })
    const never = new Promise<never>(() => {})
    gateway.answer = () => never
    await gateway.adapter.start()
    const [peer] = centre.peers
    const answered = submit(gateway.adapter, 1)
    await until('the centre has it', () => peer?.heard.length === 2)
    const atOnce = new AbortController()
    const stopping = gateway.adapter.stop(atOnce.signal)
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(peer?.closed, false, 'in order it would wait')
    const began = performance.now()
    atOnce.abort()
    await t.rejects(answered, 'nobody knows whether it left')
    await stopping
    t.ok(performance.now() - began < 2000, 'before the lease has run out')
  },
)

t.test('a receiver sends no texts', async (t) => {
  const gateway = await esme(t, { bind: 'receiver' })
  t.equal(gateway.adapter.texts, undefined)
  t.same(gateway.arrivals, [])
})

t.test('a peer bound here is handed texts, and its receipts name them', async (t) => {
  const gateway = await smsc(t)
  t.equal(senderOf(gateway.adapter).ready, false)
  t.match(await submit(gateway.adapter, 1), { outcome: 'later' })
  const sending = await RawPeer.bound(gateway.port, 'transmitter')
  t.equal(senderOf(gateway.adapter).ready, false, 'a transmitter takes none')
  const peer = await SmppEsmeSimulator.bind({
    port: gateway.port,
    systemId: 'peer-2',
    password: secretWord,
    bind: 'receiver',
    answer: ({ header }) => (header.sequence === 2 ? { status: 'ESME_RMSGQFUL' } : { status: 'ESME_ROK' }),
  })
  t.same(gateway.arrivals, [''])
  const accepted = await submit(gateway.adapter, 1)
  t.match(await submit(gateway.adapter, 2), { outcome: 'later', reason: 'ESME_RMSGQFUL' })
  const id = accepted.outcome === 'accepted' ? accepted.messageId : ''
  t.match(id, /^[0-9a-f]{20}$/)
  const handed = readShortMessage(peer.received[0]?.raw ?? Buffer.alloc(0))
  t.equal(handed.tlvs.get(tag.receiptedMessageId)?.toString(), `${id}\0`)
  const now = new Date()
  const { source: destination, destination: source } = handed
  const receipt = { source, destination, id, state: 'DELIVRD', error: '000', submittedAt: now, doneAt: now } as const
  t.equal(await peer.receipt({ ...receipt, text: '', form: 'text', reference: null }), 'ESME_ROK')
  const [report] = gateway.read.at(-1) ?? []
  t.match(report, { kind: 'delivery', account: 'smsc-under-test', state: 'delivered' })
  t.ok(typeof report === 'object' && report.kind === 'delivery' && report.messageIds.includes(id))
  peer.vanish()
  await until('nobody takes texts', () => !senderOf(gateway.adapter).ready)
  sending.socket.destroy()
})

t.test('a peer that gives an id of its own is taken at its word', async (t) => {
  const gateway = await smsc(t)
  await SmppEsmeSimulator.bind({
    port: gateway.port,
    systemId: 'peer-1',
    password: secretWord,
    answer: () => ({ status: 'ESME_ROK', messageId: 'its-own' }),
  })
  t.same(await submit(gateway.adapter, 1), { outcome: 'accepted', messageId: 'its-own' })
})
