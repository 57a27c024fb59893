import t from 'tap'
import { commandId, encodePdu, encodeResponse } from '../adapters/smpp/session-pdus.ts'
import type { OutboundText, TextSender } from '../gateway/adapter.ts'
import type { Report } from '../gateway/report.ts'
import {
  dissected,
  kannelBoundTo,
  missing,
  missingExample,
  missingPerl,
  openSmppBox,
  perlCentre,
  perlEsme,
} from './smpp-far-ends.ts'
import { esmeOf, rawCentre, type Stage, secretWord, smsc, textPdu, until } from './smpp-link-stage.ts'

const outbound = (id: string, to: string, text: string): OutboundText => ({
  id,
  to,
  extension: '07',
  title: null,
  text,
  attachments: [],
  validUntil: null,
})

function sender({ adapter }: { adapter: { readonly texts?: TextSender } }): TextSender {
  if (adapter.texts === undefined) throw new Error('it sends no texts')
  return adapter.texts
}

const reports = (gateway: Stage): Report[] => gateway.read.flatMap((one) => (typeof one === 'string' ? [] : one))

/** The texts of parts in the order of their numbers. */
const joined = (gateway: Stage): string =>
  reports(gateway)
    .flatMap((report) =>
      report.kind === 'part' && report.content.is === 'text' ? [{ n: report.number, text: report.content.text }] : [],
    )
    .toSorted((a, b) => a.n - b.n)
    .map(({ text }) => text)
    .join('')

const long = '文昌中路120号门口的井盖丢了，晚上没有路灯，很危险，老人和孩子都从这里走，请尽快派人来看一看。'.repeat(3)

const perl = missingPerl('Net::SMPP')
t.test("Perl's Net::SMPP binds to the port and hands over texts", { skip: perl }, async (t) => {
  const gateway = await smsc(t)
  const program = perlEsme(
    t,
    gateway.port,
    `for my $n (1..20) {
       my $r = $smpp->submit_sm(source_addr => "1380013800$n", destination_addr => '10658', data_coding => 8,
         short_message => pack('H*', '4e9576d64e224e86')) or die "no answer";
       print "$r->{status} $r->{message_id}\\n";
     }
     my $r = $smpp->data_sm(source_addr => '13900139000', destination_addr => '10658', message_payload => 'light is out');
     print "$r->{status}\\n"; my $e = $smpp->enquire_link; print "$e->{status}\\n"`,
  )
  t.equal(await program.ended, 0, program.said())
  const said = program.said().trim().split('\n')
  t.equal(said.length, 22)
  t.ok(
    said.slice(0, 20).every((line) => /^0 [0-9a-f]{20}$/.test(line)),
    said.join(' | '),
  )
  t.match(reports(gateway)[0], { kind: 'text', text: '井盖丢了', to: '10658' })
  t.match(reports(gateway)[20], { kind: 'text', text: 'light is out', subject: 'tel:+8613900139000' })
})

t.test("Net::SMPP's own centre takes texts, all under one id", { skip: missingExample() }, async (t) => {
  const centre = await perlCentre(t)
  const gateway = await esmeOf(t, { port: centre.port, systemId: 'city' })
  await gateway.adapter.start()
  const texts = sender(gateway)
  for (const part of texts.parts(outbound('n-1', 'tel:+8613800138000', long)))
    t.same(await texts.submit(part), { outcome: 'accepted', messageId: '123456789' })
  await gateway.adapter.stop()
  await until('it has read the unbind', () => centre.program.said().includes('Remote sent unbind'))
})

const kannel = missing('/usr/sbin/bearerbox', '/usr/sbin/smsbox')
t.test('Kannel bound to the port: long texts in both directions arrive whole', { skip: kannel }, async (t) => {
  const gateway = await smsc(t)
  const peer = await kannelBoundTo(t, gateway.port, secretWord)
  await until('Kannel is bound', () => sender(gateway).ready)
  t.match(await peer.send({ from: '13800138000', to: '10658', text: long }), /Accepted/)
  await until('all parts are here', () => joined(gateway).length >= long.length)
  t.equal(joined(gateway), long)
  t.ok(gateway.accepted.every(({ envelope }) => envelope.command === 'submit_sm' && envelope.peer === 'peer-1'))

  const texts = sender(gateway)
  for (const [id, text] of [
    ['n-1', '您反映的井盖已处理。'],
    ['n-2', long],
  ] as const) {
    for (const part of texts.parts(outbound(id, 'tel:+8613800138000', text)))
      t.match(await texts.submit(part), { outcome: 'accepted' })
    await until('the subscriber has it', () => peer.sink.texts.some((one) => one.text === text))
  }
  await gateway.adapter.stop()
  t.equal(sender(gateway).ready, false)
  await gateway.adapter.start()
})

const boxes = missing('opensmppbox', '/usr/sbin/bearerbox', '/usr/lib/kannel/test/fakesmsc')
t.test('opensmppbox as the centre: texts in, texts out, receipts', { skip: boxes }, async (t) => {
  const centre = await openSmppBox(t, 'city', secretWord)
  const gateway = await esmeOf(t, { port: centre.port, systemType: 'VMA' })
  await gateway.adapter.start()
  const handset = centre.handset('13800138000', '10658', 'manhole cover is gone')
  await until('the text is here', () => reports(gateway).length > 0)
  t.match(reports(gateway)[0], { kind: 'text', to: '10658' })
  const texts = sender(gateway)
  const ids: string[] = []
  for (const part of texts.parts(outbound('n-1', 'tel:+8613800138000', long))) {
    const submitted = await texts.submit(part)
    t.match(submitted, { outcome: 'accepted' })
    if (submitted.outcome === 'accepted') ids.push(submitted.messageId)
  }
  await until('every part has a receipt', () =>
    ids.every((id) => reports(gateway).some((one) => one.kind === 'delivery' && one.messageIds.includes(id))),
  )
  await handset.end()
})

t.test(
  'a dissector that nobody here wrote finds nothing wrong with what is sent',
  { skip: missing('tshark', 'text2pcap') },
  async (t) => {
    const centre = await rawCentre(t)
    const gateway = await esmeOf(t, { port: centre.port })
    await gateway.adapter.start()
    const [peer] = centre.peers
    peer?.send(
      Buffer.concat([textPdu(1), textPdu(2, 'data_sm'), encodePdu('enquire_link', 3), encodePdu('query_sm', 4)]),
    )
    const texts = sender(gateway)
    const said = texts.parts(outbound('n-1', 'tel:+8613800138000', long)).map((part) => texts.submit(part))
    await until('all is sent', () => peer?.heard.length === 1 + 4 + said.length)
    const stopping = gateway.adapter.stop()
    for (const { header } of peer?.heard ?? [])
      if (header.id === commandId.submit_sm)
        peer?.send(encodeResponse(header.id, header.sequence, 0, { message_id: '1' }))
    await stopping
    await Promise.all(said)
    const sent = peer?.heard.map(({ raw }) => raw) ?? []
    t.ok(sent.length > said.length + 5)
    const seen = dissected(t, sent)
    t.equal(seen.length, sent.length)
    t.same(
      seen.filter((line) => !line.endsWith('\t')),
      [],
    )
  },
)
