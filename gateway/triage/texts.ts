import type { CaseIntent, CategoryFinding, CategoryReading, Location, PlaceReading, Urgency } from '../case-intent.ts'
import type { Category, City, Subject } from '../city/city.ts'
import type { TextReport } from '../report.ts'
import { unclassified } from './categorise.ts'
import { distanceM } from './distance.ts'
import type { TriageLimits } from './limits.ts'
import { namesOf } from './location.ts'
import { queryNumberOf } from './query-number.ts'
import { type TextUnderstanding, understandText } from './text/understand-text.ts'
import type { TriageMessage } from './triage.ts'

/** What a text is judged by. */
export interface TextCircumstances {
  readonly message: TriageMessage
  readonly city: City
  /** Who has the number, where the city knows it: collectors and leaders write texts, too. */
  readonly subject: Subject | null
  readonly newId: () => string
  readonly limits: TriageLimits
}

/** A fix that a picture's EXIF says, without an accuracy of its own: phones are often this far off. */
const pictureRadiusM = 100
/** A picture taken this far from the place that the words name was taken elsewhere, or the words mean another place. */
export const contradictsM = 500

const wordsOf = ({ title, text }: TextReport): string =>
  [title, text].filter((part) => part !== null && part !== '').join('\n')

const ahead = new WeakMap<TextReport, { readonly city: City; readonly understanding: TextUnderstanding }>()

/** The greater part of `textIntent`, beforehand; worth nothing when the city is another by then. */
export function understandAhead(report: TextReport, city: City): void {
  ahead.set(report, { city, understanding: understandText(city, wordsOf(report)) })
}

/** A text becomes an intent whatever can be made of it: people's words are never dropped. */
export function textIntent(report: TextReport, circumstances: TextCircumstances): CaseIntent {
  const { message, city, subject, newId, limits } = circumstances
  const words = wordsOf(report)
  const known = ahead.get(report)
  const understanding = known?.city === city ? known.understanding : understandText(city, words)
  const { grammar, category: reading, place } = understanding
  const id = newId()
  const receivedAt = (report.assembled?.firstReceivedAt ?? message.receivedAt).toISOString()
  const { finding, category } = findingOf(reading, city)
  const picture = pictureLocation(report, city, limits)
  const named = placeLocation(place, city, limits)
  const kind = subject?.kind ?? 'citizen'
  return {
    id,
    purpose: 'report',
    kind: finding.kind,
    category: finding,
    channel: message.channel,
    source: kind,
    location: named ?? picture,
    address: grammar?.address ?? addressOf(place),
    place,
    occurredAt: {
      at: (report.deviceTime ?? new Date(receivedAt)).toISOString(),
      origin: report.deviceTime === null ? 'gateway' : 'device',
    },
    receivedAt,
    reporter: {
      kind,
      id: subject?.id ?? report.subject,
      name: subject?.name ?? grammar?.name ?? null,
      company: subject?.company ?? null,
    },
    text: words === '' ? null : words,
    number: null,
    queryNumber: queryNumberOf(id),
    component: null,
    selfHandled: null,
    attachments: report.attachments.map(({ content, place: _hint, ...attachment }) => ({
      ...attachment,
      sizeBytes: content?.length ?? null,
    })),
    urgency: urgencyOf(reading, category, city),
    remarks: remarksOf(report, understanding, named, picture, city),
    evidence: report.assembled?.evidence ?? [message.id],
    related: [],
    rule: null,
    call: null,
    incident: null,
    cityVersion: city.version,
  }
}

/** A reading that is not certain is 未分类 with what it may be: the core decides. */
function findingOf(reading: CategoryReading, city: City): { finding: CategoryFinding; category: Category | null } {
  const scheme = city.defaultScheme
  const [first] = reading.candidates
  const candidates = reading.candidates.map(({ code, zh, confidence, because }) => ({ code, zh, confidence, because }))
  if (first === undefined || !reading.certain) {
    const finding = {
      scheme,
      kind: first?.kind ?? 'event',
      code: null,
      zh: unclassified,
      confidence: 0,
      candidates,
    } as const
    return { finding, category: null }
  }
  const { kind, code, zh, confidence } = first
  return {
    finding: { scheme, kind, code, zh, confidence, candidates },
    category: city.scheme(scheme)?.byCode(kind, code) ?? null,
  }
}

/** What may well be an emergency is not left lying until somebody has read it. */
const mayBeFrom = 0.3

function urgencyOf({ candidates }: CategoryReading, category: Category | null, city: City): Urgency {
  if (category !== null) return category.emergency ? 'emergency' : 'normal'
  const scheme = city.scheme(city.defaultScheme)
  const mayBe = candidates.some(
    ({ kind, code, confidence }) => confidence >= mayBeFrom && scheme?.byCode(kind, code)?.emergency === true,
  )
  return mayBe ? 'urgent' : 'normal'
}

/** From this confidence on the first candidate is worth a point on the map, with its circle; `place` says how sure it is. */
const pointFrom = 0.5

export function placeLocation(place: PlaceReading, city: City, limits: TriageLimits): Location | null {
  const [first] = place.candidates
  if (first === undefined || first.confidence < pointFrom) return null
  const { latitude, longitude, accuracyM } = first
  return { ...bare, latitude, longitude, accuracyM, foundBy: 'address', ...namesOf(first, accuracyM, city, limits) }
}

function pictureLocation({ attachments }: TextReport, city: City, limits: TriageLimits): Location | null {
  for (const { place } of attachments) {
    if (place === undefined || place === null) continue
    const accuracyM = place.accuracyM ?? pictureRadiusM
    const { latitude, longitude } = place
    return { ...bare, latitude, longitude, accuracyM, foundBy: 'picture', ...namesOf(place, accuracyM, city, limits) }
  }
  return null
}

const bare = { system: 'wgs84', staleS: null, original: null, gps: null, cell: null } as const

export function addressOf({ candidates: [first] }: PlaceReading): string | null {
  return first === undefined || first.confidence < pointFrom ? null : first.name
}

function remarksOf(
  report: TextReport,
  { place }: TextUnderstanding,
  named: Location | null,
  picture: Location | null,
  city: City,
): CaseIntent['remarks'] {
  const remarks: { reason: string; detail: string }[] = []
  if (report.missingParts.length > 0)
    remarks.push({ reason: 'incomplete-text', detail: `parts ${report.missingParts.join(', ')} never came` })
  if (place.candidates.length > 0 && !place.certain)
    remarks.push({ reason: 'uncertain-place', detail: `${place.candidates.length} candidates` })
  if (named !== null && picture !== null) {
    const apartM = Math.round(distanceM(named, picture))
    if (apartM > contradictsM) remarks.push({ reason: 'picture-elsewhere', detail: `${apartM} m from the place named` })
  }
  const district = report.to === null ? null : city.districtOfNumber(report.to)
  if (district !== null) remarks.push({ reason: 'sub-number', detail: `written to ${district.name}` })
  return remarks
}
