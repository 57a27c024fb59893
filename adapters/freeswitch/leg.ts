import { GatewayError, quote } from '../../gateway/errors.ts'

/**
 * What FreeSWITCH knows of one leg, whoever tells it: a CDR as JSON or XML, or an event. Names of variables are
 * FreeSWITCH's own.
 */
export interface Leg {
  readonly uuid: string
  /** As FreeSWITCH sees it: `inbound` came to it, `outbound` was made by it. */
  readonly direction: string | null
  readonly variables: Variables
  /** The newest first: each transfer puts one before the others. Empty in an event. */
  readonly profiles: readonly CallerProfile[]
}

/** Channel variables. A leg has a hundred, of which twenty are read. */
export interface Variables {
  get(name: string): string | undefined
}

/** How a leg was called, from where to where, up to a transfer. */
export interface CallerProfile {
  readonly callerNumber: string | null
  readonly calleeNumber: string | null
  readonly destination: string | null
  /** The leg that made this one. */
  readonly originator: { readonly uuid: string | null; readonly callerNumber: string | null } | null
  /** Microseconds since 1970, as text; 0 where it did not happen. */
  readonly times: ReadonlyMap<string, string>
}

/** A value that says something: FreeSWITCH writes `_undef_` and empty texts for none. No column of text holds U+0000. */
export function said(text: string | null | undefined): string | null {
  const plain = (text ?? '').replaceAll('\0', '').trim()
  return plain === '' || plain === '_undef_' ? null : plain
}

/** The first of these variables that says something; `record_path/record_name` is two of them with a slash between. */
export function named(leg: Leg, names: readonly string[]): string | null {
  for (const name of names) {
    const values = name.split('/').map((one) => said(leg.variables.get(one)))
    if (values.every((value) => value !== null)) return values.join('/').replace(/([^:])\/{2,}/g, '$1/')
  }
  return null
}

/** Ids are UUIDs, or what a dialplan chose (origination_uuid). Throws `DECODE_FIELD` for what cannot be one. */
export function legId(uuid: string | null): string {
  if (uuid !== null && uuid.length <= 200) return uuid
  const given = uuid === null ? 'is missing' : quote(uuid)
  throw new GatewayError('DECODE_FIELD', `FreeSWITCH: the id of the leg ${given}`)
}
