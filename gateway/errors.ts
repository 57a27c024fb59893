/**
 * Every error the gateway raises on purpose, one line each. The prefix is what becomes of it: `DECODE_` a dead letter,
 * `LINK_` the supervisor's, `STORE_` the peer is refused, `CORE_` the relay's, `CONFIG_` exit 78 before a socket opens.
 */
const table = {
  DECODE_ENCODING: 'bytes are not valid text',
  DECODE_SYNTAX: 'the message cannot be parsed',
  DECODE_FIELD: 'a field has the wrong type or an impossible value',
  DECODE_TOO_LARGE: 'the message is larger than is read',
  DECODE_CHECKSUM: 'the checksum does not match',
  DECODE_UNSUPPORTED: 'the message is of a kind this gateway does not read',
  DECODE_NOT_ALLOWED: 'the sender may not say this',
  DECODE_UNFETCHED: 'what was announced could not be fetched',
  DECODE_CRASHED: 'the decoder failed on these bytes; this is a fault of the gateway',
  LINK_LISTEN: 'cannot listen',
  LINK_CONNECT: 'cannot connect',
  LINK_LOST: 'the link was lost',
  STORE_UNAVAILABLE: 'the store is not there',
  STORE_NOT_DURABLE: 'the store does not keep what it commits',
  STORE_LOCKED: 'the data folder is in use by another process',
  STORE_MIGRATION: 'the database cannot be brought to this version',
  STORE_STOPPING: 'the gateway is stopping',
  STORE_FULL: 'too much is waiting to be stored',
  CORE_REFUSED: 'the core refused the event for good',
  CORE_UNAVAILABLE: 'the core cannot be reached or asks to wait',
  CONFIG_INVALID: 'the configuration is wrong',
  CITY_INVALID: 'the city is wrong',
  NOTICE_INVALID: 'the notice cannot be sent as it is',
  NOTICE_WORDS: 'the notice does not say what it must',
} as const

export type ErrorCode = keyof typeof table

/** An error with a code out of the table; `detail` names protocol, unit, field and value, foreign text quoted. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: ErrorCode
  /** The message without what its code says. */
  readonly detail: string

  constructor(code: ErrorCode, detail: string, options?: { cause?: unknown }) {
    super(`${table[code]}: ${detail}`, options)
    this.code = code
    this.detail = detail
  }
}

/** Foreign text made safe to stand in an error or a log line: control characters escaped, cut to `limit` characters. */
export function quote(text: unknown, limit = 60): string {
  const plain = typeof text === 'string' ? text : asJson(text)
  return JSON.stringify(plain.length > limit ? `${plain.slice(0, limit)}…` : plain)
}

/** What is nested too deep to be written is none of the writer's fault. */
function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch (error) {
    return error instanceof RangeError ? 'nested too deep' : String(value)
  }
}

/** A short one-line account of anything thrown, for a stored reason or a log field. */
export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
