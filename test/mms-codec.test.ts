import t from 'tap'
import { textOf } from '../adapters/mms/charset.ts'
import { fieldWithParameters, quotedPrintable, words } from '../adapters/mms/mime-header.ts'
import { entitiesOf } from '../adapters/mms/mime-multipart.ts'
import {
  type Notification,
  readNotification,
  readNotifyResp,
  readRetrieveConf,
  writeNotification,
  writeNotifyResp,
  writeRetrieveConf,
} from '../adapters/mms/mms-pdu.ts'
import { Octets, uintvar } from '../adapters/mms/octets.ts'
import { readPush, writePush } from '../adapters/mms/push.ts'
import { mmsRetriever } from '../adapters/mms/retriever.ts'
import { recipient, senderUri } from '../adapters/mms/sender.ts'
import { references } from '../adapters/mms/smil.ts'
import { readXml, textIn } from '../adapters/mms/soap.ts'
import { contentType, encodedString, encodedText, fieldValue, withLength } from '../adapters/mms/wsp.ts'
import { sniffed } from '../gateway/web/media-type.ts'
import { escaped } from '../gateway/web/xml-text.ts'
import { gif, manhole } from './mms-stage.ts'

const octets = (hex: string) => new Octets(Buffer.from(hex, 'hex'), 'test')
const value = (bytes: Uint8Array) => fieldValue(new Octets(bytes, 'test'), 'field')

t.test('uintvar is read as it is written, and stops at 32 bits', async (t) => {
  for (const number of [0, 1, 127, 128, 16_383, 16_384, 2_097_152, 0xffff_ffff])
    t.equal(new Octets(uintvar(number), 'test').uintvar('n'), number)
  t.strictSame(Buffer.from(uintvar(135)), Buffer.from('8107', 'hex'))
  for (const bad of ['ffffffffff7f', '9080808000', '81', ''])
    t.throws(() => octets(bad).uintvar('n'), { code: 'DECODE_SYNTAX' })
})

t.test('values of fields are told apart by their first octet', async (t) => {
  t.strictSame(fieldValue(octets('8c'), 'f'), { form: 'short', number: 12 })
  t.match(fieldValue(octets('4f00'), 'f'), { form: 'text', bytes: Buffer.from('O') })
  t.match(fieldValue(octets('7fe4ba9500'), 'f'), { form: 'text', bytes: Buffer.from('井') })
  t.match(fieldValue(octets('020102'), 'f'), { form: 'long', bytes: Buffer.from('0102', 'hex') })
  t.match(fieldValue(octets('1f020102'), 'f'), { form: 'long', bytes: Buffer.from('0102', 'hex') })
  for (const bad of ['4f', '05ff', '1fff', '']) t.throws(() => fieldValue(octets(bad), 'f'), { code: 'DECODE_SYNTAX' })
})

t.test('content types come as numbers, words and with parameters', async (t) => {
  const read = (hex: string) => contentType(octets(hex))
  t.strictSame(read('be'), { type: 'application/vnd.wap.mms-message', parameters: {} })
  t.strictSame(read(`${Buffer.from('Text/Plain; Charset="gb2312"').toString('hex')}00`), {
    type: 'text/plain',
    parameters: { charset: 'gb2312' },
  })
  t.strictSame(read('038381ea'), { type: 'text/plain', parameters: { charset: 'utf-8' } })
  t.strictSame(read('0583810207e9'), { type: 'text/plain', parameters: { charset: 'gbk' } })
  t.strictSame(read('089e85612e6a706700'), { type: 'image/jpeg', parameters: { name: 'a.jpg' } })
  t.strictSame(read(`14${Buffer.from('image/x\0name\0"b.jpg\0').toString('hex')}`), {
    type: 'image/x',
    parameters: { name: 'b.jpg' },
  })
})

t.test('texts are read in the charset that they really have', async (t) => {
  const gb = Buffer.from('beaeb8c7b6aac1cb', 'hex')
  t.equal(textOf(gb, 'gb2312'), '井盖丢了')
  t.equal(textOf(gb, null), '井盖丢了', 'undeclared')
  t.equal(textOf(gb, 'utf-8'), '井盖丢了', 'declared wrongly')
  t.equal(textOf(gb, 'no-such-charset'), '井盖丢了')
  t.equal(textOf(Buffer.from('井盖'), 'us-ascii'), '井盖')
  t.equal(textOf(Buffer.from('\ufeff井盖', 'utf16le'), 'utf-16'), '井盖', 'a mark outweighs the order')
  t.equal(textOf(Buffer.from('4e95', 'hex'), 'utf-16'), '井', 'without a mark big-endian')
  t.equal(textOf(Buffer.from('d83dde00d83d', 'hex'), 'utf-16'), '😀\ufffd', 'half a surrogate pair')
  t.equal(textOf(Buffer.from('a\0b'), 'utf-8'), 'a\ufffdb')
  t.equal(textOf(Buffer.from('8139ef30', 'hex'), 'gb18030').length, 1)
})

t.test('encoded strings carry their charset', async (t) => {
  for (const text of ['plain', '文昌中路', '"quoted', ' a', '']) t.equal(encodedText(value(encodedString(text))), text)
  const wide = withLength(Buffer.concat([Buffer.from('0203e8', 'hex'), Buffer.from('4e9576d60000', 'hex')]))
  t.equal(encodedText(value(wide)), '井盖', 'UCS-2 with its two NULs')
  const gb = withLength(Buffer.concat([Buffer.from('0207e9', 'hex'), Buffer.from('beaeb8c700', 'hex')]))
  t.equal(encodedText(value(gb)), '井盖')
})

t.test('PDUs are read as they are written', async (t) => {
  const notification: Notification = {
    transactionId: 'T1',
    from: '+8613800138000/TYPE=PLMN',
    subject: '井盖',
    sizeBytes: 300_000,
    expiry: { inS: 259_200 },
    contentLocation: 'http://mmsc.example/T1',
  }
  for (const one of [
    notification,
    { ...notification, from: null, subject: null, expiry: null, sizeBytes: null },
    { ...notification, expiry: { at: new Date('2026-11-26T00:00:00Z') } },
  ])
    t.strictSame(readNotification(readPush(writePush(writeNotification(one), 300))), one)
  t.strictSame(readNotifyResp(writeNotifyResp('T1')), { transactionId: 'T1', status: 1 })

  const date = new Date('2026-11-23T02:00:00Z')
  const conf = readRetrieveConf(writeRetrieveConf({ ...manhole, transactionId: 'T1', date }))
  t.match(conf, { transactionId: 'T1', from: manhole.from, to: [manhole.to], subject: '井盖', date, retrieveStatus: 0 })
  t.strictSame(
    conf.parts.whole.map(({ type, id, location, content }) => ({ type, id, location, content: Buffer.from(content) })),
    manhole.parts.map(({ type, id, location, content }) => ({ type, id, location, content: Buffer.from(content) })),
  )
})

t.test('an MMS that ends too early keeps what came whole', async (t) => {
  const options = mmsRetriever.options.parse({ hosts: ['x'] })
  const whole = writeRetrieveConf({ ...manhole, transactionId: 'T1', date: new Date(0) })
  const receivedAt = new Date()
  const read = (raw: Uint8Array, envelope: Record<string, string>) =>
    mmsRetriever.decode({ key: '', raw, envelope: { is: 'retrieve-conf', ...envelope }, receivedAt }, options)
  t.match(read(whole.subarray(0, whole.length - 5), {}), [
    { kind: 'text', text: '文昌中路120号门口井盖丢了\n没人管', attachments: [] },
    { kind: 'malformed', index: 1, code: 'DECODE_SYNTAX', detail: /part 4/ },
  ])
  const broken = whole.subarray(0, 20)
  t.throws(() => read(broken, {}), { code: 'DECODE_SYNTAX' })
  t.match(read(broken, { from: '+8613800138000/TYPE=PLMN', subject: '井盖' }), [
    { kind: 'text', subject: 'tel:+8613800138000', title: '井盖', text: null },
    { kind: 'malformed', index: 1, code: 'DECODE_SYNTAX' },
  ])
})

t.test("senders are numbers in the gateway's form, or e-mail addresses", async (t) => {
  t.equal(senderUri('+8613800138000/TYPE=PLMN', '86'), 'tel:+8613800138000')
  t.equal(senderUri('13800138000/type=plmn', '86'), 'tel:+8613800138000')
  t.equal(senderUri('8613800138000', '86'), 'tel:+8613800138000')
  t.equal(senderUri('Wang <Wang@Example.CN>', '86'), 'mailto:wang@example.cn')
  t.equal(senderUri('12319', '86'), 'tel:12319')
  for (const nobody of [null, '', '/TYPE=PLMN', '\0']) t.equal(senderUri(nobody, '86'), 'tel:anonymous')
  t.equal(recipient('106571231977/TYPE=PLMN'), '106571231977')
  t.equal(recipient(undefined), null)
})

t.test('the presentation orders what it names, however it is written', async (t) => {
  const smil = `<SMIL><body><par><text region="T" src="cid:2.txt"/><img src='1.jpg'></par><audio src = "a.amr" /><text alt="src"/></body>`
  t.strictSame(references(smil), ['cid:2.txt', '1.jpg', 'a.amr'])
  const started = Date.now()
  for (const bomb of ['<text '.repeat(200_000), `<text src="${'"'.repeat(500_000)}`, '<text src='.repeat(100_000)])
    references(bomb)
  t.ok(Date.now() - started < 1000)
})

t.test('bytes are what they look like, not what they are called', async (t) => {
  t.equal(sniffed(gif, 'image/jpeg'), 'image/gif')
  t.equal(sniffed(Buffer.from('MZ\x90'), 'image/gif'), 'application/octet-stream')
  t.equal(sniffed(Buffer.from('\x7fELF'), 'application/x-elf'), 'application/octet-stream')
  t.equal(sniffed(Buffer.from('#!AMR\n...'), 'audio/x'), 'audio/amr')
  t.equal(sniffed(Buffer.from('\0\0\0\x18ftyp3gp5....'), null), 'video/3gpp')
  t.equal(sniffed(Buffer.from('BEGIN:VCARD'), 'text/x-vcard'), 'text/x-vcard')
  t.equal(sniffed(Buffer.from('<html>'), 'text/x-vcard'), 'application/octet-stream')
  t.equal(sniffed(Buffer.from('<html>'), 'text/html'), 'application/octet-stream')
  t.equal(sniffed(new Uint8Array(), 'image/jpeg'), 'application/octet-stream')
})

t.test('header fields of MIME are read as senders write them', async (t) => {
  t.strictSame(fieldWithParameters('Multipart/Related; boundary="a;b\\"c"; TYPE=text/xml'), {
    type: 'multipart/related',
    parameters: { boundary: 'a;b"c', type: 'text/xml' },
  })
  t.equal(fieldWithParameters("image/jpeg; name*=utf-8''%E4%BA%95.jpg").parameters.name, '井.jpg')
  const gb = Buffer.from('beaeb8c7', 'hex').toString('base64')
  t.equal(words(`=?GB2312?B?${gb}?= =?utf-8?q?=E7=9B=96_x?=`), '井盖盖 x')
  t.equal(words('\xe4\xba\x95'), '井', 'bytes that should not be there')
  t.equal(Buffer.from(quotedPrintable('a=3D=\r\nb =\nc')).toString(), 'a=b c')
})

t.test('boundaries stand at the beginning of a line, whatever parts hold', async (t) => {
  const read = (body: string) =>
    entitiesOf(Buffer.from(body), { type: 'multipart/mixed', parameters: { boundary: 'b' } })
  const bodies = (body: string) => read(body).whole.map((one) => Buffer.from(one.body).toString())
  t.strictSame(bodies('preamble\r\n--b\r\n\r\nx --b y\r\n--bb\r\n--b  \r\n\r\n\r\n--b--\r\nepilogue'), [
    'x --b y\r\n--bb',
    '',
  ])
  t.strictSame(bodies('--b\n\n1\n--b\n\n2\n--b--'), ['1', '2'])
  t.match(read('--b\r\n\r\n1\r\n--b\r\n\r\n2'), { whole: [{}], broken: [{ detail: 'part 2 has no end' }] })
  t.throws(() => read('nothing'), { code: 'DECODE_SYNTAX' })
})

t.test('XML has no entities but its own, and no depth that MM7 has not', async (t) => {
  const read = (xml: string) => readXml(Buffer.from(xml), null)
  t.equal(textIn(read('<a><b:c xmlns:b="x">1 &lt; 2 &#25196; &unknown;</b:c></a>'), 'c'), '1 < 2 扬 &unknown;')
  t.throws(() => read('<!DOCTYPE a SYSTEM "http://127.0.0.1/"><a/>'), { code: 'DECODE_UNSUPPORTED' })
  t.throws(() => read('<a><!ENTITY x "y"></a>'), { code: 'DECODE_UNSUPPORTED' })
  t.throws(() => read('<a>'.repeat(40)), { code: 'DECODE_SYNTAX' })
  t.throws(() => read(''), { code: 'DECODE_SYNTAX' })
  t.equal(textIn(read(`<a>${escaped('<&>"\u0001\ud800')}</a>`), 'a'), '<&>"\ufffd')
})
