import type { ComponentState, CoordinateSystem } from '../report.ts'
import type { Gazetteer } from './gazetteer.ts'

/**
 * The city as triage sees it: read-only, versioned, replaced whole. Base data is a site dictionary, never constants in
 * code. All coordinates are WGS-84 degrees, longitude before latitude in GeoJSON as RFC 7946 has it.
 */
export interface City {
  readonly name: string
  readonly version: string
  /** Scheme of category codes used where a report names none. */
  readonly defaultScheme: string
  /** Scheme and edition of the unit grid: decides the length of grid identifiers (14 digits, or 15 characters). */
  readonly gridScheme: 'cjt213_2005' | 'gbt47678_3_2026'
  /** IANA zone that shifts and day boundaries are meant in. */
  readonly timeZone: string

  /** The unit grid at a point and, within `radiusM`, the other grids it may be; `null` outside the city. */
  locate(point: Point, radiusM: number | null): GridFinding | null
  tower(mcc: number, mnc: number, lac: number, cell: number): Tower | null
  /** Who or what carries this device id; `null` for a stranger. */
  subject(id: string): Subject | null
  /** Who has the number, as `gateway/subscriber.ts` writes it; `null` for anybody else. */
  subjectByPhone(uri: string): Subject | null
  /** The district whose sub-number of the hotline a dialled or written-to number is, or ends with. */
  districtOfNumber(number: string): Place | null
  /** Country code of the city's telephone numbers, without `+`. */
  readonly countryCode: string
  /** Everyone and everything that carries a device, in the order of the city's files. */
  readonly subjects: readonly Subject[]
  /** A point inside the unit grid, near its middle; `null` when there is no such grid. */
  gridCentre(grid: string): Point | null
  component(id: string): Component | null
  camera(id: string): Camera | null
  sensor(id: string): Sensor | null
  scheme(id: string): CategoryScheme | null
  readonly schemeIds: readonly string[]
  route(id: string): Route | null
  shift(id: string): Shift | null
  workArea(id: string): WorkArea | null
  readonly vehicleRules: readonly VehicleRule[]
  /** The most specific first: of those that fit a signal the first holds. */
  readonly alarmRules: readonly AlarmRule[]
  /** Without an audience, the first of that id. */
  template(id: string, audience?: MessageTemplate['audience']): MessageTemplate | null
  department(code: string): Department | null
  /** Where what people name lies: roads, crossings, houses, compounds, landmarks, areas. */
  readonly gazetteer: Gazetteer
  /** How many of each kind are loaded, for logs and the demo's first line. */
  readonly counts: Readonly<Record<string, number>>
}

export interface Point {
  readonly latitude: number
  readonly longitude: number
}

export interface Place {
  readonly code: string
  readonly name: string
}

export interface GridFinding {
  readonly grid: string
  readonly community: Place
  readonly street: Place
  readonly district: Place
  /** Other unit grids that the accuracy circle touches, nearest first, at most 8. Empty: unambiguous. */
  readonly alternatives: readonly string[]
  /** The circle touches more grids than are named, or leaves the city. */
  readonly alternativesCut: boolean
}

export interface Tower extends Point {
  readonly radio: string
  readonly rangeM: number
  readonly samples: number
}

export interface Subject {
  readonly id: string
  readonly kind: 'collector' | 'vehicle' | 'leader'
  readonly name: string
  /** Collection or sanitation company; `null` for a leader. */
  readonly company: Place | null
  readonly phone: string | null
  /** The system its device speaks when its reports do not say. */
  readonly coordinateSystem: CoordinateSystem
  /** Collectors: unit grids they are answerable for. */
  readonly workGrids: readonly string[]
  /** Vehicles. */
  readonly routeId: string | null
  readonly shiftId: string | null
  readonly workAreaId: string | null
}

/** A managed component (部件) as the census recorded it: 16-digit id in the CJ/T 214 edition, 17 in GB/T 47678.5. */
export interface Component {
  readonly id: string
  /** Scheme of `categoryCode`, which also decides the length of the id. */
  readonly scheme: string
  readonly categoryCode: string
  readonly grid: string
  readonly state: ComponentState
  readonly name: string
}

/** A camera as the city's register has it. */
export interface Camera extends Point {
  readonly id: string
  readonly name: string
  /** The department that runs it. */
  readonly owner: string
  readonly grid: string
  /** The managed component that it watches, where it watches one. */
  readonly component: string | null
}

export type SensorKind = 'water-level' | 'rain' | 'bridge' | 'manhole'

/** A sensor as the city's register has it. */
export interface Sensor extends Point {
  readonly id: string
  readonly name: string
  readonly kind: SensorKind
  readonly grid: string
  /** The managed component that it sits on: a cover, a bridge. */
  readonly component: string | null
}

/**
 * What becomes of the signals of cameras and sensors: data of the city. Times are by the gateway's clock, in seconds;
 * `null`: never.
 */
export interface AlarmRule {
  /** An id of the registers, a kind of sensor, `camera`, `sensor`, or `*` for all. */
  readonly subject: string
  /** The device's own word; a `*` at its end stands for anything. */
  readonly event: string
  /** `null`: any. */
  readonly part: string | null
  /** `null`: an incident is kept, and never a case. */
  readonly category: VehicleRule['category'] | null
  readonly urgency: VehicleRule['urgency']
  /** Signals no further apart than this are one incident; it is over when nothing has come for so long. */
  readonly joinS: number
  /** Must last or come again for this long before it is a case. */
  readonly afterS: number
  /** One that goes on and is never said to end is over after so long without a signal; `null`: it waits for its end. */
  readonly clearAfterS: number | null
  /** More beginnings and ends than this within a minute, and it is flagged as chattering. */
  readonly chatterPerMinute: number | null
  /** Going on for longer, it is flagged as stuck. */
  readonly stuckAfterS: number | null
}

export interface Category {
  readonly kind: 'component' | 'event'
  readonly code: string
  readonly zh: string
  readonly en: string
  readonly majorCode: string
  readonly majorZh: string
  /** Other words for it in this city. */
  readonly words: readonly string[]
  /** An emergency flag of the site's own: 突发事件 is no class in the 2026 edition. */
  readonly emergency: boolean
}

/** One scheme and edition of category codes, e.g. `cjt214_2007`. Codes are unique by kind, not across kinds. */
export interface CategoryScheme {
  readonly id: string
  readonly title: string
  readonly categories: readonly Category[]
  readonly lexicon: CategoryLexicon
  byCode(kind: 'component' | 'event', code: string): Category | null
}

/**
 * What a word does in a sentence. `object`: a thing that anything may befall. `topic`: named alone it says little, only
 * pairs of it do. `fault`: what makes a case of any object; `trouble`: makes one only in a pair. `phrase`: decides alone;
 * `hint`: weakly. `example`: a whole message that new ones may resemble. `part`: of whatever thing stands before it (`地道的台阶`). `pair`: two concepts that make a third, `垃圾箱+满`; `compound`: that name a thing together, `电信+井盖`.
 * `aside`: words that hide others inside them (`垃圾短信`). `settled`: it is mended. `inquiry`: somebody asks. `advert`: sells.
 */
export type WordRole =
  | 'object'
  | 'topic'
  | 'fault'
  | 'trouble'
  | 'phrase'
  | 'hint'
  | 'example'
  | 'part'
  | 'pair'
  | 'compound'
  | 'aside'
  | 'settled'
  | 'inquiry'
  | 'advert'

export interface LexiconRow {
  /** Empty for words of whole sentences. */
  readonly concept: string
  readonly role: WordRole
  readonly words: readonly string[]
}

/** The words of the city's people, and what each concept of theirs is in one scheme, the likeliest first. */
export interface CategoryLexicon {
  readonly words: readonly LexiconRow[]
  readonly concepts: ReadonlyMap<string, readonly { readonly category: Category; readonly share: number }[]>
}

export interface Route {
  readonly id: string
  readonly line: readonly Point[]
  /** Metres from the line that still count as on it. */
  readonly toleranceM: number
  /** Shortest distance from the line, in metres. */
  distanceM(point: Point): number
}

/** Words of a message as this city writes them, with places for fields: `{queryNumber}`. */
export interface MessageTemplate {
  /** `received`, `rejected`, `closed`… An id has one template for each audience. */
  readonly id: string
  readonly audience: 'citizen' | 'collector' | 'department'
  /** An MMS's subject, a handheld's headline. */
  readonly title: string | null
  readonly text: string
  /** Sent at night too, and before others. */
  readonly urgent: boolean
  /** The core's word that it tells: the stage that a reporter who asks is told from then on. */
  readonly stage: string | null
}

/** A department that cases are dispatched to, as messages reach it. */
export interface Department {
  readonly code: string
  readonly name: string
  /** Duty phones, as the city writes them. */
  readonly phones: readonly string[]
  /** Outside of them only urgent messages are sent; `null`: round the clock. */
  readonly dutyHours: Omit<Shift, 'id'> | null
}

/** Daily working hours in the city's zone, minutes from midnight; `end` ≤ `start` passes midnight. */
export interface Shift {
  readonly id: string
  readonly startMinute: number
  readonly endMinute: number
}

export interface WorkArea {
  readonly id: string
  contains(point: Point): boolean
}

/**
 * A vehicle's rule: data of the city, evaluated once on each accepted fix in time order. off-route and standing hold only
 * within the vehicle's shift, where it has one: outside it is on its way to the depot, or stands there.
 */
export interface VehicleRule {
  readonly id: string
  readonly what: 'off-route' | 'standing' | 'outside-shift'
  /** Must hold this long before it fires. */
  readonly afterS: number
  /** Must be false this long before it may fire again. */
  readonly clearAfterS: number
  /** off-route: beyond the route's own tolerance by this much more. standing: the vehicle stays within this radius. */
  readonly distanceM: number
  /** outside-shift: faster than this counts as moving. */
  readonly speedKmh: number
  readonly category: { readonly scheme: string; readonly kind: 'component' | 'event'; readonly code: string }
  readonly urgency: 'normal' | 'urgent' | 'emergency'
}
