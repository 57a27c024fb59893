import { join } from 'node:path'
import type { Configuration } from '../config/schema.ts'
import type { Link } from './adapter.ts'

/** Where a running gateway really listens (port 0 is legal everywhere), for scripts and for the command line. */
export interface Addresses {
  readonly pid: number
  readonly http: string
  /** By adapter name. */
  readonly adapters: Readonly<Record<string, Link>>
}

export function addressesFile({ data }: Pick<Configuration, 'data'>): string {
  return join(data, 'addresses.json')
}
