import t from 'tap'
import { type Delivery, encodeDeliverSm, encodeSubmitSm } from '../adapters/smpp/encode.ts'
import { absoluteTime, longTexts, type Segment, type SegmentOptions, segmentsOf } from '../adapters/smpp/segments.ts'
import { readShortMessage } from '../adapters/smpp/short-message.ts'
import type { OutboundText } from '../gateway/adapter.ts'
import { seeded } from '../simulators/seeded.ts'
import { decoded, textIn } from './smpp-stage.ts'

const random = seeded(20_261_126)
const below = (limit: number) => Math.floor(random() * limit)

const usual: SegmentOptions = {
  source: { ton: 0, npi: 1, digits: '10657501' },
  alphabet: 'shortest',
  defaultCoding: 'gsm',
  longText: 'udh8',
  receipts: true,
  references: true,
  serviceType: '',
}

const outbound = (text: string, more: Partial<OutboundText> = {}): OutboundText => ({
  id: 'n-1',
  to: 'tel:+8613800138000',
  extension: null,
  title: null,
  text,
  attachments: [],
  validUntil: null,
  ...more,
})

const split = (text: string, options: Partial<SegmentOptions> = {}) =>
  segmentsOf(outbound(text), { ...usual, ...options })
const lengths = (segments: readonly Segment[]) => segments.map(({ octets }) => octets.length)

/** What a subscriber would read: every segment written, read as a PDU, and the parts put together. */
function received(segments: readonly Segment[], defaultCoding = usual.defaultCoding): string {
  return segments.map((segment) => textIn(decoded(encodeSubmitSm(segment, 1), { defaultCoding }))).join('')
}

t.test('160 letters fit one message, 161 need two of 153; a euro counts twice', async (t) => {
  t.match(split('a'.repeat(160)), [{ number: 1, total: 1, esmClass: 0, dataCoding: 0, sar: null }])
  t.strictSame(lengths(split('a'.repeat(161))), [6 + 153, 6 + 8])
  t.strictSame(lengths(split('€'.repeat(80))), [160])
  t.strictSame(lengths(split('€'.repeat(81))), [6 + 152, 6 + 10], 'no escape sequence is cut')
  t.strictSame(lengths(split('a'.repeat(306))), [159, 159])
  t.strictSame(lengths(split('a'.repeat(307))), [159, 159, 7])
})

t.test('70 characters fit one message in UCS-2, 71 need two of 67; a pair counts twice and is not cut', async (t) => {
  t.match(split('路'.repeat(70)), [{ total: 1, dataCoding: 8 }])
  t.strictSame(lengths(split('路'.repeat(71))), [6 + 134, 6 + 8])
  t.strictSame(lengths(split('😀'.repeat(35))), [140])
  t.strictSame(lengths(split('😀'.repeat(36))), [6 + 132, 6 + 12])
  t.match(split('ç'), [{ dataCoding: 8 }], 'the alphabet has the capital alone')
  t.match(split('', {}), [{ total: 1, dataCoding: 0 }])
})

t.test('every way of long texts carries as much as it can', async (t) => {
  const ucs2 = '路'.repeat(150)
  t.strictSame(lengths(split(ucs2, { longText: 'udh16' })), [7 + 132, 7 + 132, 7 + 36])
  t.strictSame(lengths(split(ucs2, { longText: 'sar' })), [134, 134, 32])
  t.match(split(ucs2, { longText: 'sar' }), [
    { esmClass: 0, sar: { total: 3, number: 1 } },
    { sar: { total: 3, number: 2 } },
    { sar: { total: 3, number: 3 } },
  ])
  t.match(split(ucs2, { longText: 'payload' }), [{ total: 1, payload: true, sar: null }])
  t.strictSame(lengths(split(ucs2, { longText: 'payload' })), [300])
  t.match(split('short', { longText: 'payload' }), [{ total: 1, payload: false }])
  t.match(split('short', { longText: 'sar' }), [{ total: 1, sar: null, esmClass: 0 }])
  t.strictSame(lengths(split('a'.repeat(161), { longText: 'udh16' })), [7 + 152, 7 + 9])
  t.strictSame(lengths(split('a'.repeat(161), { defaultCoding: 'gsm-packed' })), [140, 6 + 8])
})

t.test('headers are those of 23.040, with one reference for all parts', async (t) => {
  const header = (longText: 'udh8' | 'udh16', length: number) =>
    split('路'.repeat(71), { longText }).map(({ octets }) => Buffer.from(octets.subarray(0, length)).toString('hex'))
  const [sar] = split('路'.repeat(71), { longText: 'sar' })
  const reference = (sar?.sar?.reference ?? 0).toString(16).padStart(4, '0')
  t.strictSame(header('udh16', 7), [`060804${reference}0201`, `060804${reference}0202`])
  t.match(split('路'.repeat(71)), [{ esmClass: 0x40 }, { esmClass: 0x40 }])
  t.strictSame(header('udh8', 6), [`050003${reference.slice(2)}0201`, `050003${reference.slice(2)}0202`])
})

t.test('an account may be told to write UCS-2 or GB18030 alone', async (t) => {
  t.match(split('plain', { alphabet: 'ucs2' }), [{ dataCoding: 8, octets: Buffer.from('plain', 'utf16le').swap16() }])
  t.match(split('采莲街12号', { alphabet: 'gb18030' }), [{ dataCoding: 15 }])
  t.strictSame(lengths(split('采莲街12号', { alphabet: 'gb18030' })), [10])
  t.strictSame(lengths(split(`${'路'.repeat(66)}a😀😀${'路'.repeat(10)}`, { alphabet: 'gb18030' })), [6 + 133, 6 + 28])
})

t.test('where data_coding 0 is not GSM, letters count as on the air', async (t) => {
  t.match(split('Größe', { defaultCoding: 'latin1' }), [{ dataCoding: 0, octets: Buffer.from('Größe', 'latin1') }])
  t.match(split('Größe', { defaultCoding: 'ascii' }), [{ dataCoding: 8 }])
  t.match(split('plain', { defaultCoding: 'ucs2' }), [{ dataCoding: 8 }])
  t.strictSame(lengths(split('{'.repeat(81), { defaultCoding: 'latin1' })), [6 + 76, 6 + 5])
})

t.test('the same text makes the same segments, another text another reference', async (t) => {
  const long = '路'.repeat(100)
  t.strictSame(split(long), split(long))
  const references = Array.from({ length: 200 }, (_, n) =>
    segmentsOf(outbound(long, { id: `n-${n}` }), { ...usual, longText: 'sar' }).map(({ sar }) => sar?.reference),
  )
  t.ok(
    references.every(([first, second]) => first === second),
    'all parts of a text have one',
  )
  t.ok(new Set(references.flat()).size > 190, `${new Set(references.flat()).size} of 200 differ`)
  const numbers = split(long).map(({ reference }) => reference)
  t.ok(numbers.every((one) => one !== null && one >= 1 && one <= 0xffff) && new Set(numbers).size === 2)
  t.match(split('x', { references: false }), [{ reference: null }])
})

t.test('who it comes from and goes to', async (t) => {
  t.match(segmentsOf(outbound('x', { extension: '0042' }), usual), [
    { source: { digits: '106575010042' }, destination: { ton: 1, npi: 1, digits: '8613800138000' } },
  ])
  t.match(segmentsOf(outbound('x', { to: 'tel:12319' }), usual), [{ destination: { ton: 0, npi: 1, digits: '12319' } }])
  const tooLong = outbound('x', { extension: '0123456789012' })
  t.throws(() => segmentsOf(tooLong, usual), { code: 'NOTICE_INVALID', message: /21 characters/ })
  const noNumber = outbound('x', { to: 'tel:+86138\u0000' })
  t.throws(() => segmentsOf(noNumber, usual), { code: 'NOTICE_INVALID' })
  t.match(split('x', { receipts: false }), [{ registeredDelivery: 0 }])
})

t.test('a text of more than 255 parts is refused', async (t) => {
  t.equal(split('a'.repeat(153 * 255)).length, 255)
  t.throws(() => split('a'.repeat(153 * 255 + 1)), { code: 'NOTICE_INVALID', message: /256 parts/ })
  t.equal(split('路'.repeat(32_767), { longText: 'payload' }).length, 1)
  t.throws(() => split('路'.repeat(32_768), { longText: 'payload' }), {
    code: 'NOTICE_INVALID',
    message: /65536 octets/,
  })
})

t.test('validity is an absolute time in UTC', async (t) => {
  t.equal(absoluteTime(new Date('2026-11-25T08:45:07.380Z')), '261125084507300+')
  const [segment] = segmentsOf(outbound('x', { validUntil: new Date('2027-01-01T00:00:00Z') }), usual)
  t.equal(segment?.validity, '270101000000000+')
  t.match(split('x'), [{ validity: '' }])
})

t.test('all that a segment says stands in its submit_sm', async (t) => {
  const [first] = segmentsOf(outbound('路'.repeat(71), { validUntil: new Date('2027-01-01T00:00:00Z') }), {
    ...usual,
    longText: 'sar',
    serviceType: 'CMT',
  })
  if (first === undefined) throw new Error('no segment')
  const pdu = readShortMessage(encodeSubmitSm(first, 42))
  t.match(pdu, {
    carrier: 'submit_sm',
    sequence: 42,
    serviceType: 'CMT',
    registeredDelivery: 1,
    validity: '270101000000000+',
    dataCoding: 8,
  })
  t.strictSame([...pdu.tlvs.keys()], [0x0204, 0x020c, 0x020e, 0x020f])
  t.equal(pdu.tlvs.get(0x0204)?.readUInt16BE(0), first.reference)
})

t.test('a PDU that its fields cannot hold is not written', async (t) => {
  const ends = { source: usual.source, destination: usual.source }
  const write = (more: Partial<Delivery>) => encodeDeliverSm({ ...ends, octets: Buffer.alloc(0), ...more }, 1)
  t.throws(() => write({ octets: Buffer.alloc(256) }), { code: 'NOTICE_INVALID', message: /short_message/ })
  t.throws(() => write({ serviceType: 'CMT123' }), { code: 'NOTICE_INVALID', message: /service_type/ })
  t.throws(() => write({ validity: '2611\u00001' }), { code: 'NOTICE_INVALID', message: /validity_period/ })
  const data = readShortMessage(write({ carrier: 'data_sm', octets: Buffer.alloc(300, 'a') }))
  t.equal(data.tlvs.get(0x0424)?.length, 300, 'data_sm has it in message_payload')
})

t.test('any text arrives as it was written, by every way', async (t) => {
  const gsm = Array.from('@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&()*+,-./0123456789:;<=>?¡ABCÄÖÑÜ§¿abcäöñüà^{}\\[~]|€')
  const words = ['文昌中路', '120号', '井盖丢了', '😀', '👨‍👩‍👧', '\u{2f81a}', '€', 'abc', ' ', '\n', 'é']
  let parts = 0
  for (let round = 0; round < 1500; round++) {
    const source = round % 2 === 0 ? gsm : words
    const text = `${Array.from({ length: below(400) }, () => source[below(source.length)] ?? '').join('')}.`
    const longText = longTexts[round % longTexts.length] ?? 'udh8'
    const alphabet = (['shortest', 'ucs2', 'gb18030'] as const)[below(3)] ?? 'shortest'
    const defaultCoding = (['gsm', 'gsm-packed', 'latin1', 'ascii'] as const)[below(4)] ?? 'gsm'
    const segments = split(text, { longText, alphabet, defaultCoding })
    parts += segments.length
    const again = received(segments, defaultCoding)
    if (again !== text) t.equal(again, text, `${longText} ${alphabet} ${defaultCoding}`)
    for (const { octets, payload, dataCoding } of segments) {
      const most = dataCoding === 0 ? 160 : 140
      if (!payload && octets.length > most) t.fail(`${octets.length} octets of data_coding ${dataCoding}`)
    }
  }
  t.ok(parts > 3000, `${parts} parts`)
})

t.test('a lone surrogate leaves as a replacement character', async (t) => {
  t.equal(received(split('路\ud83d灯')), '路\ufffd灯')
})
