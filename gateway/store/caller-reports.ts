import type { Pool } from 'pg'
import type { City } from '../city/city.ts'
import { stateOf } from '../intake/answers.ts'

/** What a caller reported before, as a seat sees it. */
export interface CallerReport {
  readonly intentId: string
  readonly receivedAt: Date
  readonly queryNumber: string | null
  readonly caseNumber: string | null
  /** As a citizen who asks is told. */
  readonly state: string
  readonly category: string | null
  readonly address: string | null
  readonly text: string | null
}

const mostReports = 5
/** A seat reads the beginning; the intent has the rest. */
const mostText = 2000

/** The newest first; by the number, and by who has the number. What a report said is kept less long than that it was made. */
export async function reportsOfCaller(
  pool: Pool,
  caller: string,
  subject: string | null,
  city: City,
): Promise<CallerReport[]> {
  const { rows } = await pool.query<Omit<CallerReport, 'state'> & { stage: string | null; stageText: string | null }>(
    `WITH mine AS (
       (SELECT intent_id, received_at FROM correspondence WHERE subject = $1 ORDER BY received_at DESC LIMIT ${mostReports})
       UNION (SELECT id, received_at FROM intent WHERE reporter = ANY($2::text[]) AND purpose <> 'vehicle-rule'
         ORDER BY received_at DESC LIMIT ${mostReports}))
     SELECT DISTINCT ON (m.received_at, m.intent_id) m.intent_id AS "intentId", m.received_at AS "receivedAt",
       COALESCE(c.query_number, i.data->>'queryNumber') AS "queryNumber", c.case_number AS "caseNumber",
       c.stage, c.stage_text AS "stageText", i.data->'category'->>'zh' AS category, i.data->>'address' AS address,
       left(i.text, ${mostText}) AS text
     FROM mine m LEFT JOIN correspondence c ON c.intent_id = m.intent_id LEFT JOIN intent i ON i.id = m.intent_id
     ORDER BY m.received_at DESC, m.intent_id DESC LIMIT ${mostReports}`,
    [caller, subject === null ? [caller] : [caller, subject]],
  )
  return rows.map(({ stage, stageText, ...row }) => ({ ...row, state: stateOf({ stage, stageText }, city) }))
}
