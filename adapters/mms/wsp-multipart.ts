import { GatewayError } from '../../gateway/errors.ts'
import { Octets, uintvar } from './octets.ts'
import { type Broken, bareId, deepest, mostParts, type Part, type Parts } from './part.ts'
import {
  type ContentType,
  contentType,
  contentTypeValue,
  encodedText,
  type FieldValue,
  fieldValue,
  parameters,
  plainText,
  shortInteger,
  textString,
  withoutMarks,
} from './wsp.ts'
import { headerContentDisposition, headerContentId, headerContentLocation } from './wsp-names.ts'

const isMultipart = (type: string): boolean =>
  type.startsWith('application/vnd.wap.multipart.') || type.startsWith('multipart/')

/** The body of an MMS: a multipart (WAP-230-WSP, 8.5), or the one thing that its content type says. */
export function bodyParts(type: ContentType, body: Octets): Parts {
  const whole: Part[] = []
  const broken: Broken[] = []
  gather({ type, body, depth: 0, whole, broken, headers: { id: null, location: null, name: null } })
  return { whole, broken }
}

interface Gathering {
  readonly type: ContentType
  readonly body: Octets
  readonly depth: number
  readonly whole: Part[]
  readonly broken: Broken[]
  readonly headers: PartHeaders
}

interface PartHeaders {
  readonly id: string | null
  readonly location: string | null
  readonly name: string | null
}

function gather(gathering: Gathering): void {
  const { type, body, depth, whole, headers } = gathering
  if (isMultipart(type.type) && depth < deepest) {
    entries(gathering)
    return
  }
  const { charset = null, name = null, filename = null } = type.parameters
  whole.push({
    type: type.type,
    charset,
    id: headers.id,
    location: headers.location,
    name: headers.name ?? name ?? filename,
    content: body.rest(),
  })
}

/**
 * The number of entries in front is only read past: WSP 1.4 lets it be wrong, and what is there says how much there is.
 * An entry that reaches past the end ends the list.
 */
function entries({ body, depth, whole, broken }: Gathering): void {
  if (body.left === 0) return
  body.uintvar('number of parts')
  for (let n = 1; body.left > 0; n++) {
    if (whole.length + broken.length >= mostParts) {
      broken.push({ code: 'DECODE_TOO_LARGE', detail: `more than ${mostParts} parts` })
      return
    }
    try {
      const { type, headers, content } = entry(body)
      gather({ type, headers, body: content, depth: depth + 1, whole, broken })
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      broken.push({ code: error.code, detail: `part ${n}: ${error.detail}` })
      return
    }
  }
}

function entry(body: Octets): { type: ContentType; headers: PartHeaders; content: Octets } {
  const headerLength = body.uintvar('length of headers')
  const length = body.uintvar('length of data')
  const head = body.within(headerLength, 'headers')
  const content = body.within(length, 'data')
  const type = contentType(head)
  return { type, headers: partHeaders(head), content }
}

function partHeaders(head: Octets): PartHeaders {
  let id: string | null = null
  let location: string | null = null
  let name: string | null = null
  while (head.left > 0) {
    const field = fieldValue(head, 'header')
    if (head.left === 0) break
    const value = fieldValue(head, 'header')
    const number = field.form === 'short' ? field.number : null
    const word = plainText(field)?.toLowerCase() ?? ''
    if (number === headerContentId || word === 'content-id') id = bareId(withoutMarks(plainText(value) ?? ''))
    else if (number === headerContentLocation || word === 'content-location')
      location = encodedText(value)?.trim() ?? null
    else if (headerContentDisposition.includes(number ?? -1)) name = nameOfDisposition(value) ?? name
  }
  return { id, location, name }
}

/** Content-disposition (8.4.2.21): a length, what it is (form-data, attachment, inline), and parameters. */
function nameOfDisposition(value: FieldValue): string | null {
  if (value.form !== 'long') return null
  const octets = new Octets(value.bytes, 'content disposition')
  if (octets.left === 0) return null
  fieldValue(octets, 'disposition')
  const { filename = null, name = null } = parameters(octets)
  return filename ?? name
}

/** A part to write; `charset` is a MIBenum. */
export interface PartToWrite {
  readonly type: string
  readonly charset?: number
  readonly id: string
  readonly location: string
  readonly content: Uint8Array
}

/** A multipart's entries, behind its content type. */
export function multipartBody(parts: readonly PartToWrite[]): Uint8Array {
  const entries = parts.flatMap(({ type, charset, id, location, content }) => {
    const head = Buffer.concat([
      contentTypeValue(type, charset === undefined ? {} : { charset }),
      shortInteger(headerContentId),
      Buffer.from(`"<${id}>\0`),
      shortInteger(headerContentLocation),
      textString(location),
    ])
    return [uintvar(head.length), uintvar(content.length), head, content]
  })
  return Buffer.concat([uintvar(parts.length), ...entries])
}
