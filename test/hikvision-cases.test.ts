import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { AlertSequence } from '../adapters/hikvision/alert-messages.ts'
import { MultipartStream } from '../adapters/hikvision/multipart-stream.ts'
import { hikvisionPush } from '../adapters/hikvision/push.ts'
import { hikvisionStream } from '../adapters/hikvision/stream.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Report } from '../gateway/report.ts'
import { seeded } from '../simulators/seeded.ts'
import { plainReports, readAs, truthsOf } from './video-stage.ts'

/**
 * Bytes with the outcome expected of them, a folder a behaviour. `CHENGGUAN_RECORD=1` writes what is read now into
 * expected.json; a reader judges it before it is kept.
 */
const folder = `${packageRoot}test/cases/hikvision/`
const record = process.env.CHENGGUAN_RECORD === '1'
const streamBlock = hikvisionStream.options.parse({
  url: 'http://10.20.0.17',
  username: 'admin',
  password: 'word',
  cameras: { '10.20.0.17': 'c-017', '10.20.0.88/3': 'c-088-3' },
})
const pushBlock = hikvisionPush.options.parse({ cameras: { '10.20.0.17': 'c-017' } })

function outcome(name: string, spoil: (bytes: Buffer) => Buffer = (bytes) => bytes): unknown {
  const stream = `${folder}${name}/input.stream`
  if (existsSync(stream)) {
    const pieces = new MultipartStream({ boundary: 'boundary', maxPart: 1024 * 1024 })
    const alerts = new AlertSequence()
    const found = [...pieces.push(spoil(readFileSync(stream))), ...pieces.end()]
    return found.map((piece) => {
      const message = alerts.inbound(piece)
      return message === null ? 'heartbeat' : readAs(hikvisionStream, streamBlock, message)
    })
  }
  const posted = readFileSync(`${folder}${name}/input.post`)
  const end = posted.indexOf('\n\n')
  const contentType = posted.toString('latin1', 0, end)
  return readAs(hikvisionPush, pushBlock, { raw: spoil(posted.subarray(end + 2)), envelope: { contentType } })
}

const names = readdirSync(folder).filter((entry) => !entry.startsWith('.'))

for (const name of names) {
  t.test(`recorded: ${name}`, async (t) => {
    const found = outcome(name)
    const file = `${folder}${name}/expected.json`
    if (record) writeFileSync(file, `${JSON.stringify(plainReports(found), null, 1)}\n`)
    t.strictSame(plainReports(found), JSON.parse(readFileSync(file, 'utf8')))
    t.ok(existsSync(`${folder}${name}/source.txt`), 'it says where the bytes come from')
    t.same(truthsOf([found].flat(2).filter((one): one is Report => typeof one === 'object' && one !== null)), [])
  })
}

t.test('spoilt in any way it is a report or a DECODE_ error, and nothing else', async (t) => {
  const random = seeded(20261127)
  for (const name of names)
    for (let run = 0; run < 60; run++) {
      const spoil = (bytes: Buffer) => {
        const copy = Buffer.from(bytes)
        if (random() < 0.3) return copy.subarray(0, Math.floor(random() * copy.length))
        for (let n = 0; n < 1 + random() * 8; n++) copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256)
        return copy
      }
      const found = [outcome(name, spoil)].flat(2)
      const faults = truthsOf(found.filter((one): one is Report => typeof one === 'object' && one !== null))
      if (faults.length > 0) t.fail(`${name}, run ${run}: ${faults.join(', ')}`)
    }
})
