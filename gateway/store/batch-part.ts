import type { BatchRows } from '../intake/rows.ts'
import type { Columns } from './columns.ts'

/** One table's part of a batch's statement: its SQL, with placeholders made by `columns`; `null` when it has no rows. */
export type BatchPart = (rows: BatchRows, gateway: string, columns: Columns) => string | null
