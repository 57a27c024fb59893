import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { encodeDeliverSm, encodeSubmitSm } from '../adapters/smpp/encode.ts'
import { encodeReceipt, type StateWord, states } from '../adapters/smpp/receipt-text.ts'
import { longTexts, type SegmentOptions, segmentsOf } from '../adapters/smpp/segments.ts'
import { encodeText } from '../adapters/smpp/text.ts'
import { missing } from './mqtt-stage.ts'
import { citizen, city } from './smpp-stage.ts'

/** What our encoders write, as a dissector that nobody here wrote reads it. */
const skip = missing('tshark') || missing('text2pcap')

type Layer = Readonly<Record<string, readonly string[]>>

/** The named fields of every PDU, each in a TCP segment of its own. */
function dissected(pdus: readonly Buffer[], fields: readonly string[]): Layer[] {
  const folder = mkdtempSync(join(tmpdir(), 'chengguan-tshark-'))
  try {
    const [dump, capture] = [join(folder, 'dump'), join(folder, 'capture')]
    writeFileSync(dump, pdus.map(hexDump).join(''))
    run('text2pcap', ['-q', '-T', '40000,2775', dump, capture])
    const wanted = ['_ws.malformed', '_ws.expert.message', 'smpp.command_id', ...fields].flatMap((field) => [
      '-e',
      field,
    ])
    const said = run('tshark', ['-r', capture, '-d', 'tcp.port==2775,smpp', '-T', 'json', ...wanted])
    return JSON.parse(said).map(({ _source }: { _source: { layers: Layer } }) => _source.layers)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function run(program: string, words: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8', timeout: 60_000 })
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`)
  return stdout
}

function hexDump(pdu: Buffer): string {
  const lines = Array.from({ length: Math.ceil(pdu.length / 16) }, (_, n) => {
    const octets = [...pdu.subarray(n * 16, n * 16 + 16)].map((octet) => octet.toString(16).padStart(2, '0'))
    return `${(n * 16).toString(16).padStart(6, '0')} ${octets.join(' ')}\n`
  })
  return lines.join('')
}

const usual: SegmentOptions = {
  source: { ton: 0, npi: 1, digits: '10657501' },
  alphabet: 'shortest',
  defaultCoding: 'gsm',
  longText: 'udh8',
  receipts: true,
  references: true,
  serviceType: 'CMT',
}

const outbound = {
  id: 'n-1',
  to: 'tel:+8613800138000',
  extension: '12',
  title: null,
  attachments: [],
  validUntil: new Date('2027-01-01T00:00:00Z'),
}

t.test('tshark finds nothing malformed in what is submitted, and the text in it', { skip }, async (t) => {
  const texts = ['路灯不亮😀'.repeat(20), 'Lamp {dark} at 5€ '.repeat(12), '路']
  const segments = longTexts.flatMap((longText) =>
    texts.flatMap((text) => segmentsOf({ ...outbound, text }, { ...usual, longText })),
  )
  const layers = dissected(
    segments.map((segment, i) => encodeSubmitSm(segment, i + 1)),
    [
      ...['smpp.source_addr', 'smpp.destination_addr', 'smpp.service_type', 'smpp.validity_period'],
      ...['smpp.user_message_reference', 'smpp.sar_total_segments', 'smpp.sar_segment_seqnum', 'smpp.data_coding'],
    ],
  )
  t.equal(layers.length, segments.length)
  for (const [i, segment] of segments.entries()) {
    const layer = layers[i] ?? {}
    t.strictSame(layer['_ws.malformed'] ?? null, null, `${layer['_ws.expert.message']}`)
    t.match(layer, {
      'smpp.command_id': ['0x00000004'],
      'smpp.source_addr': ['1065750112'],
      'smpp.destination_addr': ['8613800138000'],
      'smpp.service_type': ['CMT'],
      'smpp.validity_period': [/^Jan {2}1, 2027 00:00:00\.0+ UTC$/],
    })
    t.equal(Number(layer['smpp.data_coding']?.[0]), segment.dataCoding)
    t.equal(Number(layer['smpp.user_message_reference']?.[0]), segment.reference)
    if (segment.sar === null) continue
    t.strictSame(layer['smpp.sar_total_segments'], [String(segment.total)])
    t.strictSame(layer['smpp.sar_segment_seqnum'], [String(segment.number)])
  }
})

t.test('tshark reads the letters that were written, in alphabets it knows', { skip }, async (t) => {
  const texts: [Parameters<typeof encodeText>[1], number, string][] = [
    ['gsm', 0xf0, 'Manhole {12} [a] ~ 5€ @ Ünder Ω'],
    ['latin1', 3, 'Café Größe naïve £5'],
    ['ucs2', 8, '文昌中路120号'],
    ['iso-8859-5', 6, 'Нет света'],
    ['iso-8859-8', 7, 'אין אור'],
  ]
  const pdus = texts.map(([coding, dataCoding, text], i) =>
    encodeDeliverSm({ source: citizen, destination: city, dataCoding, octets: encodeText(text, coding) }, i + 1),
  )
  const layers = dissected(pdus, ['smpp.message_text', 'smpp.sm_length'])
  t.strictSame(
    layers.map((layer) => layer['smpp.message_text']?.[0]),
    texts.map(([, , text]) => text),
  )
})

t.test('tshark reads the receipts that a simulator writes', { skip }, async (t) => {
  const words = Object.keys(states) as StateWord[]
  const written = words.flatMap((state) =>
    (['text', 'tlvs', 'both'] as const).map((form) => ({ state, form, id: '0A1B2C3D', reference: 4711 })),
  )
  const common = {
    source: citizen,
    destination: city,
    error: '000',
    text: 'Lamp',
    submittedAt: new Date(0),
    doneAt: new Date(0),
  }
  const layers = dissected(
    written.map((one, i) => encodeReceipt({ ...common, ...one }, i + 1)),
    ['smpp.receipted_message_id', 'smpp.message_state', 'smpp.esm.submit.msg_type'],
  )
  t.equal(layers.length, written.length)
  for (const [i, layer] of layers.entries()) {
    const { form, state } = written[i] ?? {}
    t.strictSame(layer['_ws.malformed'] ?? null, null)
    t.strictSame(layer['smpp.esm.submit.msg_type'], ['0x01'])
    t.strictSame(layer['smpp.receipted_message_id'], form === 'text' ? undefined : ['0A1B2C3D'])
    if (form !== 'text' && state !== undefined) t.equal(Number(layer['smpp.message_state']?.[0]), states[state])
  }
})
