import t from 'tap'
import { contentKey } from '../adapters/smpp/content-key.ts'
import { receiptedIdForms, submittedIdForms } from '../adapters/smpp/message-ids.ts'
import {
  clockTime,
  encodeReceipt,
  type ReceiptToWrite,
  readReceiptText,
  type StateWord,
  states,
} from '../adapters/smpp/receipt-text.ts'
import { readShortMessage } from '../adapters/smpp/short-message.ts'
import { seeded } from '../simulators/seeded.ts'
import { citizen, city, decoded, delivery, outcome } from './smpp-stage.ts'

const receipt = (text: string, more = {}) => delivery(text, { esmClass: 0x04, ...more })

const written: ReceiptToWrite = {
  source: citizen,
  destination: city,
  id: '0A1B2C3D',
  state: 'DELIVRD',
  error: '000',
  submittedAt: new Date('2026-11-25T08:45:00Z'),
  doneAt: new Date('2026-11-25T08:46:00Z'),
  text: 'Manhole cover repair',
  form: 'both',
  reference: 4711,
}

const meant: Readonly<Record<StateWord, string | null>> = {
  ENROUTE: null,
  DELIVRD: 'delivered',
  EXPIRED: 'expired',
  DELETED: 'undeliverable',
  UNDELIV: 'undeliverable',
  ACCEPTD: 'accepted',
  UNKNOWN: 'unknown',
  REJECTD: 'rejected',
}

t.test('every state is the same in the text, in the TLVs and in both', async (t) => {
  for (const state of Object.keys(states) as StateWord[]) {
    for (const form of ['text', 'tlvs', 'both'] as const) {
      const [report] = decoded(encodeReceipt({ ...written, state, form }, 1))
      t.match(
        report,
        { kind: 'delivery', state: meant[state], account: 'aggregator', reference: 4711 },
        `${state} ${form}`,
      )
      t.match(report, { messageIds: ['0A1B2C3D'], subject: 'tel:+8613800138000' })
    }
  }
})

t.test('the time of a receipt is that of the centre, where its clock is known', async (t) => {
  const pdu = encodeReceipt({ ...written, form: 'text' }, 1)
  t.match(decoded(pdu, { clockOffsetMinutes: 0 }), [{ deviceTime: new Date('2026-11-25T08:46:00Z') }])
  t.match(decoded(pdu, { clockOffsetMinutes: 480 }), [{ deviceTime: new Date('2026-11-25T00:46:00Z') }])
  t.match(decoded(pdu, { clockOffsetMinutes: null }), [{ deviceTime: null }])
  t.strictSame(clockTime('261125084633', 0), new Date('2026-11-25T08:46:33Z'))
  t.strictSame(clockTime('20261125084633', 0), new Date('2026-11-25T08:46:33Z'))
  for (const bad of ['2602310845', '2613010845', '2611252545', '26112508', 'never', ''])
    t.equal(clockTime(bad, 0), null)
})

t.test('texts of receipts deviate, and are read all the same', async (t) => {
  const read = (text: string) => {
    const { id, stat, err, doneDate } = readReceiptText(text)
    return [id, stat, err, doneDate]
  }
  t.strictSame(read('ID:42 SUB:001 DLVRD:001 SUBMIT DATE:2611250845 DONE DATE:2611250846 STAT:delivrd ERR:000 TEXT:'), [
    ...['42', 'delivrd', '000', '2611250846'],
  ])
  t.strictSame(read('id:42 stat:UNDELIV'), ['42', 'UNDELIV', null, null])
  t.strictSame(read('id: 42 sub: 001 done  date : 2611250846 stat : EXPIRED err: text: x'), [
    '42',
    'EXPIRED',
    null,
    '2611250846',
  ])
  t.strictSame(read('id: sub:001 stat:DELIVRD err:1'), [null, 'DELIVRD', '1', null])
  t.strictSame(read('id:42 stat:DELIVRD err:000 text:stat:UNDELIV id:7'), ['42', 'DELIVRD', '000', null])
  t.strictSame(read('text:hello id:42 stat:DELIVRD'), ['42', 'DELIVRD', null, null])
  t.strictSame(read('id:42 text:id:7 err:9'), ['42', null, null, null])
  t.strictSame(read('submitid:9 id:42 stat:DELIVRD'), ['42', 'DELIVRD', null, null])
  t.strictSame(read('id:a_b-c.d/e stat:DELIVRD'), ['a_b-c.d/e', 'DELIVRD', null, null])
  t.strictSame(read('Your message has arrived'), [null, null, null, null])
})

t.test('a receipt is written as the appendix has it', async (t) => {
  const text = (state: StateWord) =>
    readShortMessage(encodeReceipt({ ...written, state, form: 'text' }, 1)).octets.toString()
  t.equal(readShortMessage(encodeReceipt(written, 1)).esmClass, 0x04)
  const dates = 'submit date:2611250845 done date:2611250846'
  const tail = 'err:000 text:Manhole cover repair'
  t.equal(text('DELIVRD'), `id:0A1B2C3D sub:001 dlvrd:001 ${dates} stat:DELIVRD ${tail}`)
  t.equal(text('EXPIRED'), `id:0A1B2C3D sub:001 dlvrd:000 ${dates} stat:EXPIRED ${tail}`)
})

t.test('codes of vendors are unknown states, and kept', async (t) => {
  t.match(decoded(receipt('id:42 stat:MA:0022 err:007')), [{ state: 'unknown', error: 'MA:0022 007' }])
  t.match(decoded(receipt('id:42 stat:DELIVERED')), [{ state: 'delivered', error: null }])
  t.match(decoded(receipt('id:42 stat:UNDELIVERABLE err:12')), [{ state: 'undeliverable', error: '12' }])
  t.match(decoded(receipt('id:42 sub:001')), [{ state: 'unknown', error: null }], 'no state at all')
  const tlvs = (state: number) =>
    new Map([
      [0x001e, Buffer.from('42')],
      [0x0427, Buffer.from([state])],
    ])
  t.match(decoded(receipt('', { tlvs: tlvs(99) })), [{ state: 'unknown', error: 'message_state 99' }])
  t.match(
    decoded(receipt('id:42 stat:DELIVRD err:000', { tlvs: tlvs(5) })),
    [{ state: 'undeliverable' }],
    'the TLV holds',
  )
  t.match(
    decoded(receipt('id:42 stat:DELIVRD err:000', { tlvs: tlvs(7) })),
    [{ state: 'delivered' }],
    'unless it is vague',
  )
})

t.test('an intermediate notification settles nothing but good news', async (t) => {
  const intermediate = (stat: string) => decoded(delivery(`id:42 stat:${stat} err:027`, { esmClass: 0x20 }))
  t.match(intermediate('UNDELIV'), [{ kind: 'delivery', state: null, error: '027' }])
  t.match(intermediate('ENROUTE'), [{ state: null }])
  t.match(intermediate('DELIVRD'), [{ state: 'delivered' }])
})

t.test('what only reads like a receipt is a text', async (t) => {
  const forged = 'id:42 sub:001 dlvrd:001 stat:DELIVRD err:000 text:'
  t.match(decoded(delivery(forged)), [{ kind: 'text', text: forged }])
  t.match(decoded(delivery(forged, { tlvs: new Map([[0x001e, Buffer.from('42\0')]]) })), [{ kind: 'text' }])
  const tlvs = new Map([
    [0x001e, Buffer.from('42\0')],
    [0x0427, Buffer.from([2])],
  ])
  t.match(decoded(delivery('', { tlvs })), [{ kind: 'delivery', messageIds: ['42'] }], 'both TLVs are a centre’s')
  t.match(decoded(delivery('id:42 stat:DELIVRD', { esmClass: 0x08 })), [{ kind: 'delivery' }])
  t.match(decoded(delivery('id:42 stat:DELIVRD', { esmClass: 0x10 })), [{ kind: 'delivery' }])
  t.match(decoded(delivery('thanks', { esmClass: 0x08 })), [{ kind: 'text' }])
  t.match(decoded(delivery('my id: 42', { esmClass: 0x08 })), [{ kind: 'text' }])
})

t.test('a receipt that names no message is an error', async (t) => {
  t.match(outcome(receipt('arrived')), /^DECODE_FIELD .*receipt names no message/)
  t.match(outcome(receipt('id:\x01 stat:DELIVRD')), /^DECODE_FIELD .*receipt names no message/)
  const reference = new Map([[0x0204, Buffer.from([0, 9])]])
  t.match(decoded(receipt('stat:DELIVRD', { tlvs: reference })), [{ messageIds: [], reference: 9, state: 'delivered' }])
  t.match(
    outcome(receipt('id:1 stat:DELIVRD', { source: { ...citizen, digits: '' }, destination: { ...city, digits: '' } })),
    /empty/,
  )
})

t.test('a receipt that kept its submission’s direction is about whom the text went to', async (t) => {
  const longNumber = { ...city, digits: '1065750112345' }
  const turned = receipt('id:1 stat:DELIVRD', { source: longNumber, destination: citizen })
  t.match(decoded(turned, { ownNumber: '10657501' }), [{ subject: 'tel:+8613800138000' }])
  t.match(decoded(receipt('id:1 stat:DELIVRD', { destination: longNumber })), [{ subject: 'tel:+8613800138000' }])
  const usual = receipt('id:1 stat:DELIVRD', { source: citizen, destination: longNumber })
  t.match(decoded(usual, { ownNumber: '10657501' }), [{ subject: 'tel:+8613800138000' }])
})

t.test('ids meet however the centre writes them', async (t) => {
  const meets = (response: string, given: string, forms: Parameters<typeof receiptedIdForms>[1]) => {
    const one = receiptedIdForms(given, forms).includes(response)
    t.equal(submittedIdForms(response, forms).includes(given), one, `${response} ${given}: both ways say the same`)
    return one
  }
  for (const [response, given] of [
    ['0A1B2C3D', '169552957'],
    ['a1b2c3d', '169552957'],
    ['169552957', '0A1B2C3D'],
    ['169552957', 'a1b2c3d'],
    ['0000000123', '123'],
    ['123', '0000000123'],
    ['0a1b2c3d', '0A1B2C3D'],
    ['ab54a98ceb1f0ad2', '12345678901234567890'],
    ['12345678901234567890', 'AB54A98CEB1F0AD2'],
    ['aa2d6474-e39f-4990-b9d9-d5dc35cf1110', 'AA2D6474-E39F-4990-B9D9-D5DC35CF1110'],
    ['12345678', '305419896'],
  ] as const) {
    t.ok(meets(response, given, 'either'), `${response} in the response, ${given} in the receipt`)
  }
  t.ok(meets('0A1B2C3D', '169552957', 'hex-to-decimal'))
  t.notOk(meets('169552957', '0A1B2C3D', 'hex-to-decimal'))
  t.ok(meets('169552957', '0A1B2C3D', 'decimal-to-hex'))
  t.notOk(meets('0A1B2C3D', '169552957', 'decimal-to-hex'))
  t.notOk(meets('0A1B2C3D', '169552957', 'same'))
  t.notOk(meets('16', '10', 'same'))
  t.notOk(meets('16', '10', 'hex-to-decimal'))
  t.ok(meets('a', '10', 'hex-to-decimal'))
  t.equal(receiptedIdForms('10', 'either')[0], '10', 'the same text comes first')
})

t.test('ids of a centre that counts meet their own receipts alone, where its form is configured', async (t) => {
  const random = seeded(7)
  const start = Math.floor(random() * 0x7fff_0000)
  const numbers = Array.from({ length: 500 }, (_, n) => start + n)
  const responses = new Set(numbers.map((one) => one.toString(16).padStart(8, '0')))
  for (const one of numbers) {
    const known = receiptedIdForms(String(one), 'hex-to-decimal').filter((id) => responses.has(id))
    if (known.length !== 1 || Number.parseInt(known[0] ?? '', 16) !== one) t.fail(`${one}: ${known}`)
  }
  t.pass('500 receipts')
})

t.test('a receipt that comes again has its key, whenever the centre says it was', async (t) => {
  const pdu = (changed: Partial<ReceiptToWrite>) => contentKey(encodeReceipt({ ...written, ...changed }, 9))
  const later = { doneAt: new Date('2026-11-25T09:00:00Z') }
  t.equal(pdu(later), pdu({}))
  t.equal(pdu({ ...later, form: 'text' }), pdu({ form: 'text' }))
  for (const other of [{ id: '0A1B2C3E' }, { state: 'UNDELIV' }, { error: '027' }, { reference: 4712 }] as const) {
    t.not(pdu(other), pdu({}))
  }
})

t.test('a text that comes again has its key, another one another', async (t) => {
  const plain = contentKey(delivery('x'))
  const same = [{ priority: 3 }, { protocolId: 1 }, { validity: '000001000000000R' }, { registeredDelivery: 1 }]
  for (const more of [...same, { esmClass: 0x03 }, { esmClass: 0x80 }, { source: { ...citizen, ton: 0, npi: 0 } }]) {
    t.equal(contentKey(delivery('x', more)), plain, JSON.stringify(more))
  }
  const other = [{ source: { ...citizen, digits: '8613800138001' } }, { destination: citizen }, { dataCoding: 1 }]
  const parts = [0x020a, 0x020f].flatMap((key) => [1, 2].map((n) => ({ tlvs: new Map([[key, Buffer.from([0, n])]]) })))
  const keys = [...other, ...parts, { esmClass: 0x40 }].map((more) => contentKey(delivery('x', more)))
  const [a, b] = ['id:5 a', 'id:5 b'].map((text) => contentKey(delivery(text, { esmClass: 0x03 })))
  t.not(a, b, 'a text that begins like a receipt')
  t.equal(new Set([plain, contentKey(delivery('y')), ...keys]).size, keys.length + 2)
  t.equal(contentKey(delivery('', { tlvs: new Map([[0x0424, Buffer.from('x')]]) })), plain, 'wherever the text stands')
})

t.test('what cannot be read has a key as well', async (t) => {
  const cut = delivery('x').subarray(0, 30)
  const again = Buffer.from(cut)
  again.writeUInt32BE(99, 12)
  t.equal(contentKey(cut), contentKey(again))
  t.not(contentKey(cut), contentKey(cut.subarray(0, 29)))
  t.type(contentKey(Buffer.alloc(0)), 'string')
})
