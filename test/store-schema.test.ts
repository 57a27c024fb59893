import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import { forEachDatabase, temporaryFolder } from './database.ts'

t.setTimeout(120_000)

t.test('the migrations lead to the schema', async (t) => {
  t.match(await drift([]), { code: 0, said: /No difference detected/ })
})

t.test('a field that no migration makes is found', async (t) => {
  const path = await schemaWith(t, 'model Device {', 'model Device {\n  colour String?')
  t.match(await drift([path, '--script']), { code: 2, said: /ALTER TABLE "device" ADD COLUMN +"colour" TEXT/ })
})

forEachDatabase(t, async (t, { prisma }) => {
  t.test("Prisma's client reads every table", async (t) => {
    const counts = await Promise.all([
      prisma.message.findMany(),
      prisma.messageKey.findMany(),
      prisma.position.findMany(),
      prisma.intent.findMany(),
      prisma.outbox.findMany(),
      prisma.deadLetter.findMany(),
      prisma.tally.findMany(),
      prisma.device.findMany(),
      prisma.notice.findMany({ include: { states: true } }),
    ])
    t.same(counts.flat(), [])
  })

  t.test("a transaction of Prisma's is all or nothing", async (t) => {
    const key = { adapter: 'a', key: 'k', receivedAt: new Date() }
    const broken = prisma.$transaction(async (transaction) => {
      await transaction.messageKey.create({ data: key })
      throw new Error('changed my mind')
    })
    await t.rejects(broken, { message: 'changed my mind' })
    t.equal(await prisma.messageKey.count(), 0)
    await prisma.$transaction([prisma.messageKey.create({ data: key })])
    t.equal(await prisma.messageKey.count(), 1)
  })
})

async function schemaWith(t: Test, from: string, to: string): Promise<string> {
  const path = join(await temporaryFolder(t), 'schema.prisma')
  const schema = await readFile(join(packageRoot, 'prisma/schema.prisma'), 'utf8')
  await writeFile(path, schema.replace(from, to))
  return path
}

/** As `npm run drift` runs it. */
function drift(more: readonly string[]): Promise<{ code: number; said: string }> {
  const script = join(packageRoot, 'dist/scripts/drift.js')
  const flags = ['--no-warnings', '--experimental-wasm-modules']
  return new Promise((resolve) => {
    execFile(process.execPath, [...flags, script, ...more], (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr })
    })
  })
}
