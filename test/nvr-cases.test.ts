import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { nvrFrigate } from '../adapters/nvr/frigate.ts'
import { nvrMotion } from '../adapters/nvr/motion.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Report } from '../gateway/report.ts'
import { seeded } from '../simulators/seeded.ts'
import { plainReports, readAs, truthsOf } from './video-stage.ts'

/**
 * Bytes with the outcome expected of them, a folder a behaviour. `CHENGGUAN_RECORD=1` writes what is read now into
 * expected.json; a reader judges it before it is kept.
 */
const folder = `${packageRoot}test/cases/nvr/`
const record = process.env.CHENGGUAN_RECORD === '1'
const motionBlock = nvrMotion.options.parse({ cameras: { '7': 'c-007' } })
const frigateBlock = nvrFrigate.options.parse({
  mqtt: { url: 'mqtt://10.1.2.3:1883', clientId: 'gateway' },
  api: { url: 'http://10.1.2.3:5000' },
  cameras: { front_door: 'c-017' },
})

const plain = (bytes: Buffer) => bytes

function outcome(name: string, spoil: (bytes: Buffer) => Buffer = plain): unknown {
  const bytes = (file: string) => {
    const path = `${folder}${name}/${file}`
    return existsSync(path) ? spoil(readFileSync(path)) : Buffer.alloc(0)
  }
  if (existsSync(`${folder}${name}/input.query`)) {
    const query = bytes('input.query').toString('latin1').trimEnd()
    return readAs(nvrMotion, motionBlock, { raw: bytes('input.body'), envelope: { query } })
  }
  const topic = readFileSync(`${folder}${name}/input.topic`, 'utf8').trim()
  return readAs(nvrFrigate, frigateBlock, { raw: bytes('input.payload'), envelope: { topic } })
}

const names = readdirSync(folder).filter((entry) => !entry.startsWith('.'))
const reportsOf = (found: unknown) =>
  [found].flat(2).filter((one): one is Report => typeof one === 'object' && one !== null)

for (const name of names) {
  t.test(`recorded: ${name}`, async (t) => {
    const found = outcome(name)
    const file = `${folder}${name}/expected.json`
    if (record) writeFileSync(file, `${JSON.stringify(plainReports(found), null, 1)}\n`)
    t.strictSame(plainReports(found), JSON.parse(readFileSync(file, 'utf8')))
    t.ok(existsSync(`${folder}${name}/source.txt`), 'it says where the bytes come from')
    t.same(truthsOf(reportsOf(found)), [])
  })
}

t.test('spoilt in any way it is a report or a DECODE_ error, and nothing else', async (t) => {
  const random = seeded(20261128)
  for (const name of names)
    for (let run = 0; run < 100; run++) {
      const spoil = (bytes: Buffer) => {
        const copy = Buffer.from(bytes)
        if (random() < 0.3) return copy.subarray(0, Math.floor(random() * copy.length))
        for (let n = 0; n < 1 + random() * 8; n++) copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256)
        return copy
      }
      const faults = truthsOf(reportsOf(outcome(name, spoil)))
      if (faults.length > 0) t.fail(`${name}, run ${run}: ${faults.join(', ')}`)
    }
})
