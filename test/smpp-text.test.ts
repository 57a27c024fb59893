import iconv from 'iconv-lite'
import t from 'tap'
import { codingOf, type TextCoding, textCodings } from '../adapters/smpp/coding.ts'
import { fillBits, gsmText, packed, septetsOf, unpacked } from '../adapters/smpp/gsm.ts'
import { seamed } from '../adapters/smpp/parts.ts'
import { decodeText, encodeText } from '../adapters/smpp/text.ts'
import { seeded } from '../simulators/seeded.ts'
import { decoded, delivery, recorded, textIn } from './smpp-stage.ts'

const random = seeded(20_261_125)
const below = (limit: number) => Math.floor(random() * limit)

const gsmLetters = Array.from({ length: 128 }, (_, code) => code)
  .filter((code) => code !== 0x1b)
  .map((code) => gsmText(Uint8Array.of(code)))
const gsmAll = [...gsmLetters, ...Array.from('\f^{}\\[~]|€')]

/** Any character that is no surrogate and no NUL; one in eight beyond the basic plane. iconv-lite loses U+E5E5. */
function anyCharacter(): string {
  for (;;) {
    const code = below(8) === 0 ? 0x10000 + below(0x100000) : 1 + below(0xffff)
    if ((code < 0xd800 || code > 0xdfff) && code !== 0xe5e5) return String.fromCodePoint(code)
  }
}

const madeOf = (character: () => string) => Array.from({ length: below(200) }, character).join('')

t.test('the default alphabet has 127 letters and an escape, the extension table ten', async (t) => {
  t.equal(new Set(gsmLetters).size, 127)
  t.equal(gsmAll.length, 137)
  t.strictSame(
    ['@', 'Δ', 'Ω', 'Ä', 'ü', 'à', '¿', 'Ç', '§', '_', '$', '¤'].map((one) => septetsOf(one)?.[0]),
    [0x00, 0x10, 0x15, 0x5b, 0x7e, 0x7f, 0x60, 0x09, 0x5f, 0x11, 0x02, 0x24],
  )
  t.strictSame(
    Array.from('\f^{}\\[~]|€').map((one) => septetsOf(one)?.[1]),
    [0x0a, 0x14, 0x28, 0x29, 0x2f, 0x3c, 0x3d, 0x3e, 0x40, 0x65],
  )
  t.equal(septetsOf('`'), null)
  t.equal(septetsOf('\u001b'), null)
})

t.test('any text comes back from every alphabet that carries it', async (t) => {
  const anyGsm = () => gsmAll[below(gsmAll.length)] ?? ''
  const carried: [TextCoding, () => string][] = [
    ['gsm', anyGsm],
    ['ucs2', anyCharacter],
    ['gb18030', anyCharacter],
    ['utf8', anyCharacter],
    ['latin1', () => String.fromCharCode(1 + below(255))],
    ['ascii', () => String.fromCharCode(1 + below(127))],
  ]
  for (const [coding, character] of carried) {
    for (let round = 0; round < 500; round++) {
      // A byte-order mark at the very beginning is one, and a lone @ in the last octet is padding.
      const text = madeOf(character).replace(/^\ufeff|^\ufffe/, '')
      const again = decodeText(encodeText(text, coding), coding)
      if (again !== text) t.equal(again, text, coding)
    }
    t.pass(coding)
  }
})

t.test('a letter that an alphabet lacks is a question mark', async (t) => {
  t.equal(encodeText('aĀ😀', 'latin1').toString('latin1'), 'a??')
  t.equal(encodeText('a\u0080', 'ascii').toString('latin1'), 'a?')
  t.equal(encodeText('a路', 'gsm').toString('latin1'), 'a?')
})

t.test('packed septets come back behind any header', async (t) => {
  for (let round = 0; round < 2000; round++) {
    const text = madeOf(() => gsmAll[below(gsmAll.length)] ?? '').replace(/[@\r]+$/, '')
    const skip = fillBits(below(20))
    const octets = encodeText(text, 'gsm-packed', skip)
    const again = decodeText(octets, 'gsm-packed', skip)
    if (again !== text) t.equal(again, text)
  }
  t.equal(fillBits(6), 1)
  t.equal(fillBits(7), 0)
})

t.test('seven septets left over are padding, whichever it is', async (t) => {
  const seven = encodeText('1234567', 'gsm')
  t.equal(packed(seven, 0).toString('hex'), '31d98c56b3dd1a')
  t.equal(gsmText(unpacked(Buffer.from('31d98c56b3dd1a', 'hex'), 0)), '1234567')
  t.equal(gsmText(unpacked(Buffer.from('31d98c56b3dd00', 'hex'), 0)), '1234567')
  t.equal(gsmText(unpacked(Buffer.from('e8329bfd4697d9ec37', 'hex'), 0)), 'hellohello')
})

t.test('an escape that means nothing shows the letter, one at the end a space', async (t) => {
  t.equal(gsmText(Buffer.from('411b42', 'hex')), 'AB')
  t.equal(gsmText(Buffer.from('411b', 'hex')), 'A ')
  t.equal(gsmText(Buffer.from('1b1b41', 'hex')), ' A')
})

t.test('octets that are no septets are read as what they are', async (t) => {
  const read = (octets: Buffer) => textIn(decoded(delivery(octets, { dataCoding: 0 })))
  t.equal(read(Buffer.from('下水道堵了', 'utf8')), '下水道堵了')
  t.equal(read(iconv.encode('下水道堵了', 'gb18030')), '下水道堵了')
  t.equal(read(Buffer.from('Café au lait', 'latin1')), 'Café au lait')
  t.equal(textIn(decoded(delivery(iconv.encode('路灯', 'gbk'), { dataCoding: 4 }))), '路灯')
  t.equal(textIn(decoded(delivery(Buffer.from('路灯'), { dataCoding: 0x2c }))), '路灯', 'a group nobody knows')
  const binary = Buffer.from('0102f0ff80', 'hex')
  t.equal(textIn(decoded(delivery(binary, { dataCoding: 4 }))), binary.toString('latin1'), 'every octet is kept')
})

t.test('a text with one bad octet is read around it', async (t) => {
  const read = (octets: Buffer, dataCoding: number) => textIn(decoded(delivery(octets, { dataCoding })))
  const cut = iconv.encode('下水道堵了', 'gb18030').subarray(0, 9)
  t.equal(read(cut, 15), '下水道堵\ufffd', 'a character cut in two')
  t.equal(read(Buffer.from('下水道堵了'), 15), '下水道堵了', 'UTF-8 under the code of GB18030')
})

t.test('data_coding names an alphabet in every group', async (t) => {
  const meant = (dataCoding: number, defaultCoding = 'gsm' as const) =>
    codingOf(dataCoding, { defaultCoding, codings: {} })
  t.strictSame(
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15].map((one) => meant(one)),
    [
      ...['gsm', 'ascii', 'octets', 'latin1', 'octets', 'japanese', 'iso-8859-5', 'iso-8859-8', 'ucs2', 'octets'],
      ...['iso-2022-jp', 'octets', 'japanese', 'ks-c-5601', 'gb18030'],
    ],
  )
  t.strictSame(
    [0x10, 0x14, 0x18, 0x1b, 0x1c, 0x28, 0x48, 0x90, 0xc8, 0xd0, 0xe8, 0xf0, 0xf3, 0xf4, 0xf6].map((one) => meant(one)),
    [
      ...['gsm', 'octets', 'ucs2', 'ucs2', 'octets', 'octets', 'ucs2', 'octets', 'gsm', 'gsm', 'ucs2'],
      ...['gsm', 'gsm', 'octets', 'octets'],
    ],
  )
  t.equal(codingOf(0, { defaultCoding: 'latin1', codings: {} }), 'latin1')
  t.equal(codingOf(0xf0, { defaultCoding: 'latin1', codings: {} }), 'gsm')
  t.equal(codingOf(0xf0, { defaultCoding: 'gsm-packed', codings: {} }), 'gsm-packed')
  t.equal(codingOf(0, { defaultCoding: 'gsm', codings: { 0: 'ucs2' } }), 'ucs2', 'what is configured holds')
})

t.test('UCS-2 is read by its byte-order mark, else big-endian; an odd octet is kept', async (t) => {
  const read = (hex: string) => textIn(decoded(delivery(Buffer.from(hex, 'hex'), { dataCoding: 8 })))
  t.equal(read('feff8def706f'), '路灯')
  t.equal(read('fffeef8d6f70'), '路灯')
  t.equal(read('8def706f'), '路灯')
  t.equal(read('8def706f41'), '路灯A')
  t.equal(read('8def706f0000'), '路灯', 'NULs at the end are no text')
  t.equal(read('8def0000706f'), '路␀灯', 'one inside stays visible')
})

t.test('a lone surrogate is a replacement character, wherever it stands in a whole text', async (t) => {
  const read = (hex: string) => textIn(decoded(delivery(Buffer.from(hex, 'hex'), { dataCoding: 8 })))
  t.equal(read('d83d0041'), '\ufffdA')
  t.equal(read('0041d83d'), 'A\ufffd')
  t.equal(read('de00d83d'), '\ufffd\ufffd')
  t.equal(read('d83dde00'), '😀')
})

t.test('a part keeps the halves at its seams, and no others', async (t) => {
  t.equal(seamed('\ude00a\ud83db\ud83d', { number: 2, total: 3 }), '\ude00a\ufffdb\ud83d')
  t.equal(seamed('\ude00a', { number: 1, total: 3 }), '\ufffda')
  t.equal(seamed('a\ud83d', { number: 3, total: 3 }), 'a\ufffd')
  t.equal(seamed('\ud83d', { number: 2, total: 3 }), '\ud83d')
  t.equal(seamed('\ude00', { number: 2, total: 3 }), '\ude00')
  t.equal(seamed('', { number: 2, total: 3 }), '')
})

t.test('what Kannel cut through a pair is whole again when its parts are joined', async (t) => {
  const { pdus } = recorded('kannel-cuts-a-surrogate-pair')
  t.equal(pdus.map((pdu) => textIn(decoded(pdu))).join(''), `路灯${'😀'.repeat(40)}`)
})

t.test('a text cut at any unit of it is whole again when its parts are joined', async (t) => {
  for (let round = 0; round < 300; round++) {
    const text = `${madeOf(anyCharacter)}路`.replace(/^\ufeff|^\ufffe/, '')
    const at = below(text.length + 1)
    const parts = [text.slice(0, at), text.slice(at)].map((piece, i) => {
      const header = Buffer.from([5, 0, 3, 9, 2, i + 1])
      const payload = new Map([[0x0424, Buffer.concat([header, encodeText(piece, 'ucs2')])]])
      return textIn(decoded(delivery('', { esmClass: 0x40, dataCoding: 8, tlvs: payload })))
    })
    // A second part that begins with what looks like a byte-order mark loses it; no text has one inside.
    if (parts.join('') !== text && !/[\ufeff\ufffe]/.test(text)) t.equal(parts.join(''), text)
  }
  t.pass('300 texts')
})

t.test('every coding reads any octets to a text', async (t) => {
  for (let round = 0; round < 3000; round++) {
    const octets = Buffer.from(Array.from({ length: below(60) }, () => below(256)))
    for (const coding of textCodings) {
      const text = decodeText(octets, coding, below(7))
      if (text.includes('\0')) t.fail(`${coding} leaves a NUL in ${octets.toString('hex')}`)
      encodeText(text, coding)
    }
  }
  t.pass('3,000 times')
})

t.test('64 kB are read in no time', async (t) => {
  const octets = Buffer.alloc(65_535, 0x1b)
  const started = performance.now()
  for (const coding of textCodings) decodeText(octets, coding)
  t.ok(performance.now() - started < 2000, `${Math.round(performance.now() - started)} ms`)
})
