import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { contentKey } from '../adapters/smpp/content-key.ts'
import { readShortMessage, writeShortMessage } from '../adapters/smpp/short-message.ts'
import { cases, folder, outcome, recorded } from './smpp-stage.ts'

/**
 * Recorded PDUs, one a line, with the outcome expected of them. `CHENGGUAN_RECORD=1` writes what the decoder says now
 * into expected.json; a reader judges it before it is kept.
 */
const record = process.env.CHENGGUAN_RECORD === '1'

/** Bytes as hexadecimal, so that a reader can judge them. */
function told(outcomes: unknown): unknown {
  const readable = (_key: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  return JSON.parse(JSON.stringify(outcomes, readable))
}

for (const name of cases) {
  t.test(`recorded: ${name}`, async (t) => {
    const { pdus, options } = recorded(name)
    const outcomes = pdus.map((pdu) => outcome(pdu, options))
    const file = `${folder}${name}/expected.json`
    if (record) writeFileSync(file, `${JSON.stringify(told(outcomes), null, 1)}\n`)
    t.strictSame(told(outcomes), JSON.parse(readFileSync(file, 'utf8')))
    t.ok(existsSync(`${folder}${name}/source.txt`), 'it says where the bytes come from')

    for (const report of outcomes.flat()) {
      if (typeof report === 'string' || report.kind === 'malformed') continue
      t.match(report.subject, /^tel:(\+\d{5,15}|[^+].*)$/, 'somebody says it')
      t.ok(report.deviceTime === null || report.deviceTime.getUTCFullYear() > 2000)
      if (report.kind === 'part') t.ok(report.number >= 1 && report.number <= report.total && report.total <= 255)
      if (report.kind === 'text') t.ok(report.text?.isWellFormed() && !report.text.includes('\0'))
      if (report.kind === 'delivery') t.ok(report.messageIds.every((id) => id.length > 0))
    }
  })

  t.test(`written again it is the same PDU: ${name}`, async (t) => {
    for (const pdu of recorded(name).pdus) t.ok(writeShortMessage(readShortMessage(pdu)).equals(pdu))
  })

  t.test(`another sequence_number leaves its key, another text does not: ${name}`, async (t) => {
    const keys = recorded(name).pdus.map((pdu) => {
      const again = Buffer.from(pdu)
      again.writeUInt32BE(0x7fffffff, 12)
      t.equal(contentKey(again), contentKey(pdu))
      return contentKey(pdu)
    })
    t.equal(new Set(keys).size, keys.length)
  })
}
