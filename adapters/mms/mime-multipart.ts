import { GatewayError } from '../../gateway/errors.ts'
import { fieldWithParameters, quotedPrintable, words } from './mime-header.ts'
import { type Broken, bareId, deepest, mostParts, type Part, type Parts } from './part.ts'
import type { ContentType } from './wsp.ts'

/** MIME multiparts (RFC 2046, 5.1) as MMSCs write them into HTTP: 8-bit, base64 or quoted-printable, one inside the other. */

export interface Entity {
  readonly contentType: ContentType
  /** By lower-case name. */
  readonly fields: ReadonlyMap<string, string>
  /** As it came, transfer encoding and all. */
  readonly body: Uint8Array
}

export interface Entities {
  readonly whole: readonly Entity[]
  readonly broken: readonly Broken[]
}

/** The entities of a multipart. One that the closing boundary is missing after is broken, with all before it whole. */
export function entitiesOf(body: Uint8Array, { type, parameters }: ContentType): Entities {
  const { boundary } = parameters
  if (boundary === undefined || boundary === '' || boundary.length > 200)
    throw new GatewayError('DECODE_FIELD', `${type || 'body'}: no usable boundary`)
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  const whole: Entity[] = []
  let from = delimiter(bytes, mark, 0)
  if (from === null) throw new GatewayError('DECODE_SYNTAX', `${type}: its boundary does not occur`)
  while (!from.closes) {
    if (whole.length >= mostParts)
      return { whole, broken: [{ code: 'DECODE_TOO_LARGE', detail: `more than ${mostParts} parts` }] }
    const next = delimiter(bytes, mark, from.behind)
    if (next === null) {
      const broken = [{ code: 'DECODE_SYNTAX', detail: `part ${whole.length + 1} has no end` }]
      const last = entity(bytes.subarray(from.behind))
      // What is inside of it may be whole.
      return { whole: isMultipart(last) ? [...whole, last] : whole, broken }
    }
    whole.push(entity(bytes.subarray(from.behind, next.before)))
    from = next
  }
  return { whole, broken: [] }
}

interface Delimiter {
  /** Where the part before it ends: the line break before the boundary belongs to the boundary. */
  readonly before: number
  readonly behind: number
  readonly closes: boolean
}

/** A boundary stands at the beginning of a line, and nothing but white space and its `--` follows it there. */
function delimiter(bytes: Buffer, mark: Buffer, from: number): Delimiter | null {
  for (let at = bytes.indexOf(mark, from); at >= 0; at = bytes.indexOf(mark, at + 1)) {
    if (at > 0 && bytes[at - 1] !== newline) continue
    const closes = bytes[at + mark.length] === dash && bytes[at + mark.length + 1] === dash
    let behind = at + mark.length + (closes ? 2 : 0)
    while (bytes[behind] === 0x20 || bytes[behind] === 0x09) behind++
    if (bytes[behind] === 0x0d) behind++
    if (bytes[behind] === newline) behind++
    else if (!closes) continue
    const before = at > 1 && bytes[at - 2] === 0x0d ? at - 2 : Math.max(0, at - 1)
    return { before: Math.max(from, before), behind, closes }
  }
  return null
}

const isMultipart = ({ contentType }: Entity): boolean => contentType.type.startsWith('multipart/')

const newline = 0x0a
const dash = 0x2d
const longestHead = 16 * 1024

/**
 * Header fields end at an empty line. Published examples forget it, so the first line that is no field begins the body,
 * too.
 */
function entity(bytes: Buffer): Entity {
  const fields = new Map<string, string>()
  let at = 0
  let last: string | null = null
  while (at < bytes.length && at < longestHead) {
    const end = bytes.indexOf(newline, at)
    const line = bytes
      .toString('latin1', at, end < 0 ? Math.min(bytes.length, at + longestHead) : Math.min(end, at + longestHead))
      .replace(/\r$/, '')
    const field = /^([\w-]{1,80})[ \t]*:[ \t]*(.*)$/s.exec(line)
    if (line === '') {
      at = end < 0 ? bytes.length : end + 1
      break
    }
    if (/^[ \t]/.test(line) && last !== null) fields.set(last, `${fields.get(last) ?? ''} ${line.trim()}`)
    else if (field === null) break
    else {
      last = (field[1] ?? '').toLowerCase()
      fields.set(last, field[2] ?? '')
    }
    at = end < 0 ? bytes.length : end + 1
  }
  return {
    contentType: fieldWithParameters(fields.get('content-type') ?? 'text/plain'),
    fields,
    body: bytes.subarray(at),
  }
}

/** The bytes behind the transfer encoding. */
export function contentOf({ fields, body }: Entity): Uint8Array {
  const encoding = (fields.get('content-transfer-encoding') ?? '').trim().toLowerCase()
  if (encoding === 'base64') return Buffer.from(Buffer.from(body).toString('latin1'), 'base64')
  if (encoding === 'quoted-printable') return quotedPrintable(Buffer.from(body).toString('latin1'))
  return body
}

export const idOf = ({ fields }: Entity): string | null => {
  const id = fields.get('content-id')
  return id === undefined ? null : bareId(id)
}

/** The parts that one entity holds: those of a multipart laid flat, or itself. */
export function partsOf(entity: Entity): Parts {
  const whole: Part[] = []
  const broken: Broken[] = []
  gather(entity, 0, whole, broken)
  return { whole, broken }
}

function gather(entity: Entity, depth: number, whole: Part[], broken: Broken[]): void {
  const { contentType, fields } = entity
  if (!isMultipart(entity) || depth >= deepest) {
    whole.push(part(entity))
    return
  }
  try {
    const inner = entitiesOf(contentOf(entity), contentType)
    broken.push(...inner.broken)
    for (const one of inner.whole) {
      if (whole.length + broken.length < mostParts) gather(one, depth + 1, whole, broken)
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    const id = fields.get('content-id')
    broken.push({ code: error.code, detail: `${id === undefined ? 'a part' : 'content'}: ${error.detail}` })
  }
}

function part(entity: Entity): Part {
  const { contentType, fields } = entity
  const disposition = fieldWithParameters(fields.get('content-disposition') ?? '').parameters
  const { charset = null, name = null } = contentType.parameters
  const location = fields.get('content-location')
  return {
    type: contentType.type,
    charset,
    id: idOf(entity),
    location: location === undefined ? null : words(location.trim()),
    name: disposition.filename ?? name,
    content: contentOf(entity),
  }
}
