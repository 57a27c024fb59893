import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { modbus } from '../adapters/modbus/adapter.ts'
import { encodeRtu, encodeTcp, type Framing, seekRtu, seekTcp, splitRequests } from '../adapters/modbus/framing.ts'
import { decodeAnswer, decodeRequest, encodeAnswer, encodeException, encodeRequest } from '../adapters/modbus/pdu.ts'
import { inboundOf, type Outcome } from '../adapters/modbus/poll.ts'
import { packageRoot } from '../gateway/package-root.ts'

interface Expected {
  readonly framing: Framing
  readonly unit: number
  readonly map: unknown
  readonly points: readonly object[]
}

const folder = join(packageRoot, 'test/cases/modbus')
const at = new Date('2026-11-25T06:00:00Z')

/** Request and answer by turns, as they were on the wire. */
function exchanges(text: string): [asked: Buffer, answered: Buffer][] {
  const lines = text.trim().split('\n')
  return lines.flatMap((line, i): [Buffer, Buffer][] =>
    line.startsWith('> ')
      ? [[Buffer.from(line.slice(2), 'hex'), Buffer.from((lines[i + 1] ?? '').slice(2), 'hex')]]
      : [],
  )
}

const names = readdirSync(folder)

t.test('the cases are there', async (t) => {
  t.ok(names.length >= 6)
  for (const name of names) t.ok(readFileSync(join(folder, name, 'source.txt'), 'utf8').length > 100, name)
})

for (const name of names) {
  t.test(name, async (t) => {
    const read = (file: string) => readFileSync(join(folder, name, file), 'utf8')
    const { framing, unit, map, points } = JSON.parse(read('expected.json')) as Expected
    const outcomes = exchanges(read('exchange.txt')).map(([asked, answered]): Outcome => {
      const [heard] = splitRequests(asked, framing).requests
      if (heard === undefined) throw new Error('the request is none')
      t.equal(heard.unit, unit)
      const frame =
        framing === 'tcp'
          ? (pdu: Buffer) => encodeTcp(heard.transaction, unit, pdu)
          : (pdu: Buffer) => encodeRtu(unit, pdu)
      const read = decodeRequest(heard.pdu)
      if (!('request' in read)) throw new Error('the request is not one that reads')
      const { request } = read
      t.same(frame(encodeRequest(request)), asked, 'the codec writes the request so')

      const seek = framing === 'tcp' ? seekTcp : seekRtu
      const { pdu, strays, rest } = seek(answered, { transaction: heard.transaction, unit, fn: request.fn })
      if (pdu === null) throw new Error('the answer is none')
      t.same([strays, rest.length], [[], 0])
      const { said } = decodeAnswer(request, pdu)
      const written = said.data === null ? encodeException(request.fn, said.code) : encodeAnswer(request.fn, said.data)
      t.same(frame(written), answered, 'the codec writes the answer so')
      return { request, is: 'answered', pdu }
    })
    const options = modbus.options.parse({ transport: 'tcp', host: 'x', units: [{ unit, sensor: 's-1', map }] })
    const message = { ...inboundOf({ unit, at, outcomes }, 'case'), receivedAt: at }
    const [report, ...more] = modbus.decode(message, options)
    t.equal(more.length, 0)
    if (report?.kind !== 'reading') throw new Error('no reading')
    t.match(report, { subject: 's-1', deviceTime: at })
    t.same(
      report.points.map(({ limits: _limits, ...point }) => point),
      points,
    )
  })
}

t.test('spoilt polls are DECODE_ errors, and no report has a NaN', async (t) => {
  const options = modbus.options.parse({
    ...{ transport: 'tcp', host: 'x' },
    units: [
      { unit: 1, sensor: 's-1', map: { points: [{ point: 'a', function: 'holding', address: 0, type: 'f32' }] } },
    ],
  })
  const good = { unit: '1', at: at.toISOString(), requests: '[[3,0,2]]' }
  const decode = (envelope: Record<string, string>, hex: string) =>
    modbus.decode({ key: 'k', raw: Buffer.from(hex, 'hex'), envelope, receivedAt: at }, options)
  t.match(decode(good, '03043f800000'), [{ points: [{ value: 1 }] }])
  for (const [envelope, hex, code] of [
    [good, '', 'DECODE_SYNTAX'],
    [good, '03', 'DECODE_SYNTAX'],
    [good, '03043f8000', 'DECODE_SYNTAX'],
    [good, '03023f80', 'DECODE_SYNTAX'],
    [good, '04043f800000', 'DECODE_SYNTAX'],
    [good, '03043f80000000', 'DECODE_SYNTAX'],
    [{}, '', 'DECODE_FIELD'],
    [{ ...good, unit: '0' }, '', 'DECODE_FIELD'],
    [{ ...good, unit: '9' }, '03043f800000', 'DECODE_UNSUPPORTED'],
    [{ ...good, at: 'noon' }, '', 'DECODE_FIELD'],
    [{ ...good, requests: '[[7,0,2]]' }, '', 'DECODE_FIELD'],
    [{ ...good, requests: '{' }, '', 'DECODE_FIELD'],
    [{ ...good, requests: '[[3,0,2,"answered","x"]]' }, '', 'DECODE_FIELD'],
  ] as const)
    t.throws(() => decode(envelope, hex), { code }, `${JSON.stringify(envelope)} ${hex}`)
  t.same(decode({ ...good, requests: '[[4,0,2]]' }, '04043f800000'), [], 'a map that has changed says nothing of it')
})
