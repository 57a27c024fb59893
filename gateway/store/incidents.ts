import type { ClientBase, Pool } from 'pg'
import { plainArray, textArray } from './array-literal.ts'

/** Incidents that a storm is made of: of one category in one district. Empty: none is known. */
export interface StormGroup {
  readonly scheme: string
  readonly kind: string
  readonly code: string
  readonly district: string
}

/** How many became cases since then, or part of one, and the storm's incident that they are part of by now. */
export async function findStorms(
  pool: Pool | ClientBase,
  groups: readonly StormGroup[],
  since: Date,
): Promise<(StormGroup & { readonly recent: number; readonly head: string | null })[]> {
  const { rows } = await pool.query<StormGroup & { recent: string; head: string | null }>(
    `SELECT g.scheme, g.kind, g.code, g.district, n.recent, n.head
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS g(scheme, kind, code, district)
     CROSS JOIN LATERAL (SELECT count(*) AS recent, (array_agg(COALESCE(i.merged_into, i.id) ORDER BY i.seq DESC)
         FILTER (WHERE i.merged_into IS NOT NULL OR 'storm' = ANY(i.flags)))[1] AS head
       FROM incident i WHERE i.category_code = g.code AND i.category_kind = g.kind AND i.category_scheme = g.scheme
         AND COALESCE(i.district, '') = g.district AND i.case_at > $5) AS n`,
    [
      textArray(groups.map(({ scheme }) => scheme)),
      textArray(groups.map(({ kind }) => kind)),
      textArray(groups.map(({ code }) => code)),
      textArray(groups.map(({ district }) => district)),
      since,
    ],
  )
  return rows.map(({ recent, ...group }) => ({ ...group, recent: Number(recent) }))
}

/** Incidents that time has something to do to, by device; some at a time, the longest due first. */
export async function dueIncidents(pool: Pool, now: Date): Promise<Map<string, string[]>> {
  const { rows } = await pool.query<{ subject: string; id: string }>(
    'SELECT subject, id FROM incident WHERE due_at <= $1 ORDER BY due_at LIMIT 500',
    [now],
  )
  const bySubject = new Map<string, string[]>()
  for (const { subject, id } of rows) bySubject.set(subject, [...(bySubject.get(subject) ?? []), id])
  return bySubject
}

/** Ends incidents that their device's memory no longer has. */
export async function endLost(client: ClientBase, ids: readonly string[], now: Date): Promise<void> {
  await client.query(
    `UPDATE incident SET state = 'cleared', cleared_at = COALESCE(cleared_at, $2),
       cleared_why = COALESCE(cleared_why, 'lost'), due_at = NULL WHERE id = ANY($1::uuid[])`,
    [plainArray(ids), now],
  )
}

/** How incidents stand: those that are open by flag, and how many there ever were by what became of them. */
export async function incidentGauges(pool: Pool): Promise<{
  readonly open: readonly { readonly flag: string; readonly n: number }[]
  readonly totals: readonly { readonly outcome: string; readonly n: number }[]
}> {
  const [open, totals] = await Promise.all([
    pool.query<{ flag: string; n: string }>(
      `SELECT flag, count(*) AS n FROM incident CROSS JOIN LATERAL unnest(array_append(flags, 'any')) AS f(flag)
       WHERE state = 'open' GROUP BY flag`,
    ),
    pool.query<{ outcome: string; n: string }>(
      `SELECT reason AS outcome, sum(n) AS n FROM tally WHERE what = 'incident' GROUP BY reason`,
    ),
  ])
  return {
    open: open.rows.map(({ flag, n }) => ({ flag, n: Number(n) })),
    totals: totals.rows.map(({ outcome, n }) => ({ outcome, n: Number(n) })),
  }
}
