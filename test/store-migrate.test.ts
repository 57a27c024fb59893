import t, { type Test } from 'tap'
import { GatewayError } from '../gateway/errors.ts'
import { type Migration, migrate, readMigrations } from '../gateway/store/migrate.ts'
import { forEachDatabase, silent } from './database.ts'

t.setTimeout(120_000)

forEachDatabase(t, async (t, { pool }) => {
  t.test('the history is written as Prisma writes it', async (t) => {
    const { rows } = await pool.query('SELECT * FROM _prisma_migrations ORDER BY migration_name')
    const expected = await readMigrations()
    t.equal(rows.length, expected.length)
    for (const [i, { name, checksum }] of expected.entries()) {
      t.match(rows[i], { migration_name: name, checksum, applied_steps_count: 1, logs: null, rolled_back_at: null })
      t.match(rows[i].id, /^[0-9a-f-]{36}$/)
      t.ok(rows[i].finished_at >= rows[i].started_at)
    }
  })

  t.test('ten gateways that start at once on an empty database migrate it once', async (t) => {
    await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await Promise.all(Array.from({ length: 10 }, () => migrate(pool, silent)))
    const { rows } = await pool.query('SELECT migration_name FROM _prisma_migrations')
    t.equal(rows.length, (await readMigrations()).length)
  })

  t.test('a migration changed after it was applied is refused', async (t) => {
    const [first, ...rest] = await readMigrations()
    if (first === undefined) throw new Error('no migration')
    const edited = [{ ...first, checksum: 'f'.repeat(64) }, ...rest]
    await refusedBy(t, migrate(pool, silent, edited), /changed afterwards/)
  })

  t.test('a database newer than the gateway is refused', async (t) => {
    await refusedBy(t, migrate(pool, silent, []), /does not know/)
  })

  t.test('a migration that fails leaves nothing behind and is tried again next time', async (t) => {
    const migrations = await readMigrations()
    const broken = next('CREATE TABLE half_done (n INT); SELECT 1 / 0;')
    await refusedBy(t, migrate(pool, silent, [...migrations, broken]), /99999999000000_next failed: division by zero/)
    const { rows } = await pool.query(`SELECT to_regclass('half_done') AS found`)
    t.equal(rows[0].found, null)
    await migrate(pool, silent, [...migrations, next('CREATE TABLE half_done (n INT)')])
    t.equal((await pool.query(`SELECT * FROM half_done`)).rows.length, 0)
  })
})

function next(sql: string): Migration {
  return { name: '99999999000000_next', sql, checksum: '0'.repeat(64) }
}

async function refusedBy(t: Test, work: Promise<void>, words: RegExp): Promise<void> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  )
  t.ok(error instanceof GatewayError)
  t.match(error, { code: 'STORE_MIGRATION', message: words })
}
