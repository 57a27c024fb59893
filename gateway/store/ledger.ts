import type { Pool } from 'pg'

/**
 * The ledger: every message has one disposition, every intent one row for each of its destinations, every row one
 * state. `readLedger` reads the counters; `audit` holds them against the rows themselves.
 */

export interface ChannelLedger {
  readonly adapter: string
  readonly channel: string
  readonly received: number
  readonly stored: number
  readonly duplicate: number
  readonly filtered: Readonly<Record<string, number>>
  readonly deadLettered: Readonly<Record<string, number>>
  readonly balanced: boolean
}

export interface DestinationLedger {
  readonly destination: string
  /** Outbox rows ever made. */
  readonly events: number
  readonly delivered: number
  readonly pending: number
  readonly dead: number
  readonly balanced: boolean
}

export interface Ledger {
  readonly channels: readonly ChannelLedger[]
  readonly destinations: readonly DestinationLedger[]
  readonly balanced: boolean
}

interface TallyTotal {
  readonly subject: string
  readonly channel: string
  readonly what: string
  readonly reason: string
  readonly n: string
}

export async function readLedger(pool: Pool): Promise<Ledger> {
  // One statement, so one snapshot: counters and rows of different moments would not add up while messages come in.
  const { rows } = await pool.query<{ tallies: TallyTotal[] | null; states: OutboxTotal[] | null }>(
    `SELECT
      (SELECT json_agg(t) FROM (SELECT subject, channel, what, reason, sum(n)::text AS n FROM tally
        GROUP BY subject, channel, what, reason ORDER BY subject, what, reason) t) AS tallies,
      (SELECT json_agg(o) FROM (SELECT destination, state, count(*)::text AS n FROM outbox
        GROUP BY destination, state) o) AS states`,
  )
  const tallies = rows[0]?.tallies ?? []
  const channels = channelLedgers(tallies)
  const destinations = destinationLedgers(tallies, rows[0]?.states ?? [])
  return { channels, destinations, balanced: [...channels, ...destinations].every(({ balanced }) => balanced) }
}

interface OutboxTotal {
  readonly destination: string
  readonly state: string
  readonly n: string
}

function channelLedgers(tallies: readonly TallyTotal[]): ChannelLedger[] {
  const adapters = new Map<string, TallyTotal[]>()
  for (const row of tallies) {
    if (row.channel === 'core') continue
    adapters.set(row.subject, [...(adapters.get(row.subject) ?? []), row])
  }
  return [...adapters].map(([adapter, rows]) => {
    const one = (what: string) => sum(rows.filter((row) => row.what === what))
    const byReason = (what: string) =>
      Object.fromEntries(
        rows.filter((row) => row.what === what && row.n !== '0').map((row) => [row.reason, Number(row.n)]),
      )
    const received = one('received')
    const stored = one('stored')
    const duplicate = one('duplicate')
    return {
      adapter,
      channel: rows[0]?.channel ?? '',
      received,
      stored,
      duplicate,
      filtered: byReason('filtered'),
      deadLettered: byReason('dead-lettered'),
      balanced: received === stored + duplicate + one('filtered') + one('dead-lettered'),
    }
  })
}

function destinationLedgers(tallies: readonly TallyTotal[], states: readonly OutboxTotal[]): DestinationLedger[] {
  const ofCore = tallies.filter(({ channel }) => channel === 'core')
  const names = new Set([...ofCore.map(({ subject }) => subject), ...states.map(({ destination }) => destination)])
  return [...names].sort().map((destination) => {
    const made = (what: string) => sum(ofCore.filter((row) => row.subject === destination && row.what === what))
    const inState = (...wanted: string[]) =>
      sum(states.filter((row) => row.destination === destination && wanted.includes(row.state)))
    const events = made('outbox')
    const delivered = inState('delivered') + made('outbox-pruned')
    const pending = inState('pending', 'claimed')
    const dead = inState('dead')
    return { destination, events, delivered, pending, dead, balanced: events === delivered + pending + dead }
  })
}

function sum(rows: readonly { readonly n: string }[]): number {
  return rows.reduce((total, { n }) => total + Number(n), 0)
}

/** Every way in which counters and rows disagree, in words; empty when the ledger holds. */
export async function audit(pool: Pool): Promise<{ ledger: Ledger; faults: string[] }> {
  const ledger = await readLedger(pool)
  const faults = [
    ...ledger.channels
      .filter(({ balanced }) => !balanced)
      .map(({ adapter }) => `${adapter}: received is not the sum of its dispositions`),
    ...ledger.destinations
      .filter(({ balanced }) => !balanced)
      .map(({ destination }) => `${destination}: events made are not delivered + pending + dead`),
  ]
  for (const { sql, say } of checks) {
    const { rows } = await pool.query<Record<string, unknown>>(sql)
    faults.push(...rows.map(say))
  }
  return { ledger, faults }
}

interface Check {
  readonly sql: string
  say(row: Record<string, unknown>): string
}

const checks: readonly Check[] = [
  {
    // Days whose messages retention has dropped have no rows to compare with.
    sql: `WITH kept AS (SELECT min((received_at AT TIME ZONE 'UTC')::date) AS first FROM message),
      counted AS (SELECT day, subject AS adapter, what, sum(n)::bigint AS n FROM tally, kept
        WHERE channel <> 'core' AND what IN ('stored', 'filtered', 'dead-lettered') AND day >= kept.first
        GROUP BY day, subject, what HAVING sum(n) <> 0),
      actual AS (SELECT (received_at AT TIME ZONE 'UTC')::date AS day, adapter, disposition AS what, count(*) AS n
        FROM message GROUP BY 1, 2, 3)
      SELECT day::text, adapter, what, COALESCE(counted.n, 0)::text AS counted, COALESCE(actual.n, 0)::text AS actual
      FROM counted FULL JOIN actual USING (day, adapter, what)
      WHERE COALESCE(counted.n, 0) <> COALESCE(actual.n, 0)`,
    say: ({ day, adapter, what, counted, actual }) =>
      `${adapter} on ${day}: ${counted} messages counted as ${what}, ${actual} rows`,
  },
  {
    sql: `SELECT i.id, d.name FROM intent i CROSS JOIN LATERAL unnest(i.destinations) AS d(name)
      WHERE NOT EXISTS (SELECT 1 FROM outbox o WHERE o.event_id = i.id AND o.destination = d.name) LIMIT 100`,
    say: ({ id, name }) => `intent ${id} has no outbox row for ${name}`,
  },
  {
    sql: `SELECT o.event_id, o.destination FROM outbox o WHERE o.type = 'case-intent'
      AND NOT EXISTS (SELECT 1 FROM intent i WHERE i.id = o.event_id AND o.destination = ANY(i.destinations)) LIMIT 100`,
    say: ({ event_id, destination }) => `outbox row of ${event_id} for ${destination} has no intent`,
  },
  {
    sql: `SELECT m.id FROM message m WHERE m.disposition = 'dead-lettered'
      AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.message_id = m.id) LIMIT 100`,
    say: ({ id }) => `message ${id} is dead-lettered without a dead letter`,
  },
]
