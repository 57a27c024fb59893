import t from 'tap'
import { encodeDeliverSm } from '../adapters/smpp/encode.ts'
import { headerOf } from '../adapters/smpp/framing.ts'
import { encodePdu, encodeResponse, statusOf } from '../adapters/smpp/session-pdus.ts'
import { tag } from '../adapters/smpp/tlvs.ts'
import { GatewayError } from '../gateway/errors.ts'
import type { Report } from '../gateway/report.ts'
import { seeded } from '../simulators/seeded.ts'
import { deferred, esmeOf, RawPeer, rawCentre, smsc, textPdu, until } from './smpp-link-stage.ts'

const head = (length: number, id: number, sequence: number, status = 0): Buffer => {
  const octets = Buffer.alloc(16)
  ;[length, id, status, sequence].forEach((value, i) => {
    octets.writeUInt32BE(value, i * 4)
  })
  return octets
}

/** A PDU cut to so many octets, whose length says that this is all. */
const cutTo = (pdu: Buffer, octets: number): Buffer => {
  const cut = Buffer.from(pdu.subarray(0, octets))
  cut.writeUInt32BE(octets, 0)
  return cut
}

for (const [what, octets, sequence] of [
  ['0', head(0, 4, 7), 7],
  ['4', head(4, 4, 7), 7],
  ['8', head(8, 4, 7), 7],
  ['15', head(15, 4, 7), 7],
  ['15 and no more octets than that', head(15, 4, 7).subarray(0, 15), 0],
  ['16 MiB', head(16 * 1024 * 1024, 4, 7), 7],
  ['4 GiB', head(0xffff_ffff, 4, 7), 7],
] as const) {
  t.test(`a PDU of length ${what} is answered, kept, and ends the link; the peer binds again`, async (t) => {
    const gateway = await smsc(t)
    const peer = await RawPeer.bound(gateway.port)
    peer.send(Buffer.concat([textPdu(6, 'submit_sm'), octets]))
    t.equal(await peer.answer(6), 'submit_sm_resp ESME_ROK', 'what came before is stored')
    t.equal(await peer.answer(sequence), 'generic_nack ESME_RINVCMDLEN')
    await until('the link is closed', () => peer.closed)
    t.equal(gateway.read[1], 'DECODE_SYNTAX')
    t.match(gateway.accepted[1]?.envelope, { command: 'unframed', peer: 'peer-1', reason: /command_length/ })
    t.same(gateway.accepted[1]?.raw, octets, 'the row has what came')
    const again = await RawPeer.bound(gateway.port)
    again.send(textPdu(8, 'submit_sm'))
    t.equal(await again.answer(8), 'submit_sm_resp ESME_ROK')
  })
}

t.test('a centre that loses the frame is nacked, and its bind is down until it is made anew', async (t) => {
  const centre = await rawCentre(t)
  const gateway = await esmeOf(t, { port: centre.port })
  await gateway.adapter.start()
  const [first] = centre.peers
  first?.send(head(9, 5, 77))
  t.equal(await first?.answer(77), 'generic_nack ESME_RINVCMDLEN')
  await until('the link is down', () => gateway.links.at(-1)?.state === 'down')
  await gateway.adapter.stop()
  await gateway.adapter.start()
  centre.peers.at(-1)?.send(textPdu(78))
  t.equal(await centre.peers.at(-1)?.answer(78), 'deliver_sm_resp ESME_ROK')
  t.match(gateway.read, ['DECODE_SYNTAX', [{ kind: 'text' }]])
})

t.test('a body that is cut off anywhere is a dead letter, answered, and the next one lands', async (t) => {
  const gateway = await smsc(t)
  const peer = await RawPeer.bound(gateway.port)
  const whole = textPdu(1, 'submit_sm')
  for (let octets = 16; octets < whole.length; octets++) {
    const cut = cutTo(whole, octets)
    cut.writeUInt32BE(1000 + octets, 12)
    peer.send(cut)
    t.equal(await peer.answer(1000 + octets), 'submit_sm_resp ESME_RINVCMDLEN', `${octets} octets`)
  }
  peer.send(textPdu(2, 'submit_sm'))
  t.equal(await peer.answer(2), 'submit_sm_resp ESME_ROK')
  t.ok(gateway.read.slice(0, -1).every((one) => typeof one === 'string' && one.startsWith('DECODE_')))
  t.match(gateway.read.at(-1), [{ kind: 'text' }])
})

t.test('octet by octet, or all at once, the same PDUs come out with the same octets', async (t) => {
  const gateway = await smsc(t)
  const pdus = Array.from({ length: 5 }, (_, i) => textPdu(10 + i, 'submit_sm'))
  const whole = Buffer.concat(pdus)
  const peer = await RawPeer.bound(gateway.port)
  peer.socket.setNoDelay(true)
  for (const octet of whole) {
    peer.send(Buffer.of(octet))
    await new Promise(setImmediate)
  }
  await peer.answer(14)
  t.same(
    gateway.accepted.map(({ raw }) => Buffer.from(raw)),
    pdus,
  )
})

t.test(
  'a command that SMPP does not know, or that is not served, is nacked and kept; the next one lands',
  async (t) => {
    const gateway = await smsc(t)
    const peer = await RawPeer.bound(gateway.port)
    const query = encodePdu('query_sm', 21, { message_id: '1', source_addr: '10658' })
    peer.send(Buffer.concat([head(16, 0x7777, 20), query, textPdu(22, 'submit_sm')]))
    t.equal(await peer.answer(20), 'generic_nack ESME_RINVCMDID')
    t.equal(await peer.answer(21), 'generic_nack ESME_RINVCMDID')
    t.equal(await peer.answer(22), 'submit_sm_resp ESME_ROK')
    t.match(gateway.read, ['DECODE_UNSUPPORTED', 'DECODE_UNSUPPORTED', [{ kind: 'text' }]])
  },
)

t.test('a response to nothing is counted and changes nothing', async (t) => {
  const gateway = await smsc(t)
  const peer = await RawPeer.bound(gateway.port)
  const nothing = encodeResponse(5, 4711, 0, { message_id: 'x' })
  peer.send(Buffer.concat([nothing, encodePdu('generic_nack', 0, {}, 3), textPdu(30, 'submit_sm')]))
  t.equal(await peer.answer(30), 'submit_sm_resp ESME_ROK')
  t.same(
    gateway.refusals.map(({ reason }) => reason),
    ['a response to nothing', 'a response to nothing'],
  )
  t.equal(gateway.accepted.length, 1)
})

t.test(
  'a wrong password, a wrong name and a bind that is cut off are refused alike, counted, and let go',
  async (t) => {
    const gateway = await smsc(t)
    for (const [fields, says] of [
      [{ system_id: 'peer-1', password: 'wrong' }, 'bind_transceiver_resp ESME_RINVPASWD'],
      [{ system_id: 'nobody', password: 'wuhou' }, 'bind_transceiver_resp ESME_RINVPASWD'],
      [{ system_id: 'peer-1', password: '' }, 'bind_transceiver_resp ESME_RINVPASWD'],
    ] as const) {
      const peer = await RawPeer.dial(gateway.port)
      peer.send(Buffer.concat([encodePdu('bind_transceiver', 1, fields), textPdu(2, 'submit_sm')]))
      t.equal(await peer.answer(1), says)
      await until('it is let go', () => peer.closed)
    }
    const cut = await RawPeer.dial(gateway.port)
    cut.send(head(16, 9, 1))
    t.equal(await cut.answer(1), 'bind_transceiver_resp ESME_RINVCMDLEN')
    t.equal(gateway.refusals.length, 4)
    t.equal(gateway.accepted.length, 0)
    t.notMatch(JSON.stringify(gateway.refusals), /wuhou|wrong"/, 'no password is told')
  },
)

t.test('a second bind on one session is answered so, and the first one holds', async (t) => {
  const gateway = await smsc(t)
  const peer = await RawPeer.bound(gateway.port)
  peer.send(encodePdu('bind_receiver', 2, { system_id: 'peer-1', password: 'wuhou' }))
  t.equal(await peer.answer(2), 'bind_receiver_resp ESME_RALYBND')
  peer.send(textPdu(3, 'submit_sm'))
  t.equal(await peer.answer(3), 'submit_sm_resp ESME_ROK')
  t.match(gateway.refusals, [{ reason: 'a second bind on one session' }])
})

t.test('nothing is taken before the bind, nor of a receiver; a receipt is', async (t) => {
  const gateway = await smsc(t)
  const stranger = await RawPeer.dial(gateway.port)
  stranger.send(Buffer.concat([textPdu(1, 'submit_sm'), textPdu(2, 'data_sm'), encodePdu('enquire_link', 3)]))
  t.equal(await stranger.answer(1), 'submit_sm_resp ESME_RINVBNDSTS')
  t.equal(await stranger.answer(2), 'data_sm_resp ESME_RINVBNDSTS')
  t.equal(await stranger.answer(3), 'enquire_link_resp ESME_ROK')
  const receiver = await RawPeer.bound(gateway.port, 'receiver')
  receiver.send(Buffer.concat([textPdu(4, 'submit_sm'), textPdu(5, 'deliver_sm')]))
  t.equal(await receiver.answer(4), 'submit_sm_resp ESME_RINVBNDSTS')
  t.equal(await receiver.answer(5), 'deliver_sm_resp ESME_ROK')
  t.equal(gateway.accepted.length, 1)
})

t.test('who does not bind in time is let go, and more binds than a peer may have are refused', async (t) => {
  const peers = [{ systemId: 'peer-1', password: 'wuhou', binds: 1 }]
  const gateway = await smsc(t, { peers, limits: { helloWithin: '100ms', refusalDelay: '1ms' } })
  const silent = await RawPeer.dial(gateway.port)
  await until('it is let go', () => silent.closed)
  const first = await RawPeer.bound(gateway.port)
  const second = await RawPeer.bound(gateway.port)
  t.equal(await second.answer(1), 'bind_transceiver_resp ESME_RBINDFAIL')
  first.socket.destroy()
  const deadline = Date.now() + 20_000
  let answer = ''
  while (answer !== 'bind_transceiver_resp ESME_ROK' && Date.now() < deadline)
    answer = await (await RawPeer.bound(gateway.port)).answer(1)
  t.equal(answer, 'bind_transceiver_resp ESME_ROK', 'it may bind when the first is gone')
})

t.test('octets of strangers fill no table: one row a day for each address', async (t) => {
  const gateway = await smsc(t)
  for (const word of [
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a client that speaks TLS',
  ]) {
    const peer = await RawPeer.dial(gateway.port)
    peer.send(Buffer.from(word, 'latin1'))
    await until('it is let go', () => peer.closed)
    t.match(peer.heard, [{ header: { id: 0x8000_0000, status: statusOf('ESME_RINVCMDLEN') } }])
  }
  t.same(gateway.read, ['DECODE_SYNTAX'])
  t.equal(gateway.refusals.length, 3)
})

t.test('before the bind nobody has more than a bind taken', async (t) => {
  const gateway = await smsc(t)
  const peer = await RawPeer.dial(gateway.port)
  peer.send(head(2000, 9, 5))
  t.equal(await peer.answer(5), 'generic_nack ESME_RINVCMDLEN')
})

t.test('a flood is answered throttled, and all of it is stored when it is sent again', async (t) => {
  const peers = [{ systemId: 'peer-1', password: 'wuhou', perSecond: 50 }]
  const gateway = await smsc(t, { peers })
  const peer = await RawPeer.bound(gateway.port)
  const open = new Map(Array.from({ length: 120 }, (_, i) => [i + 10, textPdu(i + 10, 'submit_sm')] as const))
  let throttled = 0
  const deadline = Date.now() + 20_000
  for (let sequence = 1000; open.size > 0 && Date.now() < deadline; ) {
    const asked = [...open].map(([n, pdu]) => {
      const again = Buffer.from(pdu)
      again.writeUInt32BE(++sequence, 12)
      peer.send(again)
      return [n, sequence] as const
    })
    for (const [n, number] of asked) {
      const answer = await peer.answer(number)
      if (answer === 'submit_sm_resp ESME_ROK') open.delete(n)
      else if (answer === 'submit_sm_resp ESME_RTHROTTLED') throttled++
      else t.fail(answer)
    }
  }
  t.ok(throttled >= 70, `${throttled} were throttled`)
  t.equal(gateway.read.length, 120)
})

t.test('a full store throttles, a store that is away refuses for now; each in the words of the command', async (t) => {
  const gateway = await smsc(t)
  const peer = await RawPeer.bound(gateway.port)
  const cases = [
    ['STORE_FULL', 'submit_sm', 'submit_sm_resp ESME_RTHROTTLED'],
    ['STORE_FULL', 'deliver_sm', 'deliver_sm_resp ESME_RTHROTTLED'],
    ['STORE_UNAVAILABLE', 'submit_sm', 'submit_sm_resp ESME_RSYSERR'],
    ['STORE_UNAVAILABLE', 'data_sm', 'data_sm_resp ESME_RSYSERR'],
    ['STORE_UNAVAILABLE', 'deliver_sm', 'deliver_sm_resp ESME_RX_T_APPN'],
  ] as const
  for (const [i, [code, carrier, says]] of cases.entries()) {
    gateway.answer = () => Promise.reject(new GatewayError(code, 'the test says so'))
    peer.send(textPdu(50 + i, carrier))
    t.equal(await peer.answer(50 + i), says)
  }
  gateway.answer = null
  peer.send(textPdu(60, 'submit_sm'))
  t.equal(await peer.answer(60), 'submit_sm_resp ESME_ROK')
})

t.test('with the window full of messages being stored, the peer is not read; nothing is lost', async (t) => {
  const gateway = await smsc(t, { limits: { unacknowledged: 5 } })
  const peer = await RawPeer.bound(gateway.port)
  const gate = deferred<void>()
  gateway.answer = () => gate.promise.then(() => 'stored')
  for (let n = 100; n < 140; n++) peer.send(textPdu(n, 'submit_sm'))
  await until('the window is full', () => gateway.accepted.length === 5)
  const other = await RawPeer.bound(gateway.port, 'transceiver', 'peer-2')
  other.send(textPdu(200, 'submit_sm'))
  await until('others are read', () => gateway.accepted.length === 6)
  t.equal(peer.heard.length, 1, 'nothing is answered before it is stored')
  gate.resolve()
  for (let n = 100; n < 140; n++) t.equal(await peer.answer(n), 'submit_sm_resp ESME_ROK')
  t.same(
    gateway.accepted
      .filter(({ envelope }) => envelope.peer === 'peer-1')
      .map(({ raw }) => headerOf(Buffer.from(raw)).sequence),
    Array.from({ length: 40 }, (_, i) => 100 + i),
  )
})

t.test('what was taken is answered when the peer has said its last word, or unbinds', async (t) => {
  const gateway = await smsc(t)
  const gate = deferred<void>()
  gateway.answer = () => gate.promise.then(() => 'stored')
  const [closing, leaving] = [await RawPeer.bound(gateway.port), await RawPeer.bound(gateway.port)]
  closing.socket.end(textPdu(70, 'submit_sm'))
  leaving.send(Buffer.concat([textPdu(71, 'submit_sm'), encodePdu('unbind', 72), textPdu(73, 'submit_sm')]))
  await until('both are being stored', () => gateway.accepted.length === 2)
  gate.resolve()
  t.equal(await closing.answer(70), 'submit_sm_resp ESME_ROK')
  t.equal(await leaving.answer(71), 'submit_sm_resp ESME_ROK')
  t.equal(await leaving.answer(72), 'unbind_resp ESME_ROK')
  await until('both are closed', () => closing.closed && leaving.closed)
  t.equal(gateway.accepted.length, 2, 'nothing after the unbind')
})

t.test('a peer that does not read what it is sent is closed before it fills the memory', async (t) => {
  const gateway = await smsc(t, { responseTimeout: '200ms' })
  const peer = await RawPeer.bound(gateway.port)
  peer.socket.pause()
  const burst = Buffer.concat(Array.from({ length: 20_000 }, (_, i) => encodePdu('enquire_link', i + 10)))
  const deadline = Date.now() + 20_000
  while (!peer.socket.destroyed && Date.now() < deadline) {
    if (peer.socket.writableLength < burst.length) peer.socket.write(burst)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.ok(peer.socket.destroyed, 'it is closed')
})

t.test('spoilt octets end no more than their own link, and every PDU that could be cut is answered', async (t) => {
  const gateway = await smsc(t)
  const random = seeded(20261125)
  const steady = await RawPeer.bound(gateway.port, 'transceiver', 'peer-2')
  for (let round = 0; round < 150; round++) {
    const peer = await RawPeer.bound(gateway.port)
    const carriers = ['submit_sm', 'deliver_sm', 'data_sm'] as const
    const sound = Array.from({ length: 4 }, (_, i) => textPdu(100 + i, carriers[Math.floor(random() * 3)], 100 + i))
    const spoilt = Buffer.concat(sound)
    for (let n = Math.floor(random() * 6); n >= 0; n--)
      spoilt[Math.floor(random() * spoilt.length)] = Math.floor(random() * 256)
    peer.send(spoilt.subarray(0, Math.floor(random() * spoilt.length * 1.3)))
    peer.socket.end()
    await until('the link ends', () => peer.closed)
    steady.send(textPdu(round, 'submit_sm', 1000 + round))
    t.equal(await steady.answer(1000 + round), 'submit_sm_resp ESME_ROK')
  }
  t.ok(gateway.read.length > 300, `${gateway.read.length} were read`)
  t.ok(gateway.read.every((one) => typeof one !== 'string' || one.startsWith('DECODE_')))
  await gateway.adapter.stop()
})

t.test('a text of nothing and one of 64 kB are texts', async (t) => {
  const gateway = await smsc(t)
  const peer = await RawPeer.bound(gateway.port)
  const [source, destination] = [
    { ton: 1, npi: 1, digits: '8613800138000' },
    { ton: 0, npi: 1, digits: '10658' },
  ]
  const tlvs = new Map([[tag.messagePayload, Buffer.alloc(65_535, 'a')]])
  peer.send(encodeDeliverSm({ carrier: 'submit_sm', source, destination, octets: Buffer.alloc(0) }, 2))
  peer.send(encodeDeliverSm({ carrier: 'data_sm', source, destination, octets: Buffer.alloc(0), tlvs }, 3))
  t.equal(await peer.answer(2), 'submit_sm_resp ESME_ROK')
  t.equal(await peer.answer(3), 'data_sm_resp ESME_ROK')
  const [[nothing], [long]] = gateway.read.map((one) => (typeof one === 'string' ? [] : one)) as [Report[], Report[]]
  t.match(nothing, { kind: 'text', text: '' })
  t.equal(long?.kind === 'text' && long.text?.length, 65_535)
})
