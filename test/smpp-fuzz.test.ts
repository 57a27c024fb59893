import t from 'tap'
import { type DefaultCoding, defaultCodings } from '../adapters/smpp/coding.ts'
import { contentKey } from '../adapters/smpp/content-key.ts'
import { seeded } from '../simulators/seeded.ts'
import { cases, outcome, recorded } from './smpp-stage.ts'

const random = seeded(20_261_127)
const below = (limit: number) => Math.floor(random() * limit)
const pdus = cases.flatMap((name) => recorded(name).pdus)
const anyOf = <T>(list: readonly T[]): T => list[below(list.length)] as T

/** One recorded PDU spoilt in one to three places; command_length is made right most of the time, so that more is read. */
function mutated(): Buffer {
  let bytes = Buffer.from(anyOf(pdus))
  for (let times = 1 + below(3); times > 0; times--) {
    const at = below(bytes.length)
    switch (below(6)) {
      case 0:
        bytes[at] = below(256)
        break
      case 1:
        bytes = bytes.subarray(0, at)
        break
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(20))])
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256), 0, 0xff]), bytes.subarray(at)])
        break
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), anyOf(pdus).subarray(at)])
        break
      default:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8))
    }
    if (bytes.length === 0) return bytes
  }
  if (bytes.length >= 16 && below(10) > 0) bytes.writeUInt32BE(bytes.length, 0)
  return bytes
}

t.test('30,000 spoilt PDUs throw nothing but errors of the gateway, and what is read is possible', async (t) => {
  const seen = new Map<string, number>()
  const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
  let slowest = 0
  for (let round = 0; round < 30_000; round++) {
    const bytes = mutated()
    const before = Buffer.from(bytes)
    const started = performance.now()
    const said = outcome(bytes, { defaultCoding: anyOf<DefaultCoding>(defaultCodings) })
    contentKey(bytes)
    slowest = Math.max(slowest, performance.now() - started)
    const hex = () => bytes.toString('hex')
    if (!bytes.equals(before)) t.fail(`reading changes ${hex()}`)
    if (typeof said === 'string') {
      count(said.split(' ')[0] ?? '')
      continue
    }
    for (const report of said) {
      count(report.kind)
      const text = JSON.stringify(report)
      if (text.includes('\\u0000')) t.fail(`a NUL stands in ${hex()}`)
      if (report.kind === 'malformed') continue
      if (!/^tel:\+?[^+]/.test(report.subject)) t.fail(`nobody says ${hex()}`)
      if (Number.isNaN(report.deviceTime?.getTime())) t.fail(`at no time: ${hex()}`)
      if (report.kind === 'part' && !(report.number >= 1 && report.number <= report.total && report.total >= 2))
        t.fail(text)
      if (report.kind === 'text' && !report.text?.isWellFormed()) t.fail(`a lone surrogate stands in ${hex()}`)
      if (report.kind === 'delivery' && report.messageIds.length === 0 && report.reference === null) t.fail(text)
    }
  }
  for (const what of ['DECODE_FIELD', 'DECODE_SYNTAX', 'DECODE_UNSUPPORTED', 'text', 'part', 'datagram', 'delivery']) {
    t.ok((seen.get(what) ?? 0) > 100, `${what}: ${seen.get(what)}`)
  }
  t.ok(slowest < 2000, `the slowest took ${Math.round(slowest)} ms`)
})

t.test('the largest PDU there is takes no time, whatever it is full of', async (t) => {
  const fillings = ['id:', ' ', 'done date ', 'text:', '\x1b', '\xff\xfe', '\x81\x30', 'stat: ', '\x05\x00']
  for (const filling of fillings) {
    for (const esmClass of [0x00, 0x04, 0x40]) {
      const payload = Buffer.alloc(65_535, Buffer.from(filling, 'latin1'))
      const head = Buffer.from([0, 1, 1, 0x31, 0, 1, 1, 0x32, 0, esmClass, 0, below(256), 0x04, 0x24, 0xff, 0xff])
      const pdu = Buffer.concat([Buffer.from('00000000000001030000000000000001', 'hex'), head, payload])
      pdu.writeUInt32BE(pdu.length, 0)
      const started = performance.now()
      outcome(pdu)
      contentKey(pdu)
      const took = performance.now() - started
      t.ok(took < 3000, `${JSON.stringify(filling)}: ${Math.round(took)} ms`)
    }
  }
})
