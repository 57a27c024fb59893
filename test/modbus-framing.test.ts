import t from 'tap'
import { crc16 } from '../adapters/modbus/crc.ts'
import { encodeRtu, encodeTcp, seekRtu, seekTcp, splitRequests } from '../adapters/modbus/framing.ts'
import { decodeAnswer, encodeAnswer, encodeRequest } from '../adapters/modbus/pdu.ts'
import { planRequests } from '../adapters/modbus/plan.ts'
import { registerMap } from '../adapters/modbus/register-map.ts'
import { seeded } from '../simulators/seeded.ts'

const wanted = { transaction: 7, unit: 3, fn: 3 }
const answer = encodeAnswer(3, Buffer.from('00010002', 'hex'))
const none = Buffer.alloc(0)

t.test('the example of the serial-line guide has the checksum it says', async (t) => {
  t.equal(crc16(Buffer.from('0207', 'hex')), 0x1241)
})

for (const [name, seek, frame, other] of [
  ['tcp', seekTcp, encodeTcp(7, 3, answer), encodeTcp(6, 3, answer)],
  ['rtu', seekRtu, encodeRtu(3, answer), encodeRtu(4, answer)],
] as const) {
  t.test(`${name}: an answer is found however it is cut, and nothing before it is whole`, async (t) => {
    for (let cut = 0; cut < frame.length; cut++) {
      const { pdu, rest } = seek(frame.subarray(0, cut), wanted)
      t.equal(pdu, null)
      t.same(seek(Buffer.concat([rest, frame.subarray(cut)]), wanted).pdu, answer, `cut at ${cut}`)
    }
  })

  t.test(`${name}: what is not the answer is passed over, and said`, async (t) => {
    for (const before of [
      frame.subarray(0, 5),
      other,
      Buffer.from('HTTP/1.1 400 Bad Request\r\n'),
      Buffer.concat([other, other]),
    ]) {
      if (before === other) t.equal(seek(other, wanted).strays.length, 1)
      const { pdu, rest } = seek(Buffer.concat([before, frame]), wanted)
      t.same(pdu, answer, before.toString('latin1'))
      t.same(rest, none)
    }
  })

  t.test(`${name}: no noise makes it throw`, async (t) => {
    const next = seeded(4711)
    for (let i = 0; i < 3000; i++) {
      const noise = Buffer.from(
        Array.from({ length: Math.floor(next() * 40) }, () => Math.floor(next() * (next() < 0.5 ? 8 : 256))),
      )
      const { pdu } = seek(Buffer.concat([noise, frame]), wanted)
      if (pdu === null) continue
      t.ok(pdu.length > 0)
    }
  })
}

t.test('requests are split as units hear them', async (t) => {
  const pdu = encodeRequest({ fn: 3, address: 10, count: 2 })
  const tcp = Buffer.concat([encodeTcp(1, 9, pdu), encodeTcp(2, 9, pdu)])
  t.match(splitRequests(tcp, 'tcp').requests, [
    { unit: 9, transaction: 1 },
    { unit: 9, transaction: 2 },
  ])
  const { requests, rest } = splitRequests(
    Buffer.concat([Buffer.from([0xff]), encodeRtu(9, pdu), encodeRtu(9, pdu).subarray(0, 3)]),
    'rtu',
  )
  t.match(requests, [{ unit: 9, pdu }])
  t.equal(rest.length, 3)
})

t.test('an answer must be as long as it was asked for', async (t) => {
  const request = { fn: 3, address: 0, count: 2 } as const
  t.same(decodeAnswer(request, answer).said, { data: Buffer.from('00010002', 'hex'), code: null })
  t.same(decodeAnswer(request, Buffer.from('8302', 'hex')).said, { data: null, code: 2 })
  for (const bad of ['', '03', '0302', '03020001', '030400010002'.slice(0, 8), '0404000100'])
    t.throws(() => decodeAnswer(request, Buffer.from(bad, 'hex')), { code: 'DECODE_SYNTAX' }, bad)
})

t.test('neighbours are read together, within the gap and the most', async (t) => {
  const plan = (more: object, ...points: object[]) =>
    planRequests(
      registerMap.parse({ ...more, points: points.map((one, i) => ({ point: `p${i}`, function: 'holding', ...one })) }),
    )
  const far = [{ address: 0 }, { address: 9, type: 'f32' }, { address: 20 }]
  t.same(plan({}, ...far), [
    { fn: 3, address: 0, count: 11 },
    { fn: 3, address: 20, count: 1 },
  ])
  t.equal(plan({ gap: 0 }, ...far).length, 3)
  t.equal(plan({ gap: 9 }, ...far).length, 1)
  t.same(plan({ most: 2 }, { address: 0 }, { address: 1 }, { address: 2, type: 'f64' }), [
    { fn: 3, address: 0, count: 2 },
    { fn: 3, address: 2, count: 4 },
  ])
  t.same(
    plan({}, { address: 4, function: 'coil' }, { address: 5, function: 'input' }, { address: 5, function: 'coil' }),
    [
      { fn: 1, address: 4, count: 2 },
      { fn: 4, address: 5, count: 1 },
    ],
  )
  const many = Array.from({ length: 300 }, (_, address) => ({ address }))
  t.same(
    plan({}, ...many).map(({ count }) => count),
    [125, 125, 50],
  )
})
