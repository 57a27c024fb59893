import type { Pool } from 'pg'
import { describe } from '../errors.ts'
import type { Intake } from '../intake/intake.ts'

/** Ready means: a row could be written now. An answer holds for a moment, so that probes cost nothing. */
export function readinessOf(pool: Pool, intake: Intake): () => Promise<string | null> {
  const holdsMs = 500
  let asked: { readonly atMs: number; readonly answer: Promise<string | null> } | null = null
  const ask = async (): Promise<string | null> => {
    if (intake.stopping) return 'stopping'
    try {
      const { rows } = await withDeadline(
        pool.query<{ read_only: string }>(`SELECT current_setting('transaction_read_only') AS read_only `),
        3000,
      )
      return rows[0]?.read_only === 'on' ? 'the database is read-only' : null
    } catch (error) {
      return describe(error)
    }
  }
  return () => {
    const nowMs = Date.now()
    if (asked === null || nowMs - asked.atMs > holdsMs) asked = { atMs: nowMs, answer: ask() }
    return asked.answer
  }
}

async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the database did not answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
