import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { Assembly } from '../adapters/nmea/assembly.ts'
import { parse } from '../adapters/nmea/codec.ts'
import { pieces } from '../adapters/nmea/framing.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { seeded } from '../simulators/seeded.ts'
import { land, line, noon } from './nmea-stage.ts'

const folder = `${packageRoot}test/cases/nmea/`
const logs = readdirSync(folder)
  .filter((entry) => !entry.startsWith('.'))
  .map((name) => readFileSync(`${folder}${name}/input.nmea`))
const sentences = logs.flatMap((log) => pieces(log).flatMap(({ kind, bytes }) => (kind === 'sentence' ? [bytes] : [])))
const random = seeded(20_260_531)
const below = (limit: number) => Math.floor(random() * limit)

function mutated(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  switch (below(5)) {
    case 0:
      copy[below(copy.length)] = below(256)
      return copy
    case 1:
      return copy.subarray(below(copy.length))
    case 2:
      return copy.subarray(0, below(copy.length))
    case 3: {
      const at = below(copy.length)
      return Buffer.concat([
        copy.subarray(0, at),
        Buffer.from('$,*\\\r\n!\0\xb5b'[below(10)] ?? '', 'latin1'),
        copy.subarray(at),
      ])
    }
    default: {
      const at = below(copy.length)
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + below(20))])
    }
  }
}

/** A wrong value behind a right checksum, where only the checks of the fields stand. */
function wrongField(bytes: Buffer): string {
  const fields = bytes
    .toString('latin1')
    .replace(/^\$|\*..\s*$/g, '')
    .split(',')
  const values = [
    '',
    '-1',
    '99',
    '1e9',
    'NaN',
    'Q',
    '310226',
    '996060.9',
    '9999.999',
    '.',
    '0x10',
    '١',
    'Infinity',
    ' ',
  ]
  fields[below(fields.length)] = values[below(values.length)] ?? ''
  if (below(4) === 0) fields.length = below(fields.length) + 1
  return line(fields.join(','))
}

t.test('20,000 spoilt inputs throw nothing but errors of the gateway, and positions stay possible', async (t) => {
  let thrown = 0
  let landedPositions = 0
  for (let round = 0; round < 20_000; round++) {
    const sentence = sentences[below(sentences.length)] ?? Buffer.alloc(1)
    try {
      if (round % 2 === 0) parse(mutated(sentence).toString('latin1'), 'optional')
      else parse(wrongField(sentence))
    } catch (error) {
      if (!(error instanceof GatewayError) || !error.code.startsWith('DECODE_')) throw error
      thrown++
    }
    if (round % 20 !== 0) continue
    const assembly = new Assembly({ subject: 'v' }, 'p', 'required')
    const parts = Array.from({ length: 8 }, () => sentences[below(sentences.length)] ?? Buffer.alloc(1))
    const bytes = Buffer.concat([
      ...parts,
      mutated(sentence),
      Buffer.from(wrongField(sentence)),
      mutated(Buffer.concat(parts)),
    ])
    for (const { message } of [...assembly.push(bytes, noon), ...assembly.end(noon)]) {
      for (const report of land(message).reports) {
        if (report.kind !== 'position') continue
        landedPositions++
        const { latitude, longitude, speedKmh, headingDeg } = report.gps ?? {}
        const possible = Math.abs(latitude ?? 0) <= 90 && Math.abs(longitude ?? 0) <= 180 && (speedKmh ?? 0) >= 0
        if (!possible || (headingDeg ?? 0) > 360 || Number.isNaN(report.deviceTime?.getTime() ?? 0)) {
          t.fail(JSON.stringify(report))
        }
      }
    }
  }
  t.ok(thrown > 5000, `${thrown} were malformed`)
  t.ok(landedPositions > 500, `${landedPositions} positions landed`)
})

t.test('every byte of a link is in exactly one message or between them', async (t) => {
  for (let round = 0; round < 300; round++) {
    const bytes = mutated(mutated(logs[below(logs.length)] ?? Buffer.alloc(1)))
    const assembly = new Assembly({ subject: 'v' }, 'p', 'required')
    const outcomes = [...assembly.push(bytes, noon), ...assembly.end(noon)]
    const solid = (text: Uint8Array) => [...text].filter((byte) => byte > 0x20).length
    const kept = outcomes.reduce((sum, { message }) => sum + solid(message.raw), 0)
    if (kept !== solid(bytes)) t.fail(`${solid(bytes) - kept} bytes are gone`)
    for (const { message } of outcomes) {
      if (message.envelope.what === 'garbage') continue
      const again = Buffer.concat(pieces(message.raw).map(({ bytes }) => bytes))
      if (!again.equals(message.raw) || pieces(message.raw).some(({ kind }) => kind === 'garbage')) {
        t.fail(`framed again it differs: ${JSON.stringify(Buffer.from(message.raw).toString('latin1'))}`)
      }
    }
  }
  t.pass('300 logs')
})
