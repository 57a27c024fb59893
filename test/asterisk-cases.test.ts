import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { asteriskCdr } from '../adapters/asterisk/cdr-file.ts'
import { readCsv } from '../adapters/asterisk/csv.ts'
import { csvColumns } from '../adapters/asterisk/csv-options.ts'
import { AmiFraming } from '../adapters/asterisk/framing.ts'
import { cdrKey } from '../adapters/asterisk/identity.ts'
import { Lines } from '../adapters/asterisk/lines.ts'
import { decodeBlock, sort } from '../adapters/asterisk/messages.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { CallReport, Report } from '../gateway/report.ts'
import { seeded } from '../simulators/seeded.ts'
import { amiDefaults } from './asterisk-stage.ts'

/**
 * What a real Asterisk said, with the outcome expected of it, a folder a behaviour. `CHENGGUAN_RECORD=1` writes what the
 * decoder says now into expected.json; a reader judges it before it is kept.
 */
const folder = `${packageRoot}test/cases/asterisk/`
const record = process.env.CHENGGUAN_RECORD === '1'
const options = {
  ...amiDefaults,
  timeZone: 'Asia/Shanghai',
  contexts: { inbound: ['hotline'], outbound: [], internal: [] },
}
const cdrOptions = asteriskCdr.options.parse({ file: '/none', timeZone: options.timeZone, contexts: options.contexts })
const receivedAt = new Date('2026-11-25T14:00:00Z')

interface Heard {
  readonly key: string
  readonly reports: readonly Report[]
}

/** The stream in the given pieces, as a link reads it. */
function heard(chunks: readonly Buffer[]): Heard[] {
  const framing = new AmiFraming()
  let order = 0
  return chunks
    .flatMap((chunk) => framing.push(chunk))
    .flatMap((piece) => {
      if (piece.kind !== 'block') return []
      const sorted = sort(piece.bytes, 'pbx', String(++order).padStart(4, '0'))
      if (sorted.is !== 'of-use') return []
      return [{ key: sorted.inbound.key, reports: decodeBlock(sorted.inbound, options) }]
    })
}

function written(bytes: Buffer): Heard[] {
  return new Lines().push(bytes).map((line) => ({
    key: cdrKey(readCsv(line.bytes, csvColumns)),
    reports: asteriskCdr.decode({ key: '', raw: line.bytes, envelope: { exchange: 'pbx' }, receivedAt }, cdrOptions),
  }))
}

/** Only what is said: a report has some twenty fields, most of them null. */
function told(list: readonly Heard[]): unknown {
  const plain = list.map(({ key, reports }) => ({
    key,
    reports: reports.map((report) => Object.fromEntries(Object.entries(report).filter(([, value]) => value !== null))),
  }))
  return JSON.parse(JSON.stringify(plain))
}

const random = seeded(20_261_125)
function cut(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + Math.floor(random() * 900)
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
}

const names = readdirSync(folder).filter((entry) => !entry.startsWith('.'))

for (const name of names) {
  t.test(`recorded: ${name}`, async (t) => {
    const stream = readFileSync(`${folder}${name}/ami.txt`)
    const live = heard([stream])
    const file = written(readFileSync(`${folder}${name}/Master.csv`))
    const says = { ami: told(live), file: told(file) }
    const expected = `${folder}${name}/expected.json`
    if (record) writeFileSync(expected, `${JSON.stringify(says, null, 1)}\n`)
    t.strictSame(says, JSON.parse(readFileSync(expected, 'utf8')))
    t.ok(existsSync(`${folder}${name}/source.txt`), 'it says where the bytes come from')
    t.strictSame(told(heard(cut(stream))), says.ami, 'however the stream is cut')
    t.equal(new Set(live.map(({ key }) => key)).size, live.length, 'every block has a key of its own')
    const cdrs = live.filter(({ key }) => key.startsWith('cdr:')).map(({ key }) => key)
    if (name !== 'no-new-columns')
      t.strictSame(
        cdrs,
        file.map(({ key }) => key),
        'a CDR has one key by both ways',
      )

    const calls = [...live, ...file].flatMap(({ reports }) => reports).filter((report) => report.kind === 'call')
    for (const one of calls) truths(t, one)
    t.equal(new Set(calls.map(({ call }) => call)).size, 1, 'all of it is one call')
  })
}

function truths(t: Test, { subject, leg, call, caller, ...rest }: CallReport): void {
  t.ok(subject.length > 0 && leg.length > 0 && call.length > 0)
  t.ok(caller === null || caller.startsWith('tel:'))
  for (const time of [rest.deviceTime, rest.startedAt, rest.ringingAt, rest.answeredAt, rest.endedAt])
    if (time !== null)
      t.ok(Math.abs(time.getTime() - Date.parse('2026-11-25T05:39:00Z')) < 12 * 3_600_000, time.toISOString())
}

t.test('CDRs without sequence have one key by both ways, too', async (t) => {
  const stream = readFileSync(`${folder}no-new-columns/ami.txt`)
  const file = written(readFileSync(`${folder}no-new-columns/Master.csv`))
  t.strictSame(
    heard([stream]).flatMap(({ key }) => (key.startsWith('cdr:') ? [key] : [])),
    file.map(({ key }) => key),
  )
})
