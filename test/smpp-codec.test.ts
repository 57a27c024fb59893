import t from 'tap'
import { readShortMessage } from '../adapters/smpp/short-message.ts'
import { citizen, city, decoded, delivery, outcome, recorded, textIn } from './smpp-stage.ts'

/** The recorded UCS-2 text, whose fields lie where the table of clause 4.6.1 puts them. */
const plain = recorded('ucs2-with-emoji').pdus[0] ?? Buffer.alloc(0)

/** The PDU with one span replaced, its command_length made right again. */
function spoilt(from: number, to: number, by: Buffer): Buffer {
  const bytes = Buffer.concat([plain.subarray(0, from), by, plain.subarray(to)])
  bytes.writeUInt32BE(bytes.length, 0)
  return bytes
}

const at = { source: 19, schedule: 47, smLength: 53, text: 54 } as const

function tlv(key: number, value: string): Buffer {
  const octets = Buffer.from(value, 'hex')
  const head = Buffer.alloc(4)
  head.writeUInt16BE(key, 0)
  head.writeUInt16BE(octets.length, 2)
  return Buffer.concat([head, octets])
}

const withTail = (tail: Buffer) => spoilt(plain.length, plain.length, tail)

t.test('a PDU whose length is not its own is no PDU', async (t) => {
  t.match(outcome(plain.subarray(0, 15)), /^DECODE_SYNTAX .*PDU of 15 octets/)
  t.match(outcome(Buffer.alloc(0)), /^DECODE_SYNTAX .*PDU of 0 octets/)
  t.match(outcome(plain.subarray(0, 40)), /^DECODE_SYNTAX .*command_length 86 of a PDU of 40/)
  t.match(outcome(Buffer.concat([plain, Buffer.from([0])])), /^DECODE_SYNTAX .*command_length 86 of a PDU of 87/)
})

t.test('a command that carries nothing is not read', async (t) => {
  const enquire = Buffer.from('00000010000000150000000000000001', 'hex')
  t.match(outcome(enquire), /^DECODE_UNSUPPORTED .*command_id 0x00000015/)
})

t.test('a body that is cut off anywhere names the field', async (t) => {
  const fields = new Set<string>()
  for (let length = 16; length < plain.length; length++) {
    const cut = Buffer.from(plain.subarray(0, length))
    cut.writeUInt32BE(length, 0)
    const said = outcome(cut)
    if (typeof said !== 'string') t.fail(`cut after ${length} octets it is read all the same`)
    t.match(said, /^DECODE_FIELD .*SMPP: \w+ (ends after|says)/)
    fields.add(/SMPP: (\w+)/.exec(String(said))?.[1] ?? '')
  }
  t.strictSame(
    [...fields],
    [
      ...['service_type', 'source_addr_ton', 'source_addr_npi', 'source_addr'],
      ...['destination_addr_ton', 'destination_addr_npi', 'destination_addr', 'esm_class', 'protocol_id'],
      ...['priority_flag', 'schedule_delivery_time', 'validity_period', 'registered_delivery'],
      ...['replace_if_present_flag', 'data_coding', 'sm_default_msg_id', 'sm_length'],
    ],
  )
})

t.test('strings are as long as their tables allow, and not longer', async (t) => {
  const digits = (count: number) => Buffer.from('1'.repeat(count))
  const source = (count: number) => spoilt(at.source, at.source + 13, digits(count))
  t.match(decoded(source(20)), [{ subject: `tel:+${'1'.repeat(15)}` }])
  t.match(outcome(source(21)), /^DECODE_FIELD .*source_addr is longer than 21 octets/)
  t.notMatch(outcome(source(21)), /11111/, 'a number is not quoted')
  t.match(outcome(spoilt(16, 17, Buffer.from('CMT123\0'))), /service_type is longer than 6 octets/)
  t.match(
    outcome(spoilt(at.schedule, at.schedule + 1, Buffer.from('2611250845000000+\0'))),
    /schedule_delivery_time is longer than 17/,
  )
  const data = recorded('data-sm').pdus[0] ?? Buffer.alloc(0)
  const long = Buffer.concat([data.subarray(0, 19), digits(64), data.subarray(32)])
  long.writeUInt32BE(long.length, 0)
  t.match(decoded(long), [{ kind: 'text', text: '路灯不亮' }], 'data_sm takes 64')
})

t.test('a sender must be there, and be somebody', async (t) => {
  const source = (text: string) => spoilt(at.source, at.source + 13, Buffer.from(text))
  t.match(outcome(source('')), /^DECODE_FIELD .*source_addr ""/)
  t.match(outcome(source('+')), /^DECODE_FIELD .*source_addr "\+"/)
  t.match(outcome(source('- ')), /^DECODE_FIELD .*source_addr "- "/)
  t.match(outcome(source('139\x1b')), /^DECODE_FIELD .*source_addr holds the octet 0x1b/)
  t.match(outcome(source('139\x7f')), /holds the octet 0x7f/)
  t.match(decoded(source('城管')), [{ subject: 'tel:城管' }])
  t.match(decoded(source('X')), [{ subject: 'tel:X' }])
})

t.test('a national number is made international, an unknown TON is no claim', async (t) => {
  const from = (digits: string, ton: number) => decoded(delivery('x', { source: { ton, npi: 1, digits } }))
  t.match(from('13800138000', 2), [{ subject: 'tel:+8613800138000' }])
  t.match(from('8613800138000', 0), [{ subject: 'tel:+8613800138000' }])
  t.match(from('4915112345678', 1), [{ subject: 'tel:+4915112345678' }])
  t.match(from('12319', 0), [{ subject: 'tel:12319' }])
})

t.test('what it was written to comes as it came, or not at all', async (t) => {
  t.match(decoded(delivery('x', { destination: { ...city, digits: '1065750199' } })), [{ to: '1065750199' }])
  t.match(decoded(delivery('x', { destination: { ...city, digits: '' } })), [{ to: null }])
})

t.test('sm_length that says more than is there is an error', async (t) => {
  const longer = Buffer.from(plain)
  longer[at.smLength] = 33
  t.equal(readShortMessage(plain).octets.length, plain.length - at.text)
  t.match(outcome(longer), /^DECODE_FIELD .*sm_length says 33 octets, 32 are left/)
})

t.test('TLVs must fit; what no one reads may be anything', async (t) => {
  t.match(outcome(withTail(Buffer.from('020c0002', 'hex'))), /sar_msg_ref_num says 2 octets, 0 are left/)
  t.match(outcome(withTail(Buffer.from('0204ff', 'hex'))), /^DECODE_FIELD .*TLV ends after "0204ff"/)
  t.match(outcome(withTail(Buffer.from('14030010aa', 'hex'))), /TLV 0x1403 says 16 octets, 1 are left/)
  t.match(outcome(withTail(tlv(0x020b, '84'))), /destination_port has 1 octets, not 2: "84"/)
  t.equal(textIn(decoded(withTail(tlv(0x1403, 'deadbeef')))), '文昌中路120号门口井盖丢了😀')
  t.equal(textIn(decoded(withTail(Buffer.from([0])))), '文昌中路120号门口井盖丢了😀', 'a NUL behind the text')
})

t.test('a text in message_payload is as good, up to 64 kB', async (t) => {
  const text = '路'.repeat(32_767)
  const payload = new Map([[0x0424, Buffer.from(text, 'utf16le').swap16()]])
  t.equal(textIn(decoded(delivery('', { dataCoding: 8, tlvs: payload }))), text)
  t.equal(textIn(decoded(delivery('short', { tlvs: new Map([[0x0424, Buffer.alloc(0)]]) }))), 'short')
})

t.test('two texts in one PDU: the longer one goes on, and a row says so', async (t) => {
  const both = decoded(delivery('short', { tlvs: new Map([[0x0424, Buffer.from('a longer one')]]) }))
  t.match(both, [
    { kind: 'text', text: 'a longer one' },
    {
      kind: 'malformed',
      index: 1,
      code: 'DECODE_FIELD',
      detail: /short_message of 5 octets beside message_payload of 12/,
    },
  ])
  t.equal(decoded(delivery('same', { tlvs: new Map([[0x0424, Buffer.from('same')]]) })).length, 1)
})

const withHeader = (header: string, text = 'x', more = {}) =>
  delivery(Buffer.concat([Buffer.from(header, 'hex'), Buffer.from(text)]), { esmClass: 0x40, ...more })

t.test('a header that lies about its length is an error that says so', async (t) => {
  t.match(outcome(delivery('', { esmClass: 0x40 })), /^DECODE_FIELD .*UDH says 0 octets, 0 are there/)
  t.match(outcome(withHeader('ff0003110301')), /^DECODE_FIELD .*UDH says 255 octets, 6 are there/)
  t.match(outcome(withHeader('0400031103', '')), /UDH element 00 says 3 octets, 2 are left/)
  t.match(outcome(withHeader('050004110301', '')), /UDH element 00 says 4 octets, 3 are left/)
  t.match(outcome(withHeader('06000311030124', '')), /UDH element 24 has no length/)
  t.match(outcome(withHeader('04000211ff')), /UDH element 00 has 2 octets, not 3: "11ff"/)
  t.match(outcome(withHeader('0508031103010a')), /UDH element 08 has 3 octets, not 4/)
  t.match(outcome(withHeader('0405020b84')), /UDH element 05 has 2 octets, not 4/)
})

t.test('several elements stand in one header, in any order', async (t) => {
  t.match(decoded(withHeader('09240101080412670201')), [{ kind: 'part', reference: 'udh16:4711', total: 2, number: 1 }])
  t.match(decoded(withHeader('0a00031102010003120202')), [{ reference: 'udh8:18', number: 2 }])
  t.match(decoded(withHeader('0404020af5', 'abc')), [{ kind: 'datagram', port: 10, content: Buffer.from('abc') }])
  t.match(decoded(withHeader('00', 'abc')), [{ kind: 'text', text: 'abc' }])
})

t.test('a part that cannot be is read as a whole text, and a row says why', async (t) => {
  for (const [header, says] of [
    ['050003110309', /part 9 of 3 \(udh8:17\)/],
    ['050003110300', /part 0 of 3/],
    ['050003110001', /part 1 of 0/],
  ] as const) {
    const reports = decoded(withHeader(header, 'the text'))
    t.match(reports, [
      { kind: 'text', text: 'the text' },
      { kind: 'malformed', index: 1, code: 'DECODE_FIELD', detail: says },
    ])
  }
})

t.test('part 1 of 1 is whole; part 255 of 255 is a part', async (t) => {
  t.strictSame(
    decoded(withHeader('050003110101', 'the text')).map(({ kind }) => kind),
    ['text'],
  )
  t.match(decoded(withHeader('05000311ffff')), [{ kind: 'part', total: 255, number: 255 }])
})

t.test('segmentation TLVs count when all three are there; a header outweighs them', async (t) => {
  const sar = (...entries: [number, string][]) => new Map(entries.map(([key, hex]) => [key, Buffer.from(hex, 'hex')]))
  const all = sar([0x020c, '012c'], [0x020e, '02'], [0x020f, '01'])
  t.match(decoded(delivery('x', { tlvs: all })), [{ kind: 'part', reference: 'sar:300', total: 2, number: 1 }])
  t.match(decoded(withHeader('050003110302', 'x', { tlvs: all })), [{ kind: 'part', reference: 'udh8:17', number: 2 }])
  t.match(decoded(delivery('x', { tlvs: sar([0x020c, '012c'], [0x020e, '02']) })), [
    { kind: 'text', text: 'x' },
    { kind: 'malformed', detail: /part 0 of 2 \(sar:300\)/ },
  ])
  t.match(decoded(delivery('x', { tlvs: sar([0x020e, '02'], [0x020f, '01']) })), [
    { kind: 'text', text: 'x' },
    { kind: 'malformed', detail: /part 1 of 2 \(sar:\?\)/ },
  ])
  t.strictSame(
    decoded(delivery('x', { tlvs: sar([0x020c, '012c'], [0x020e, '01'], [0x020f, '01']) })).map(({ kind }) => kind),
    ['text'],
  )
})

t.test('a dialogue that is over says nothing', async (t) => {
  t.strictSame(decoded(delivery('', { esmClass: 0x18 })), [])
  t.equal(textIn(decoded(delivery('bye', { esmClass: 0x18 }))), 'bye')
})

t.test('what somebody writes with an acknowledgement is a text', async (t) => {
  t.equal(textIn(decoded(delivery('thank you', { esmClass: 0x10 }))), 'thank you')
  t.match(decoded(delivery('', { source: citizen })), [{ kind: 'text', text: '', missingParts: [] }])
})
