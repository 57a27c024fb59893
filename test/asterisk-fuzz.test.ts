import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { asteriskCdr } from '../adapters/asterisk/cdr-file.ts'
import { AmiFraming, longestBlock } from '../adapters/asterisk/framing.ts'
import { Lines, longestLine } from '../adapters/asterisk/lines.ts'
import { decodeBlock, sort } from '../adapters/asterisk/messages.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Report } from '../gateway/report.ts'
import { seeded } from '../simulators/seeded.ts'
import { amiDefaults } from './asterisk-stage.ts'

const folder = `${packageRoot}test/cases/asterisk/`
const names = readdirSync(folder).filter((entry) => !entry.startsWith('.'))
const random = seeded(20_261_128)
const below = (limit: number) => Math.floor(random() * limit)
const anyOf = <T>(list: readonly T[]): T => list[below(list.length)] as T

const blocks = names.flatMap((name) =>
  new AmiFraming()
    .push(readFileSync(`${folder}${name}/ami.txt`))
    .flatMap((piece) => (piece.kind === 'block' && sort(piece.bytes, 'pbx', '1').is === 'of-use' ? [piece.bytes] : [])),
)
const lines = names.flatMap((name) =>
  new Lines().push(readFileSync(`${folder}${name}/Master.csv`)).map(({ bytes }) => bytes),
)

function spoilt(list: readonly Buffer[]): Buffer {
  let bytes = Buffer.from(anyOf(list))
  for (let times = 1 + below(3); times > 0 && bytes.length > 0; times--) {
    const at = below(bytes.length)
    const other = anyOf(list)
    const ways = [
      () => Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at + 1)]),
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(20))]),
      () => Buffer.concat([bytes.subarray(0, at), Buffer.from([0xff, 0, 0x0d, 0x0a]), bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), other.subarray(below(other.length))]),
      () => Buffer.concat([bytes.subarray(0, at), Buffer.from('99999999999'), bytes.subarray(at)]),
    ]
    bytes = Buffer.from(anyOf(ways)())
  }
  return bytes
}

/** What a report may not be, whatever it was made of. */
function impossible(report: Report): string | null {
  if (report.kind !== 'call') return `a report of kind ${report.kind}`
  if (report.subject === '' || report.call === '' || report.leg === '') return 'something is empty'
  if (JSON.stringify(report).includes('\\u0000')) return 'a NUL'
  for (const value of Object.values(report))
    if (value instanceof Date && Number.isNaN(value.getTime())) return 'a time that is none'
  return null
}

t.test(
  '20,000 spoilt blocks and lines throw nothing but errors of the gateway, and what is read is possible',
  async (t) => {
    const options = { ...amiDefaults, timeZone: 'Europe/Berlin' }
    const cdrOptions = asteriskCdr.options.parse({ file: '/none', timeZone: 'Europe/Berlin' })
    const seen = { read: 0, refused: 0 }
    for (let round = 0; round < 20_000; round++) {
      const live = round % 3 > 0
      const bytes = spoilt(live ? blocks : lines)
      const before = Buffer.from(bytes)
      try {
        if (live) {
          const sorted = sort(bytes, 'pbx', '1')
          if (sorted.is === 'of-use' && (sorted.inbound.key.length > 300 || sorted.inbound.key === ''))
            t.fail('a key too long')
        }
        const message = { key: '', raw: bytes, envelope: { exchange: 'pbx', order: '1' }, receivedAt: new Date(0) }
        const reports = live ? decodeBlock(message, options) : asteriskCdr.decode(message, cdrOptions)
        for (const report of reports) {
          const problem = impossible(report)
          if (problem !== null) t.fail(`${problem}: ${bytes.toString('latin1')}`)
        }
        seen.read++
      } catch (error) {
        if (!(error instanceof GatewayError) || !error.code.startsWith('DECODE_')) {
          t.fail(`${String(error)}: ${bytes.toString('latin1')}`)
          break
        }
        seen.refused++
      }
      if (!bytes.equals(before)) t.fail('reading changes what is read')
    }
    t.ok(seen.read > 2000 && seen.refused > 2000, JSON.stringify(seen))
  },
)

t.test('the framings give back every octet they took, however it comes, and hold no more than they say', async (t) => {
  for (let round = 0; round < 300; round++) {
    const stream = Buffer.concat([
      Buffer.from('Asterisk Call Manager/5.0.4\r\n'),
      ...Array.from({ length: 1 + below(8) }, () => Buffer.concat([spoilt(blocks), Buffer.from('\r\n\r\n')])),
    ])
    const whole = new AmiFraming()
    const cut = new AmiFraming()
    const once = [...whole.push(stream), ...whole.end()]
    const pieces = []
    for (let at = 0; at < stream.length; ) {
      const length = 1 + below(400)
      pieces.push(...cut.push(stream.subarray(at, at + length)))
      at += length
    }
    pieces.push(...cut.end())
    const text = (list: typeof once) => list.map(({ kind, bytes }) => `${kind} ${bytes.toString('latin1')}`)
    t.strictSame(text(pieces), text(once))
  }
  const endless = new AmiFraming()
  endless.push(Buffer.from('Asterisk Call Manager/5.0.4\r\n'))
  let given = 0
  for (let n = 0; n < 1000; n++) given += endless.push(Buffer.alloc(longestBlock / 8, 0x41)).length
  t.equal(given, 1)
  const long = new Lines()
  for (let n = 0; n < 100; n++) long.push(Buffer.alloc(longestLine / 2, 0x41))
  t.ok(long.held <= longestLine)
})
