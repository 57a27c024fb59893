/** The building blocks of the routes' schemas. */

export const limit = { type: 'integer', minimum: 1, maximum: 1000, default: 100, 'x-finite': true } as const
export const cursor = { type: 'string', pattern: '^[0-9]{1,18}$', description: 'a number', default: '0' } as const
// PostgreSQL's text takes no NUL, and `%00` in a path or query is one.
export const text = {
  type: 'string',
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\u0000]+$',
  description: 'text without NUL',
} as const
// Not `format: uuid`, which lets `urn:uuid:` pass.
export const uuid = {
  type: 'string',
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  description: 'a UUID',
} as const
// Narrower than `format: date-time`, which lets leap seconds and offsets pass that are no time to JavaScript.
export const time = {
  type: 'string',
  pattern: '^(19|20|21)\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]\\d\\d:\\d\\d)$',
  format: 'date-time',
  description: 'a time as 2026-11-23T08:00:00Z or 2026-11-23T16:00:00+08:00',
} as const
export const idParams = { type: 'object', properties: { id: uuid }, required: ['id'] } as const
