import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { freeswitchCdr } from '../adapters/freeswitch/cdr.ts'
import { freeswitchEsl } from '../adapters/freeswitch/esl.ts'
import { FrameReader } from '../adapters/freeswitch/esl-frame.ts'
import { eventMessage } from '../adapters/freeswitch/esl-key.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Report } from '../gateway/report.ts'

/**
 * Bytes with the outcome expected of them, a folder a behaviour. `CHENGGUAN_RECORD=1` writes what is read now into
 * expected.json; a reader judges it before it is kept.
 */
const folder = `${packageRoot}test/cases/freeswitch/`
const record = process.env.CHENGGUAN_RECORD === '1'
const cdrOptions = freeswitchCdr.options.parse({})
const eslOptions = freeswitchEsl.options.parse({ password: 'ClueCon' })
const receivedAt = new Date('2026-11-25T04:00:00Z')

function attempt(read: () => Report[]): unknown {
  try {
    return read()
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, detail: error.detail }
    throw error
  }
}

/** A content type, an empty line, the body. */
function posted(bytes: Buffer): unknown {
  const end = bytes.indexOf('\n\n')
  const envelope = { contentType: bytes.toString('latin1', 0, end), exchange: 'pbx' }
  return attempt(() =>
    freeswitchCdr.decode({ key: '', raw: bytes.subarray(end + 2), envelope, receivedAt }, cdrOptions),
  )
}

/** What came over the link, as it came. */
function heard(bytes: Buffer): unknown {
  return [...new FrameReader(eslOptions.maxEvent).push(bytes)].map((frame) => {
    const format = frame.headers.get('content-type') === 'text/event-plain' ? 'plain' : 'json'
    const message = eventMessage(format, frame, { exchange: 'pbx', peer: 'test' })
    if (message === null) return 'alive'
    return attempt(() => freeswitchEsl.decode({ ...message, receivedAt }, eslOptions))
  })
}

for (const name of readdirSync(folder)) {
  t.test(`recorded: ${name}`, async (t) => {
    const [http, esl] = ['http', 'esl'].map((ending) => `${folder}${name}/input.${ending}`)
    const outcome = existsSync(http ?? '') ? posted(readFileSync(http ?? '')) : heard(readFileSync(esl ?? ''))
    const plain: unknown = JSON.parse(JSON.stringify(outcome))
    const file = `${folder}${name}/expected.json`
    if (record) writeFileSync(file, `${JSON.stringify(plain, null, 1)}\n`)
    t.strictSame(plain, JSON.parse(readFileSync(file, 'utf8')))
    t.ok(existsSync(`${folder}${name}/source.txt`), 'it says where the bytes come from')
    for (const report of [outcome].flat(2) as Report[]) {
      if (report.kind !== 'call') continue
      t.ok(report.subject.length > 0 && report.leg.length > 0 && report.call.length > 0)
      for (const at of [report.deviceTime, report.startedAt, report.ringingAt, report.answeredAt, report.endedAt])
        t.ok(at === null || at.getUTCFullYear() > 2000, `${at?.toISOString()}`)
    }
  })
}
