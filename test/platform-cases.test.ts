import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { adapterKinds } from '../gateway/adapter-kinds.ts'
import { GatewayError } from '../gateway/errors.ts'
import { packageRoot } from '../gateway/package-root.ts'

/** Requests with what is read of them; `CHENGGUAN_RECORD=1` writes it anew, and a reader judges it before it is kept. */
const folder = `${packageRoot}test/cases/platform/`
const record = process.env.CHENGGUAN_RECORD === '1'

function outcome(name: string): unknown {
  const { kind: named, ...envelope } = JSON.parse(readFileSync(`${folder}${name}/envelope.json`, 'utf8'))
  const kind = adapterKinds.find(({ kind }) => kind === named)
  if (kind === undefined) throw new Error(`no kind ${named}`)
  const raw = readFileSync(`${folder}${name}/input.json`)
  const receivedAt = new Date('2026-11-26T02:00:00Z')
  try {
    return { reports: kind.decode({ key: '', raw, envelope, receivedAt }, kind.options.parse({}) as never) }
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, detail: error.detail }
    throw error
  }
}

for (const name of readdirSync(folder)) {
  t.test(`recorded: ${name}`, async (t) => {
    const found = JSON.parse(JSON.stringify(outcome(name)))
    const file = `${folder}${name}/expected.json`
    if (record) writeFileSync(file, `${JSON.stringify(found, null, 1)}\n`)
    t.strictSame(found, JSON.parse(readFileSync(file, 'utf8')))
    t.ok(readFileSync(`${folder}${name}/source.txt`, 'utf8').length > 0, 'its source is named')
  })
}
