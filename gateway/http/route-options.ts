import type { Pool } from 'pg'
import type { PopUps } from '../calls/pop-ups.ts'
import type { Source } from '../intake/arrival.ts'
import type { Desk } from '../intake/commit.ts'
import type { NoticeOffice } from '../notices/office.ts'
import type { PrismaClient } from '../store/client/client.ts'
import type { Supervisor } from '../supervisor.ts'

/** What the routes work on. */
export interface RouteOptions {
  readonly pool: Pool
  readonly prisma: PrismaClient
  readonly desk: Desk
  readonly sources: ReadonlyMap<string, Source>
  readonly office: NoticeOffice
  readonly popUps: PopUps
  readonly links: readonly Supervisor[]
  /** Events were put back in line. */
  posted(): void
}
