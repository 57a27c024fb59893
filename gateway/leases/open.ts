import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { keepLeases, readLeases, releaseLease } from '../store/leases.ts'
import { leaseMs } from './lease.ts'
import { LeaseDesk } from './lease-desk.ts'

/** The desk of one process of a gateway. Another process of the same name is another holder. */
export function leaseDesk(pool: Pool, gateway: string, log: Logger): LeaseDesk {
  const holder = `${gateway} ${randomUUID()}`
  return new LeaseDesk({
    log,
    nowMs: () => performance.now(),
    book: {
      keep: (names) => keepLeases(pool, holder, names, leaseMs / 1000),
      holders: (names) => readLeases(pool, names),
      release: (name) => releaseLease(pool, holder, name),
    },
  })
}
