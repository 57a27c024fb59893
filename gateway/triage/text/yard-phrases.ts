import { buildingAt, type WrittenBuilding } from '../../city/building-label.ts'
import type { Point } from '../../city/city.ts'
import type { Area, Compound, Gazetteer, Landmark } from '../../city/gazetteer.ts'
import type { Mention } from './mentions.ts'
import { after } from './offset.ts'
import { type Found, namesPlace, type Phrase, type Reading, sound, spelling, trust } from './phrase.ts'
import { rival } from './road-phrases.ts'

const buildingM = 25
const beforeBuilding = /(?:里面的?|里的?|内的?|的|,|，| |\(|（|那边|里面)?(?:[东西南北]区)?/y
/** A strong word for a building anywhere behind its compound: 我是春溪小区的，3幢楼下. */
const anywhere = /(?:[0-9]{1,3}|[一二三四五六七八九十]{1,3}|[a-z])(?:号楼|#楼|幢|栋|座|号栋|号幢)/g

/** 春溪小区3号楼, 3幢, 三栋; 春溪3幢; 春溪社区3幢 where the community has one compound. */
export function compoundPhrase(reading: Reading, mention: Mention): Phrase | null {
  const { text } = reading
  const written = buildingAt(text, after(beforeBuilding, text, mention.end))
  const near = written !== null && isBuilding(text, written) ? written : null
  const said = compoundsOf(mention, 'said')
  const compounds =
    said.length > 0
      ? said
      : near?.marked === 'building' || saidBefore(text, mention)
        ? compoundsOf(mention, 'short')
        : []
  if (compounds.length === 0 || (said.length > 0 && near === null && !namesPlace(text, mention))) return null
  const short = said.length === 0
  if (near === null && !short) {
    const between = betweenBuildings(reading, mention, compounds)
    if (between !== null) return between
  }
  const far = near !== null || short ? [] : elsewhere(text, mention)
  const labels = near === null ? far.map((one) => one.label) : [near.label]
  const found = compounds.map((compound): Found => {
    const [label, more] = labels
    const point = label === undefined ? undefined : compound.buildings.get(label)
    if (label !== undefined && point !== undefined && more === undefined) {
      const weak = near === null ? 0.95 : near.marked === 'building' ? 1 : near.marked === 'number' ? 0.93 : 0.8
      const words = `"${text.slice(mention.start, mention.end)}"${spelling(mention, text, mention.start, mention.end)}`
      return {
        name: `${compound.name}${label}幢`,
        how: 'building',
        ...point,
        accuracyM: buildingM,
        confidence: trust(0.96 * weak * (short ? 0.9 : 1), mention),
        because: `${words} and its building ${label}`,
        sure: near?.marked !== 'nothing' && sound(mention),
      }
    }
    return wholeCompound(text, mention, compound, label)
  })
  const end = near === null ? mention.end : near.end
  return { start: mention.start, end, narrow: found.some((one) => one.how === 'building') ? 6 : 3, found: rival(found) }
}

/** 小区明园: the last word stands before the name. */
function saidBefore(text: string, { start }: Mention): boolean {
  return text.startsWith('小区', start - 2)
}

function wholeCompound(text: string, mention: Mention, compound: Compound, label: string | undefined): Found {
  const unknown = label === undefined ? '' : `, whose building ${label} is not known`
  return {
    name: compound.name,
    how: 'compound',
    ...compound.point,
    accuracyM: compound.radiusM,
    confidence: trust(0.75, mention),
    because: `"${mention.name}"${spelling(mention, text, mention.start, mention.end)}${unknown}`,
    sure: sound(mention),
  }
}

/** 3单元, 3楼 and 3天 are no buildings; a bare number is one only in 3-2-501. */
function isBuilding(text: string, { marked, end, label }: WrittenBuilding): boolean {
  if (marked === 'building') return true
  if (marked === 'number')
    return !/^(?:线|车|灯|杆|公交|下午|晚|上午|早|凌晨|那天|开始|起|门)/.test(text.slice(end, end + 3))
  return /^[0-9]/.test(label) && /^-[0-9]+/.test(text.slice(end, end + 3))
}

function elsewhere(text: string, mention: Mention): WrittenBuilding[] {
  const found = [...text.matchAll(anywhere)].flatMap(({ index }) => {
    const written = buildingAt(text, index)
    return written === null || index < mention.end - mention.name.length ? [] : [written]
  })
  return found.filter((one, i) => found.findIndex((other) => other.label === one.label) === i)
}

const bothBuildings =
  /([0-9]{1,3}|[a-z])(?:号楼|幢|栋|座|号)?(?:和|与|跟|、|到|至)([0-9]{1,3}|[a-z])(?:号楼|幢|栋|座)(?:之间|中间|的?之间)?/

/** 1号楼和2号楼之间, before or behind the compound's name. */
function betweenBuildings({ text }: Reading, mention: Mention, compounds: readonly Compound[]): Phrase | null {
  const both = bothBuildings.exec(text)
  if (both === null) return null
  const found = compounds.flatMap((compound): Found[] => {
    const [a, b] = [compound.buildings.get(both[1] ?? ''), compound.buildings.get(both[2] ?? '')]
    if (a === undefined || b === undefined) return []
    const point = { latitude: (a.latitude + b.latitude) / 2, longitude: (a.longitude + b.longitude) / 2 }
    const because = `"${mention.name}" and "${both[0]}"`
    const name = `${compound.name}${both[1]}幢与${both[2]}幢之间`
    return [{ name, how: 'building', ...point, accuracyM: 60, confidence: trust(0.85, mention), because, sure: false }]
  })
  return found.length === 0 ? null : { start: mention.start, end: mention.end, narrow: 5.5, found: rival(found) }
}

function compoundsOf(mention: Mention, spelled: 'said' | 'short'): Compound[] {
  return mention.places.flatMap(({ place, spelled: how }) =>
    place.kind === 'compound' && (how === 'short') === (spelled === 'short') ? [place] : [],
  )
}

/** How far a landmark reaches from its point, by the words for kinds that the example city uses; the site may have others. */
const extents: Readonly<Record<string, number>> = {
  park: 80,
  hospital: 60,
  school: 60,
  square: 50,
  station: 60,
  market: 50,
  sports: 60,
  factory: 80,
  bridge: 40,
  library: 40,
  office: 50,
  shop: 30,
  police: 30,
  address: 20,
}
const unknownExtentM = 60
/** What reaches further has more than one unit grid: its point is a fair guess, no more. */
const compactM = 70

export function landmarkPhrase({ text }: Reading, mention: Mention): Phrase | null {
  const landmarks = mention.places.flatMap(({ place }) => (place.kind === 'landmark' ? [place] : []))
  if (landmarks.length === 0 || !namesPlace(text, mention)) return null
  const found = landmarks.map((landmark: Landmark): Found => {
    const accuracyM = extents[landmark.what] ?? unknownExtentM
    const because = `"${mention.name}"${spelling(mention, text, mention.start, mention.end)}`
    const confidence = trust(0.88, mention)
    const sure = accuracyM <= compactM && sound(mention)
    return { name: landmark.name, how: 'landmark', ...landmark.point, accuracyM, confidence, because, sure }
  })
  return { start: mention.start, end: mention.end, narrow: 4, found: rival(found) }
}

export function areaPhrase({ text, gazetteer }: Reading, mention: Mention): Phrase | null {
  const areas = mention.places.flatMap(({ place, spelled }) =>
    place.kind === 'area' && spelled !== 'short' ? [place] : [],
  )
  if (areas.length === 0) return null
  const written = buildingAt(text, after(beforeBuilding, text, mention.end))
  const inside = written?.marked === 'building' ? buildingInside(gazetteer, areas, written.label) : null
  if (inside !== null && written !== null)
    return { start: mention.start, end: written.end, narrow: 5.5, found: [inside] }
  const found = areas.map((area): Found => {
    const because = `"${mention.name}": somewhere in it`
    const confidence = trust(0.45, mention)
    return { name: area.name, how: 'area', ...area.point, accuracyM: area.radiusM, confidence, because, sure: false }
  })
  return { start: mention.start, end: mention.end, narrow: 1, found: rival(found) }
}

function buildingInside({ compounds, plan }: Gazetteer, areas: readonly Area[], label: string): Found | null {
  const [area] = areas
  if (area === undefined || area.level !== 'community') return null
  const within = (point: Point) => plan.distanceM(point, area.point) <= area.radiusM * 0.8
  const [compound, more] = compounds.filter((one) => within(one.point) && one.buildings.has(label))
  const point = compound?.buildings.get(label)
  if (compound === undefined || point === undefined || more !== undefined) return null
  const because = `building ${label} of the only compound in "${area.name}" that has one`
  return {
    name: `${compound.name}${label}幢`,
    how: 'building',
    ...point,
    accuracyM: buildingM,
    confidence: 0.8,
    because,
    sure: false,
  }
}
