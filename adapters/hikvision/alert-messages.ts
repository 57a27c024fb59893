import { createHash } from 'node:crypto'
import type { Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { AlarmReport, Report } from '../../gateway/report.ts'
import { type Alert, isHeartbeat, looksLikeText, readAlert } from './alert.ts'
import { alarmsOf, pictureOf } from './alert-reports.ts'
import type { Piece, WholePart } from './multipart-stream.ts'
import type { ReadingOptions } from './options.ts'

/**
 * Messages of the alert stream. A device gives an alert no id; what it gives (channel, type, state, time to the second,
 * count, regions) stands in its bytes, so their hash is the key. It holds for ten minutes: a clock that begins in 1970
 * after each power cut says the same again, of something else.
 */
export const sameAgainMs = 10 * 60_000

/** Turns the pieces of one stream into messages; a picture belongs to the last alert before it. */
export class AlertSequence {
  #last: string | null = null

  /** `null`: a heartbeat, or an empty part. */
  inbound(piece: Piece): Inbound | null {
    if (piece.is === 'spoilt') {
      const { code, detail, kept } = piece
      return { key: digest('spoilt', kept), raw: kept, envelope: { is: 'spoilt', code, detail }, keyHoldsMs: 0 }
    }
    return looksLikeText(piece.body) ? this.#alert(piece.body) : this.#picture(piece)
  }

  #alert(body: Buffer): Inbound | null {
    const alert = readable(body)
    if (alert !== null && isHeartbeat(alert)) return null
    this.#last = alert === null ? null : body.toString('base64')
    return { key: digest('alert', body), raw: body, envelope: { is: 'alert' }, keyHoldsMs: sameAgainMs }
  }

  #picture({ body, fields }: WholePart): Inbound | null {
    if (body.length === 0) return null
    const envelope = { is: 'picture', ...namesOf(fields), ...(this.#last !== null && { alert: this.#last }) }
    return { key: digest(`picture ${this.#last}`, body), raw: body, envelope, keyHoldsMs: sameAgainMs }
  }
}

function readable(body: Buffer): Alert | null {
  try {
    return readAlert(body)
  } catch (error) {
    if (error instanceof GatewayError) return null
    throw error
  }
}

export function digest(what: string, bytes: Uint8Array): string {
  return createHash('sha256').update(`${what}\n`).update(bytes).digest('base64url')
}

/** What a part's header says of its content: `type`, and `name` of the file. */
export function namesOf(fields: ReadonlyMap<string, string>): { readonly type?: string; readonly name?: string } {
  const type = fields.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const disposition = fields.get('content-disposition') ?? ''
  const name = /;\s*filename\s*=\s*(?:"([^"]*)"|([^;\s]+))/i.exec(disposition)
  const plain = (name?.[1] ?? name?.[2] ?? fields.get('content-id')?.replace(/^<|>$/g, '') ?? '').replace(/[^ -~]/g, '')
  return { ...(type !== '' && { type: type.slice(0, 100) }), ...(plain !== '' && { name: plain.slice(0, 200) }) }
}

/** Of a message of the stream, or of a picture that was fetched. */
export function decodeStream(message: Received, options: ReadingOptions): Report[] {
  const { raw, envelope } = message
  if (envelope.is === 'spoilt')
    throw new GatewayError(
      envelope.code === 'DECODE_TOO_LARGE' ? 'DECODE_TOO_LARGE' : 'DECODE_SYNTAX',
      `ISAPI stream: ${envelope.detail}`,
    )
  if (envelope.is === 'snapshot') return [snapshotReport(message)]
  if (envelope.is !== 'picture') return alarmsOf(readAlert(raw), options, [])
  if (envelope.alert === undefined)
    throw new GatewayError('DECODE_SYNTAX', `ISAPI stream: ${raw.length} bytes without an alert before them`)
  const alert = readAlert(Buffer.from(envelope.alert, 'base64'))
  const picture = pictureOf(raw, envelope.type ?? null, envelope.name ?? null)
  const [alarm] = alarmsOf(alert, options, [picture])
  // It only brings a picture to what the alert itself began.
  return alarm === undefined ? [] : [{ ...alarm, phase: alarm.phase === 'began' ? 'going-on' : alarm.phase }]
}

/** A picture that an incident asked for; `incident` as its occurrence finds the incident whatever happened meanwhile. */
export function snapshotMessage(subject: string, incident: string, type: string | null, bytes: Uint8Array): Inbound {
  const envelope = { is: 'snapshot', subject, incident, ...(type !== null && { type }) }
  return { key: `snapshot ${incident}`, raw: bytes, envelope }
}

function snapshotReport({ raw, envelope }: Received): AlarmReport {
  const { subject = 'hikvision', incident = null, type = null } = envelope
  return {
    kind: 'alarm',
    of: 'camera',
    subject,
    deviceTime: null,
    event: 'snapshot',
    part: null,
    phase: 'going-on',
    occurrence: incident,
    detail: {},
    where: null,
    attachments: [pictureOf(raw, type, null)],
    snapshot: null,
  }
}
