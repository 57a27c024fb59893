import type { CaseIntent, CategoryFinding } from '../case-intent.ts'
import type { City, Component } from '../city/city.ts'
import { quote } from '../errors.ts'
import type { CallFormReport, TextReport } from '../report.ts'
import { categorise } from './categorise.ts'
import { distanceM } from './distance.ts'
import type { TriageLimits } from './limits.ts'
import { locationOf } from './location.ts'
import { sight } from './sighting.ts'
import { standInLocation } from './stand-in.ts'
import { understandText } from './text/understand-text.ts'
import { addressOf, contradictsM, placeLocation, type TextCircumstances, textIntent } from './texts.ts'

type Remarks = CaseIntent['remarks'][number][]

/**
 * The intent of what a seat filled in. Its text is understood as a citizen's own; what the seat chose (category, address,
 * component, a point on the map) holds over what the words say, and a remark says where the two differ.
 */
export function callFormIntent(form: CallFormReport, circumstances: TextCircumstances): CaseIntent {
  const { city, limits, message } = circumstances
  const said = textIntent(asText(form), circumstances)
  const component = form.componentId === null ? null : city.component(form.componentId)
  const remarks: Remarks = [...said.remarks]
  if (form.componentId !== null && component === null)
    remarks.push({ reason: 'unknown-component', detail: quote(form.componentId) })
  const { finding, emergency } = chosenCategory(form, component, said, city, remarks)
  const place = form.address === null ? said.place : understandText(city, form.address).place
  const location = chosenPlace(form, component, place, said, message.receivedAt, city, limits, remarks)
  const urgency =
    emergency || said.urgency === 'emergency' ? 'emergency' : form.urgent === true ? 'urgent' : said.urgency
  return {
    ...said,
    kind: finding.kind,
    category: finding,
    location,
    place,
    address: form.address ?? said.address ?? (place === null ? null : addressOf(place)),
    reporter: {
      ...said.reporter,
      name: said.reporter.kind === 'citizen' ? (form.name ?? said.reporter.name) : said.reporter.name,
    },
    number: form.number,
    component: form.componentId === null ? null : { id: form.componentId, proposedState: null },
    urgency,
    remarks,
    call: { exchange: form.exchange, id: form.call, seat: form.seat },
  }
}

function asText({ subject, deviceTime, text, attachments }: CallFormReport): TextReport {
  const none = { to: null, title: null, missingParts: [] }
  return { kind: 'text', medium: 'web', subject, deviceTime, text, attachments, ...none }
}

function chosenCategory(
  form: CallFormReport,
  component: Component | null,
  said: CaseIntent,
  city: City,
  remarks: Remarks,
): { readonly finding: CategoryFinding; readonly emergency: boolean } {
  const { category: claim, caseKind: kind, componentId } = form
  const words = said.category
  if (claim === null && componentId === null)
    return { finding: words.code === null && kind !== null ? { ...words, kind } : words, emergency: false }
  const { finding, category } = categorise(city, { claim, kind, componentId, component, text: null })
  if (finding.code === null) {
    const claimed = claim?.code ?? claim?.words ?? componentId
    remarks.push({ reason: 'category-not-known', detail: quote(claimed) })
    const candidates = [...finding.candidates, ...words.candidates]
    return { finding: words.code === null ? { ...finding, candidates } : words, emergency: false }
  }
  if (
    words.code !== null &&
    words.scheme === finding.scheme &&
    (words.code !== finding.code || words.kind !== finding.kind)
  )
    remarks.push({ reason: 'category-contradicts', detail: `the words say ${words.code} ${words.zh}` })
  return { finding, emergency: category?.emergency === true }
}

/** The point on the map, else the component's place, else what the address means, else what the words mean. */
function chosenPlace(
  form: CallFormReport,
  component: Component | null,
  place: CaseIntent['place'],
  said: CaseIntent,
  receivedAt: Date,
  city: City,
  limits: TriageLimits,
  remarks: Remarks,
): CaseIntent['location'] {
  const sighting = sight(
    { gps: form.place, cells: [], deviceTime: form.deviceTime },
    'wgs84',
    receivedAt.getTime(),
    city,
    limits,
  )
  if (form.place !== null && sighting.fault !== null) remarks.push(sighting.fault)
  const chosen =
    locationOf(sighting, city, limits) ??
    standInLocation(component, null, receivedAt.getTime(), city, limits) ??
    (form.address === null || place === null ? null : placeLocation(place, city, limits))
  if (chosen === null || said.location === null) return chosen ?? said.location
  const apartM = Math.round(distanceM(chosen, said.location))
  if (apartM > contradictsM)
    remarks.push({ reason: 'place-contradicts', detail: `the words mean a place ${apartM} m away` })
  return chosen
}
