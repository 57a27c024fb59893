import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { mm7 } from '../adapters/mms/mm7-listener.ts'
import { messageType } from '../adapters/mms/mms-fields.ts'
import { messageTypeOf, readNotification, readRetrieveConf } from '../adapters/mms/mms-pdu.ts'
import { readPush } from '../adapters/mms/push.ts'
import { mmsRetriever } from '../adapters/mms/retriever.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Report } from '../gateway/report.ts'

/**
 * Recorded bytes with the outcome expected of them, a folder a behaviour. `CHENGGUAN_RECORD=1` writes what is read now
 * into expected.json; a reader judges it before it is kept.
 */
const folder = `${packageRoot}test/cases/mms/`
const record = process.env.CHENGGUAN_RECORD === '1'
const names = readdirSync(folder).filter((entry) => !entry.startsWith('.'))
const retriever = mmsRetriever.options.parse({ hosts: ['mmsc.example'] })
const vasp = mm7.options.parse({ username: 'mmsc', password: 'word' })
const receivedAt = new Date('2026-11-23T02:00:00Z')

const read = (name: string, ending: string): Buffer | null => {
  const file = `${folder}${name}/input.${ending}`
  return existsSync(file) ? readFileSync(file) : null
}

function outcome(name: string): unknown {
  const pdu = read(name, 'mms')
  const push = read(name, 'push')
  const posted = read(name, 'mm7')
  try {
    if (push !== null) return { notification: readNotification(readPush(push)) }
    if (pdu !== null && messageTypeOf(pdu) === messageType.notificationInd)
      return { notification: readNotification(pdu) }
    if (pdu !== null)
      return {
        reports: mmsRetriever.decode({ key: '', raw: pdu, envelope: { is: 'retrieve-conf' }, receivedAt }, retriever),
      }
    const [contentType, body] = request(posted ?? Buffer.alloc(0))
    return { reports: mm7.decode({ key: '', raw: body, envelope: { contentType }, receivedAt }, vasp) }
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, detail: error.detail }
    throw error
  }
}

function request(posted: Buffer): [contentType: string, body: Buffer] {
  const end = posted.indexOf('\n')
  const body = posted.indexOf('\n', end + 1) + 1
  return [posted.toString('latin1', 0, end).trim(), posted.subarray(body)]
}

/** Attachments by their size: the bytes stand in the input. */
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, one) => (one?.type === 'Buffer' ? { bytes: one.data.length } : one)))

for (const name of names) {
  t.test(`recorded: ${name}`, async (t) => {
    const found = outcome(name)
    const file = `${folder}${name}/expected.json`
    if (record) writeFileSync(file, `${JSON.stringify(plain(found), null, 1)}\n`)
    t.strictSame(plain(found), JSON.parse(readFileSync(file, 'utf8')))
    t.ok(existsSync(`${folder}${name}/source.txt`), 'it says where the bytes come from')
    for (const report of (found as { reports?: Report[] }).reports ?? []) {
      if (report.kind !== 'text') continue
      t.ok(report.subject !== '' && (report.deviceTime === null || report.deviceTime.getUTCFullYear() > 2000))
      for (const { content, sha256 } of report.attachments)
        t.ok(content !== null && content.length > 0 && sha256 === null)
    }
  })
}

/** decode-mms writes each part's type and the size of its body, and each subject as octets. */
t.test('another decoder sees the same parts', async (t) => {
  let compared = 0
  for (const name of names) {
    const file = `${folder}${name}/decode-mms.txt`
    const pdu = read(name, 'mms')
    if (!existsSync(file) || pdu === null || messageTypeOf(pdu) !== messageType.retrieveConf) continue
    const theirs = [...readFileSync(file, 'latin1').matchAll(/^\tContent-Type: (\S+).*?Body Size: (\d+)/gms)]
    const ours = readRetrieveConf(pdu).parts
    t.strictSame(ours.broken, [], name)
    t.strictSame(
      ours.whole.map(({ type, content }) => `${type} ${content.length}`),
      theirs.map(([, type, size]) => `${type} ${size}`),
      name,
    )
    compared++
  }
  t.equal(compared, 12)
})
