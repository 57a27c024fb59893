import { GatewayError } from '../../gateway/errors.ts'
import {
  asObject,
  fault,
  flag,
  type JsonObject,
  number,
  oneOf,
  optionalOneOf,
  requiredText,
} from '../../gateway/web/json-fields.ts'
import { parseJson } from '../../gateway/web/json-text.ts'

/** One message of `frigate/events` or `frigate/reviews`: the state of a tracked object or a review before and after. */
export interface FrigateEvent {
  /** Frigate's id of the object or review: the same from `new` to `end`. */
  readonly id: string
  readonly type: 'new' | 'update' | 'end'
  readonly camera: string
  /** What it is: a label of Frigate's model (`person`, `car`); of a review the first of its objects. */
  readonly label: string
  /** Where it is now, or was last. */
  readonly zone: string | null
  readonly at: Date | null
  /** Frigate is not sure yet that there is anything. */
  readonly falsePositive: boolean
  /** It was not sure before: this is the beginning, whatever the type says. */
  readonly wasFalsePositive: boolean
  /** The object whose picture can be fetched; `null`: there is none yet. */
  readonly pictured: string | null
  readonly detail: Readonly<Record<string, string>>
}

const types = { new: 'new', update: 'update', end: 'end' } as const
const what = 'frigate'

/** `follow` is told by what the body holds: reviews have a severity. Throws a `DECODE_` error. */
export function readFrigateEvent(raw: Uint8Array): FrigateEvent {
  const body = asObject(parseJson(raw, what), 'the payload')
  const type = oneOf(body, 'type', types)
  const before = body.before === null || body.before === undefined ? {} : asObject(body.before, 'before')
  const after = body.after === null || body.after === undefined ? before : asObject(body.after, 'after')
  const severity = optionalOneOf(after, 'severity', { alert: 'alert', detection: 'detection' })
  const id = requiredText(after, 'id')
  if (id.length > 200) throw fault('id', 'at most 200 characters', id)
  return {
    id,
    type,
    camera: requiredText(after, 'camera'),
    ...(severity === null ? ofObject(type, before, after, id) : ofReview(type, after, severity)),
  }
}

type Rest = Omit<FrigateEvent, 'id' | 'type' | 'camera'>

function ofObject(type: FrigateEvent['type'], before: JsonObject, after: JsonObject, id: string): Rest {
  const zones = [...words(after, 'entered_zones').slice(-1), ...words(after, 'current_zones').slice(-1)]
  const time = type === 'new' ? 'start_time' : type === 'end' ? 'end_time' : 'frame_time'
  return {
    label: requiredText(after, 'label'),
    zone: zones.at(-1) ?? null,
    at: seconds(after, time) ?? seconds(after, 'frame_time'),
    falsePositive: flag(after, 'false_positive') ?? false,
    wasFalsePositive: flag(before, 'false_positive') ?? false,
    pictured: (flag(after, 'has_snapshot') ?? true) ? id : null,
    detail: said({
      subLabel: subLabelOf(after.sub_label),
      score: number(after, 'score'),
      topScore: number(after, 'top_score'),
      stationary: flag(after, 'stationary'),
      motionlessCount: number(after, 'motionless_count'),
      zones: words(after, 'current_zones').join(' '),
      enteredZones: words(after, 'entered_zones').join(' '),
    }),
  }
}

function ofReview(type: FrigateEvent['type'], after: JsonObject, severity: string): Rest {
  const data = asObject(after.data ?? {}, 'data')
  const objects = words(data, 'objects')
  const [object = 'review'] = objects
  return {
    // `person-verified`: a person with a name (sub label).
    label: object.replace(/-verified$/, ''),
    zone: words(data, 'zones').at(-1) ?? null,
    at: seconds(after, type === 'end' ? 'end_time' : 'start_time'),
    falsePositive: false,
    wasFalsePositive: false,
    pictured: words(data, 'detections')[0] ?? null,
    detail: said({
      severity,
      objects: objects.join(' '),
      subLabels: words(data, 'sub_labels').join(' '),
      zones: words(data, 'zones').join(' '),
      audio: words(data, 'audio').join(' '),
    }),
  }
}

/** Words of a list; more than are of use are left out. */
function words(fields: JsonObject, name: string): string[] {
  const value = fields[name]
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw fault(name, 'a list', value)
  return value
    .filter((one) => typeof one === 'string')
    .slice(0, 32)
    .map((one) => one.replaceAll('\0', '').slice(0, 100).toWellFormed())
}

/** From 0.14 on a sub label comes with its score: `["Bob", 0.93]`. */
function subLabelOf(value: unknown): string | null {
  const first: unknown = Array.isArray(value) ? value[0] : value
  return typeof first === 'string' && first !== '' ? first : null
}

/** Seconds since 1970, with fractions. */
function seconds(fields: JsonObject, name: string): Date | null {
  const value = number(fields, name)
  if (value === null) return null
  const at = new Date(value * 1000)
  if (value >= 0 && !Number.isNaN(at.getTime()) && at.getUTCFullYear() < 10_000) return at
  throw new GatewayError('DECODE_FIELD', `frigate: ${name} ${value}`)
}

function said(fields: Readonly<Record<string, string | number | boolean | null>>): Record<string, string> {
  const given = Object.entries(fields).filter(([, value]) => value !== null && value !== '')
  return Object.fromEntries(given.map(([name, value]) => [name, String(value).replaceAll('\0', '').toWellFormed()]))
}
