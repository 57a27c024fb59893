import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils'
import { SchemaEngine } from '@prisma/schema-engine-wasm'
import pg from 'pg'
import { pino } from 'pino'
import { packageRoot } from '../gateway/package-root.ts'
import { openEmbedded } from '../gateway/store/embedded.ts'
import { migrate } from '../gateway/store/migrate.ts'

// Do the migrations lead to the schema? `npm run drift` prints what differs and exits with 2; `-- --script` prints it as
// SQL, the draft of the next migration. Prisma's engine looks at an embedded database that the gateway has migrated.
// Partitions and partial indexes, which a schema cannot describe, it passes over.

const charOid = 18
const textOid = 25
// What the engine says when it gives up, which it does by aborting.
Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: (words: string) => console.error(words) } })

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { script: { type: 'boolean', default: false } },
})
const schemaPath = positionals[0] ?? join(packageRoot, 'prisma/schema.prisma')
const folder = await mkdtemp(join(tmpdir(), 'chengguan-drift-'))
const log = pino({ level: 'silent' })
const database = await openEmbedded({ folder, log })
const pool = new pg.Pool(database.connection)
try {
  await migrate(pool, log)
  const { exitCode, stdout } = await diff()
  console.log(stdout?.trim() ?? '')
  process.exitCode = exitCode
} finally {
  await pool.end()
  await database.close()
  await rm(folder, { recursive: true, force: true })
}

async function diff() {
  const content = await readFile(schemaPath, 'utf8')
  const files = [{ path: schemaPath, content }]
  const adapter = bindMigrationAwareSqlAdapterFactory(forIntrospection(pool))
  const engine = await SchemaEngine.new({ datamodels: [[schemaPath, content]] }, () => {}, adapter)
  return engine.diff({
    from: { tag: 'schemaDatasource', files, configDir: packageRoot },
    to: { tag: 'schemaDatamodel', files },
    script: values.script,
    exitCode: true,
    filters: { externalTables: [], externalEnums: [] },
  })
}

/** The engine wants the "char" columns of PostgreSQL's catalogue as characters; this adapter does not know the type. */
function forIntrospection(original: pg.Pool): SqlMigrationAwareDriverAdapterFactory {
  let characters: boolean[] = []
  const query = async (config: pg.QueryArrayConfig) => {
    const result = await original.query(config)
    characters = result.fields.map((field) => field.dataTypeID === charOid)
    for (const field of result.fields) if (field.dataTypeID === charOid) field.dataTypeID = textOid
    return result
  }
  const factory = new PrismaPg(Object.assign(Object.create(original) as pg.Pool, { query }))
  const connect = async () => {
    const adapter = await factory.connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (sql) => {
      const result = await queryRaw(sql)
      const columnTypes = result.columnTypes.map((type, i) => (characters[i] ? ColumnTypeEnum.Character : type))
      return { ...result, columnTypes }
    }
    return adapter
  }
  return { provider: 'postgres', adapterName: factory.adapterName, connect, connectToShadowDb: connect }
}
