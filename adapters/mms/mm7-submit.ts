import { createHash } from 'node:crypto'
import type { OutboundText, Submitted } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import { digitsOf } from '../../gateway/subscriber.ts'
import { escaped } from '../../gateway/web/xml-text.ts'
import { readBody } from './mm7.ts'
import { envelope } from './mm7-answer.ts'
import type { SubmitOptions } from './mm7-options.ts'
import { find, textIn, type XmlElement } from './soap.ts'

/** MM7_submit (3GPP TS 23.140, 8.7.1 and annex L), written, and its answer, read. */

export interface SubmitBody {
  readonly contentType: string
  readonly body: Uint8Array
}

/** The same text gives the same bytes, its time stamp apart. */
export function submitReq(text: OutboundText, options: SubmitOptions, now: Date): SubmitBody {
  const parts = presentation(text)
  // Parts hold anything; a boundary made of all of them occurs in none.
  const hash = createHash('sha256').update(text.id)
  for (const { content } of parts) hash.update(content)
  const boundary = `mm7-${hash.digest('hex').slice(0, 32)}`
  const inner = `${boundary}-content`
  const soap = Buffer.from(envelope(text.id, options.namespace, submitElement(text, options, now)))
  const head = (...lines: string[]) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  const body = Buffer.concat([
    head(`--${boundary}`, 'Content-Type: text/xml; charset=utf-8', 'Content-ID: <mm7-start>'),
    soap,
    Buffer.from('\r\n'),
    head(
      `--${boundary}`,
      `Content-Type: multipart/related; boundary="${inner}"; start="<${smilId}>"; type="application/smil"`,
      'Content-ID: <mm7-content>',
    ),
    ...parts.flatMap(({ id, type, content }) => [
      head(
        `--${inner}`,
        `Content-Type: ${type}`,
        `Content-ID: <${id}>`,
        `Content-Location: ${id}`,
        'Content-Transfer-Encoding: binary',
      ),
      content,
      Buffer.from('\r\n'),
    ]),
    Buffer.from(`--${inner}--\r\n--${boundary}--\r\n`),
  ])
  return { contentType: `multipart/related; boundary="${boundary}"; type="text/xml"; start="<mm7-start>"`, body }
}

/** Elements in the order of the schema (annex L, submitReqType). */
function submitElement(text: OutboundText, options: SubmitOptions, now: Date): string {
  const sender = `${options.sender}${text.extension ?? ''}`
  const elements: readonly (readonly [string, string | null])[] = [
    ['MM7Version', escaped(options.version)],
    [
      'SenderIdentification',
      `<VASPID>${escaped(options.vaspId)}</VASPID><VASID>${escaped(options.vasId)}</VASID>` +
        `<SenderAddress><ShortCode>${escaped(sender)}</ShortCode></SenderAddress>`,
    ],
    ['Recipients', `<To><Number>${escaped(digitsOf(text.to))}</Number></To>`],
    ['ServiceCode', options.serviceCode === null ? null : escaped(options.serviceCode)],
    ['TimeStamp', now.toISOString()],
    ['ExpiryDate', text.validUntil === null ? null : text.validUntil.toISOString()],
    ['DeliveryReport', 'true'],
    ['Subject', text.title === null ? null : escaped(text.title)],
  ]
  const inside = elements.flatMap(([name, value]) => (value === null ? [] : `<${name}>${value}</${name}>`)).join('')
  return `<SubmitReq xmlns="${escaped(options.namespace)}">${inside}<Content href="cid:mm7-content" allowAdaptations="true"/></SubmitReq>`
}

interface WrittenPart {
  readonly id: string
  readonly type: string
  readonly content: Uint8Array
}

const smilId = 'smil.xml'

/** One slide with the text and the first picture, and one for each further attachment. */
function presentation({ text, attachments }: OutboundText): WrittenPart[] {
  const media = attachments.map(({ mediaType, content }, i) => ({
    id: `part-${i + 1}${extensions[mediaType] ?? ''}`,
    type: /^[\w.+-]+\/[\w.+-]+$/.test(mediaType) ? mediaType : 'application/octet-stream',
    content,
  }))
  const textPart = { id: 'text.txt', type: 'text/plain; charset=utf-8', content: Buffer.from(text) }
  const reference = ({ id, type }: WrittenPart): string => {
    const kind = ['image', 'audio', 'video'].find((one) => type.startsWith(`${one}/`)) ?? 'ref'
    return `<${kind === 'image' ? 'img' : kind} src="cid:${id}"${kind === 'image' ? ' region="picture"' : ''}/>`
  }
  const [first, ...others] = media
  const written = '<text src="cid:text.txt" region="text"/>'
  const slides = [`${first === undefined ? '' : reference(first)}${written}`, ...others.map(reference)]
  const smil =
    '<smil><head><layout><root-layout/><region id="picture" top="0" left="0" height="60%" width="100%" fit="meet"/>' +
    '<region id="text" top="60%" left="0" height="40%" width="100%" fit="meet"/></layout></head>' +
    `<body>${slides.map((slide) => `<par dur="8s">${slide}</par>`).join('')}</body></smil>`
  return [{ id: smilId, type: 'application/smil; charset=utf-8', content: Buffer.from(smil) }, textPart, ...media]
}

const extensions: Readonly<Record<string, string>> = {
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/gif': '.gif',
  'audio/amr': '.amr',
  'video/3gpp': '.3gp',
  'video/mp4': '.mp4',
}

/** A centre that is busy or away is asked again after this long; one that does not know us, after a minute. */
const soonMs = 5_000
const laterMs = 60_000

/**
 * What the centre says. Throws a `GatewayError` when it says nothing that can be understood: it may have taken the
 * message.
 */
export function submitted(status: number, contentType: string, body: Uint8Array, transactionId: string): Submitted {
  const xml = answerIn(body, contentType)
  const code = Number(xml === null ? Number.NaN : textIn(xml, 'StatusCode'))
  if (xml !== null && Number.isInteger(code) && code >= 1000) return verdict(code, xml, transactionId)
  const reason = `the centre answers HTTP ${status}`
  if (status === 429 || status === 503) return { outcome: 'later', reason, afterMs: soonMs }
  // Said of the path, the password or the proxy: the operator's matter, and no reason to lose the message.
  if ([401, 403, 404, 405, 407].includes(status) || (status >= 300 && status < 400))
    return { outcome: 'later', reason, afterMs: laterMs }
  if (status >= 400 && status < 500) return { outcome: 'rejected', reason }
  throw new GatewayError('LINK_LOST', `${reason} and no MM7 status: whether it took the message is not known`)
}

function verdict(code: number, xml: XmlElement, transactionId: string): Submitted {
  const text = textIn(xml, 'StatusText')?.slice(0, 200)
  const reason = text === undefined ? `MM7 status ${code}` : `MM7 status ${code}: ${text}`
  // 1100 is a partial success, and there is one recipient.
  if (code < 2000) return { outcome: 'accepted', messageId: textIn(xml, 'MessageID') ?? transactionId }
  const server = code >= 3000 && code < 4000 && !forGood.has(code)
  return server || code === 4006 ? { outcome: 'later', reason, afterMs: soonMs } : { outcome: 'rejected', reason }
}

/** Message rejected, several addresses or application addressing not supported (23.140, 8.4.3): no other time helps. */
const forGood = new Set([3002, 3003, 3004])

function answerIn(body: Uint8Array, contentType: string): XmlElement | null {
  try {
    const { xml } = readBody(body, contentType)
    return find(xml, 'Status') === null ? null : xml
  } catch (error) {
    if (error instanceof GatewayError) return null
    throw error
  }
}
