import t from 'tap'
import { Columns } from '../gateway/store/columns.ts'
import { forEachDatabase } from './database.ts'

t.test('columns', async (t) => {
  await forEachDatabase(t, async (t, { pool }) => {
    const back = async (expression: (columns: Columns) => string) => {
      const columns = new Columns()
      const sql = `SELECT array_agg(v::text) AS got FROM unnest(${expression(columns)}) AS u(v)`
      const { rows } = await pool.query<{ got: (string | null)[] | null }>(sql, columns.values())
      return rows[0]?.got ?? []
    }
    const same = <Value>(value: Value) => value

    await t.test(
      'text of any script, length and oddity arrives, and what PostgreSQL cannot hold is replaced',
      async (t) => {
        const texts = ['', 'a"b\\c{},', null, '雨水井盖', '😀'.repeat(100), 'x'.repeat(40_000), 'a\0b', 'half \ud83d']
        const stored = texts.map((text) => text?.replaceAll('\0', '\uFFFD').toWellFormed() ?? null)
        t.strictSame(await back((columns) => columns.text(texts, same)), stored)
      },
    )

    await t.test('numbers arrive to their last bit', async (t) => {
      const floats = [0, -0.1, 32.3912345, 1e300, 5e-324, null, Number.NaN]
      t.strictSame(
        (await back((columns) => columns.float(floats, same))).map((f) => f && Number(f)),
        floats,
      )
      const whole = [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, -(2 ** 53)]
      t.strictSame((await back((columns) => columns.bigint(whole, same))).map(Number), whole)
      const small = [0, -1, 2 ** 31 - 1, -(2 ** 31), null]
      t.strictSame(
        (await back((columns) => columns.int(small, same))).map((i) => i && Number(i)),
        small,
      )
    })

    await t.test('times arrive to the millisecond, before and after 2000', async (t) => {
      const times = [
        '1970-01-01T00:00:00.001Z',
        '1999-12-31T23:59:59.999Z',
        '2026-11-23T10:45:58.123Z',
        '9999-01-01T00:00:00Z',
      ]
      const columns = new Columns()
      const sql = `SELECT v FROM unnest(${columns.time([...times, null], (time) => (time === null ? null : new Date(time)))}) AS u(v)`
      const { rows } = await pool.query<{ v: Date | null }>(sql, columns.values())
      t.strictSame(
        rows.map(({ v }) => v),
        [...times.map((time) => new Date(time)), null],
      )
    })

    await t.test('days, ids, bytes and JSON arrive', async (t) => {
      const days = ['1999-12-31', '2000-01-01', '2026-11-23', '2028-02-29']
      t.strictSame(await back((columns) => columns.date(days, same)), days)
      const ids = ['01890a5d-ac96-774b-bcce-b302099a8057', 'ffffffff-ffff-ffff-ffff-ffffffffffff']
      t.strictSame(await back((columns) => columns.uuid(ids, same)), ids)
      const bytes = [Uint8Array.of(), Uint8Array.of(0, 255, 92, 34), Buffer.alloc(70_000, 1)]
      const hex = bytes.map((some) => `\\x${Buffer.from(some).toString('hex')}`)
      t.strictSame(await back((columns) => columns.bytes(bytes, same)), hex)
      t.strictSame(await back((columns) => columns.json(['{"a": "雨"}', 'null', '[1, 2]'], same)), [
        '{"a": "雨"}',
        'null',
        '[1, 2]',
      ])
    })

    await t.test('many columns of many rows stand in one statement, and a column of none is empty', async (t) => {
      const rows = Array.from({ length: 3_000 }, (_, i) => i)
      const columns = new Columns()
      const part = [columns.int(rows, same), columns.text(rows, (i) => `${i}`), columns.value('one')]
      const sql = `SELECT count(*)::int AS n, min(w) AS w FROM (SELECT *, ${part[2]} AS w FROM unnest(${part[0]}, ${part[1]}) AS u(i, s)) AS r WHERE i::text = s`
      const { rows: found } = await pool.query(sql, columns.values())
      t.strictSame(found, [{ n: 3_000, w: 'one' }])
      t.strictSame(await back((none) => none.text([], same)), [])
    })
  })
})
