import { createHash } from 'node:crypto'
import type { Inbound, Received } from '../../gateway/adapter.ts'
import { GatewayError, quote } from '../../gateway/errors.ts'
import type { AlarmReport, Attachment, Report } from '../../gateway/report.ts'
import { sniffed } from '../../gateway/web/media-type.ts'
import { type Delivery, refuseTooLarge } from '../../gateway/web/webhook.ts'
import type { MotionOptions } from './motion-options.ts'

/** Where a hook says neither when it is nor when its event began, the same again within this time is a redelivery. */
const sameAgainMs = 60_000

/** Fields stand in the query, whatever else is posted; a picture is the body as it is, under any type that curl gives it. */
export function motionInbound({ body, query }: Delivery): Inbound {
  const fields = Object.entries(query)
    .filter(([name]) => name !== 'key')
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  const text = new URLSearchParams(fields).toString()
  const key = createHash('sha256').update(`${text}\n`).update(body).digest('base64url')
  const isDated = (query.began ?? '') !== '' || (query.time ?? '') !== ''
  return { key, raw: body, envelope: { query: text }, ...(!isDated && { keyHoldsMs: sameAgainMs }) }
}

type Phase = AlarmReport['phase']

/** motion.conf's hooks by the word that follows `on_`. */
const hooks: Readonly<Record<string, readonly [event: string, phase: Phase]>> = {
  event_start: ['motion', 'began'],
  motion_detected: ['motion', 'going-on'],
  area_detected: ['motion', 'going-on'],
  picture_save: ['motion', 'going-on'],
  event_end: ['motion', 'ended'],
  camera_lost: ['camera-lost', 'began'],
  camera_found: ['camera-lost', 'ended'],
}

export function decodeMotion(message: Received, options: MotionOptions): Report[] {
  refuseTooLarge(message)
  const fields = fieldsOf(message.envelope.query ?? '')
  const hook = fields.get('hook') ?? ''
  const [event, phase] = (Object.hasOwn(hooks, hook) ? hooks[hook] : undefined) ?? unknownHook(hook)
  const camera = fields.get('camera') ?? ''
  if (camera === '' || camera.length > 100) throw new GatewayError('DECODE_FIELD', `motion: camera ${quote(camera)}`)
  return [
    {
      kind: 'alarm',
      of: 'camera',
      subject: options.cameras.get(camera) ?? `motion/${camera}`,
      deviceTime: timeOf(fields.get('time') ?? ''),
      event,
      part: hook === 'area_detected' ? (fields.get('area') ?? null) : null,
      phase,
      occurrence: event === 'motion' ? occurrenceOf(camera, fields) : null,
      detail: detailOf(fields),
      where: null,
      attachments: picturesOf(message, fields.get('file') ?? null),
      snapshot: null,
    },
  ]
}

/** Without what PostgreSQL cannot keep. */
function fieldsOf(query: string): ReadonlyMap<string, string> {
  const words = [...new URLSearchParams(query)]
  return new Map(words.map(([name, value]) => [name, value.replaceAll('\0', '').slice(0, 200).toWellFormed()]))
}

function unknownHook(hook: string): never {
  throw new GatewayError(
    'DECODE_FIELD',
    `motion: hook must be one of ${Object.keys(hooks).join(', ')}, not ${quote(hook)}`,
  )
}

/** motion counts its events from 1 after each start, so the time when the event began (`%C`) belongs to its name. */
function occurrenceOf(camera: string, fields: ReadonlyMap<string, string>): string | null {
  const number = fields.get('event') ?? ''
  const began = fields.get('began') ?? ''
  return number === '' || began === '' ? null : `${camera}/${number}/${began}`
}

/** `2026-11-26T08:00:00+0800` as `%Y-%m-%dT%T%z` gives it; its plus sign, unless it was escaped, comes as a space. */
function timeOf(text: string): Date | null {
  if (text === '') return null
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([ +-])(\d\d):?(\d\d)$/.exec(text)
  const [, wall = '', sign = '', hours = '', minutes = ''] = match ?? []
  const at = new Date(`${wall}${sign === '-' ? '-' : '+'}${hours}:${minutes}`)
  // 31 February is the 3rd of March to Date.
  const isReal = wall !== '' && new Date(`${wall}Z`).toJSON()?.startsWith(wall) === true
  if (!isReal || Number.isNaN(at.getTime())) throw new GatewayError('DECODE_FIELD', `motion: time ${quote(text)}`)
  return at
}

const known = ['event', 'pixels', 'labels', 'noise', 'x', 'y', 'width', 'height', 'threshold', 'host', 'area', 'file']

function detailOf(fields: ReadonlyMap<string, string>): Record<string, string> {
  const given = known.map((name) => [name, (fields.get(name) ?? '').trim()] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== ''))
}

function picturesOf({ raw }: Received, file: string | null): Attachment[] {
  if (raw.length === 0) return []
  const mediaType = sniffed(raw, null)
  if (!/^(image|video)\//.test(mediaType))
    throw new GatewayError('DECODE_UNSUPPORTED', `motion: ${raw.length} bytes are no picture`)
  const name = file?.replace(/^.*\//, '') ?? null
  return [{ name, mediaType, claimedType: null, content: raw, sha256: null, url: null }]
}
