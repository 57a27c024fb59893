import type { Adapter, AdapterContext, AdapterKind, Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Attachment, Report } from '../../gateway/report.ts'
import {
  type Delivery,
  type Outcome,
  plainAnswer,
  refuseTooLarge,
  Webhook,
  type WebhookAnswer,
} from '../../gateway/web/webhook.ts'
import { type Alert, looksLikeText, readAlert } from './alert.ts'
import { digest, namesOf, sameAgainMs } from './alert-messages.ts'
import { alarmsOf, pictureOf } from './alert-reports.ts'
import { MultipartStream, type Piece } from './multipart-stream.ts'
import { type PushOptions, pushOptions } from './options.ts'

/** `kind: hikvision-push`: cameras and recorders post each alarm to /ingest/<name>, with its pictures. */
export const hikvisionPush: AdapterKind<PushOptions> = {
  kind: 'hikvision-push',
  channel: 'video',
  options: pushOptions,
  decode: decodePush,
  create: (options, context) => new PushListener(options, context),
}

export class PushListener implements Adapter {
  readonly #webhook: Webhook

  constructor(options: PushOptions, context: AdapterContext) {
    const route = { method: 'POST', path: '/', inbound: pushInbound, answer: pushAnswer } as const
    this.#webhook = new Webhook(context, options, [route], (message) => decodePush(message, options))
  }

  async start(): Promise<void> {
    this.#webhook.open()
  }

  stop(): Promise<void> {
    return this.#webhook.close()
  }
}

/** A device sends the same alarm again until it hears 200, with another boundary on some firmware. */
export function pushInbound({ body, contentType, query }: Delivery): Inbound {
  const contents = piecesOf(body, contentType).map((piece) => (piece.is === 'part' ? piece.body : piece.kept))
  const { camera } = query
  return {
    key: digest(`push ${camera ?? ''}`, Buffer.concat(contents)),
    raw: body,
    envelope: {
      contentType: contentType.replaceAll('\0', ''),
      ...(camera !== undefined && { camera: camera.replaceAll('\0', '') }),
    },
    keyHoldsMs: sameAgainMs,
  }
}

/** What makes no sense is durable with its reason, and would be no better when sent again: devices hear 200 of it, too. */
function pushAnswer(outcome: Outcome): WebhookAnswer {
  return outcome.is === 'taken' || outcome.is === 'too-large' ? { status: 200 } : plainAnswer(outcome)
}

function piecesOf(body: Buffer, contentType: string): Piece[] {
  if (!/^\s*multipart\//i.test(contentType))
    return [{ is: 'part', fields: new Map([['content-type', contentType]]), body }]
  const declared = /;\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^;\s]{1,200}))/i.exec(contentType)
  const boundary = declared?.[1] ?? declared?.[2] ?? firstLine(body)
  if (boundary === null) return []
  const stream = new MultipartStream({ boundary, maxPart: Math.max(1, body.length) })
  const pieces: Piece[] = []
  // By and by, so that a million parts of ten bytes are not read to be refused.
  for (let at = 0; at < body.length && pieces.length <= mostParts; at += strideBytes)
    pieces.push(...stream.push(body.subarray(at, at + strideBytes)))
  if (pieces.length <= mostParts) pieces.push(...stream.end())
  if (pieces.length <= mostParts) return pieces
  const detail = `more than ${mostParts} parts`
  return [{ is: 'spoilt', code: 'DECODE_TOO_LARGE', detail, kept: body }]
}

/** An alert and the pictures of all its lenses are fewer. */
const mostParts = 64
const strideBytes = 16 * 1024

/** Some firmware names no boundary; the body begins with it. */
const firstLine = (body: Buffer): string | null =>
  /^\s*--+([^\s-]\S{0,198})/.exec(body.toString('latin1', 0, 400))?.[1] ?? null

interface Heard {
  readonly alert: Alert
  readonly pictures: Attachment[]
}

function decodePush(message: Received, options: PushOptions): Report[] {
  refuseTooLarge(message)
  const { raw, envelope } = message
  const body = Buffer.from(raw.buffer, raw.byteOffset, raw.length)
  const heard: (Heard | GatewayError)[] = []
  for (const piece of piecesOf(body, envelope.contentType ?? '')) take(piece, heard)
  const [only] = heard
  if (only === undefined) throw new GatewayError('DECODE_SYNTAX', 'ISAPI push: no part in it')
  if (heard.length === 1 && only instanceof GatewayError) throw only
  const reports: Report[] = []
  for (const one of heard) {
    if (one instanceof GatewayError)
      reports.push({ kind: 'malformed', index: reports.length, code: one.code, detail: one.message })
    else reports.push(...alarmsOf(one.alert, options, one.pictures, envelope.camera ?? null))
  }
  return reports
}

/** A picture belongs to the alert before it. */
function take(piece: Piece, heard: (Heard | GatewayError)[]): void {
  if (piece.is === 'spoilt') {
    heard.push(new GatewayError(piece.code, `ISAPI push: ${piece.detail}`))
    return
  }
  const { body, fields } = piece
  const last = heard.at(-1)
  if (looksLikeText(body)) heard.push(alertOrError(body))
  else if (body.length === 0 && heard.length > 0) return
  else if (last === undefined || last instanceof GatewayError)
    heard.push(new GatewayError('DECODE_SYNTAX', `ISAPI push: ${body.length} bytes without an alert before them`))
  else {
    const { type = null, name = null } = namesOf(fields)
    last.pictures.push(pictureOf(body, type, name))
  }
}

function alertOrError(body: Buffer): Heard | GatewayError {
  try {
    return { alert: readAlert(body), pictures: [] }
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
}
