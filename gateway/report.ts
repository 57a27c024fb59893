/**
 * What a message says, in the gateway's own words. Adapters make reports; triage makes positions and intents of them.
 * Absent is `null`, never zero. Nothing here is judged yet: a latitude of 95 is a report, and triage filters it.
 */
export type Report =
  | PositionReport
  | FormReport
  | TextReport
  | PartReport
  | DatagramReport
  | PresenceReport
  | ReceiptReport
  | DeliveryReport
  | CallReport
  | CallFormReport
  | AlarmReport
  | ReadingReport
  | MalformedReport

/** The coordinate system a source speaks. Everything behind triage is WGS-84. */
export type CoordinateSystem = 'wgs84' | 'gcj02' | 'bd09' | 'cgcs2000'

/** One fix of a satellite receiver, in the system the source speaks. */
export interface SatelliteFix {
  /** `null`: the source did not say, so the configured system of the device or adapter holds. */
  readonly system: CoordinateSystem | null
  /** degrees */
  readonly latitude: number | null
  /** degrees */
  readonly longitude: number | null
  /** The receiver's own word on whether it has a fix; `null` when it does not say. */
  readonly valid: boolean | null
  /** When the fix was taken, where that differs from the time of the report. */
  readonly fixedAt: Date | null
  readonly accuracyM: number | null
  readonly altitudeM: number | null
  readonly speedKmh: number | null
  /** degrees from true north */
  readonly headingDeg: number | null
  readonly satellites: number | null
  readonly hdop: number | null
}

/** A GSM/UMTS/LTE cell as a handheld saw it; `radio` as OpenCelliD writes it (GSM, UMTS, LTE, NR). */
export interface CellSighting {
  readonly radio: string | null
  readonly mcc: number
  readonly mnc: number
  /** location area code or tracking area code */
  readonly lac: number
  readonly cell: number
  readonly signalDbm: number | null
  /** The first cell serves the device; the others are neighbours. */
  readonly serving: boolean
}

/** Where somebody says to be, by every means that was sent along. */
export interface Whereabouts {
  readonly gps: SatelliteFix | null
  readonly cells: readonly CellSighting[]
}

interface FromSubject {
  /** Who speaks: the device's or person's id as the city knows it. Never empty. */
  readonly subject: string
  /** The source's own clock; `null` when it gave no time, and the time of receipt stands in. */
  readonly deviceTime: Date | null
}

export interface PositionReport extends FromSubject, Whereabouts {
  readonly kind: 'position'
  readonly batteryPercent: number | null
}

/** What a form is about; `report` is a collector's (or leader's, or citizen's) report of a component or an event. */
export type FormPurpose = 'report' | 'component-state' | 'verify' | 'check' | 'sos' | 'inspection'

/** GB/T 47678.5 component states: 完好 破损 丢失 废弃 移除. */
export type ComponentState = 'sound' | 'damaged' | 'lost' | 'abandoned' | 'removed'

/** The category as the sender put it: a code, words, or both. */
export interface CategoryClaim {
  /** A scheme and edition such as `cjt214_2007` or `gbt47678_5_2026`; `null`: the city's default. */
  readonly scheme: string | null
  readonly code: string | null
  readonly words: string | null
}

/** A file that came along, or a reference to one. */
export interface Attachment {
  readonly name: string | null
  /** What the bytes are, where somebody looked; else as the sender gives it. */
  readonly mediaType: string | null
  /** The sender's word where `mediaType` is another's: a program may call itself image/jpeg. `null`: it says nothing, or nobody looked. */
  readonly claimedType: string | null
  /** The bytes, when they came inside the message. */
  readonly content: Uint8Array | null
  /** Hexadecimal, as the sender gives it or as computed of `content`. */
  readonly sha256: string | null
  readonly url: string | null
  /** Where a picture says it was taken (EXIF); read by the intake, a hint and no more. */
  readonly place?: PicturePlace | null
}

export interface PicturePlace {
  readonly latitude: number
  readonly longitude: number
  readonly accuracyM: number | null
}

export interface FormReport extends FromSubject, Whereabouts {
  readonly kind: 'form'
  readonly purpose: FormPurpose
  /** The number the sender gave this form, if any. */
  readonly number: string | null
  readonly caseKind: 'component' | 'event' | null
  readonly category: CategoryClaim | null
  readonly text: string | null
  readonly address: string | null
  readonly componentId: string | null
  readonly componentState: ComponentState | null
  /** The core's number of the case that a verification or check answers. */
  readonly caseNumber: string | null
  /** Verified as true (核实), or checked as done (核查). */
  readonly passed: boolean | null
  /** 自处理: the collector has settled it on the spot. */
  readonly selfHandled: boolean | null
  readonly attachments: readonly Attachment[]
}

export interface PresenceReport extends FromSubject {
  readonly kind: 'presence'
  readonly state: 'online' | 'offline' | 'on-duty' | 'off-duty' | 'leave'
  readonly softwareVersion: string | null
}

/**
 * What a person wrote: an SMS, an MMS, later a web form or a letter. `subject` is the sender as `gateway/subscriber.ts`
 * writes a number (`tel:+8613800138000`).
 */
export interface TextReport extends FromSubject {
  readonly kind: 'text'
  readonly medium: 'sms' | 'mms' | 'web' | 'letter'
  /** The number or address that was written to, extension and all, digits as they came; `null` when not known. */
  readonly to: string | null
  /** An MMS's or letter's subject line. */
  readonly title: string | null
  readonly text: string | null
  readonly attachments: readonly Attachment[]
  /** Numbers of the parts that never came, from 1. Empty: it is whole. */
  readonly missingParts: readonly number[]
  /** Set by the intake where it came in parts: the messages it is made of, and when the first of them came. */
  readonly assembled?: { readonly evidence: readonly string[]; readonly firstReceivedAt: Date }
}

/** One part of a text or datagram that came in several; the intake keeps it until the others are there. */
export interface PartReport extends FromSubject {
  readonly kind: 'part'
  readonly to: string | null
  /** With sender, recipient and `total` it names the whole: `udh8:17`, `udh16:4711`, `sar:300`. */
  readonly reference: string
  /** 2 to 255 */
  readonly total: number
  /** 1 to `total` */
  readonly number: number
  /** Each part is decoded by its own encoding; what goes to an application port stays bytes. */
  readonly content:
    | { readonly is: 'text'; readonly text: string }
    | { readonly is: 'datagram'; readonly port: number; readonly bytes: Uint8Array }
}

/** A binary message to an application port (WDP), whole: a WAP push to 2948 announces an MMS. */
export interface DatagramReport extends FromSubject {
  readonly kind: 'datagram'
  readonly to: string | null
  readonly port: number
  readonly content: Uint8Array
}

/** States of a text on its way to a subscriber, as a message centre's delivery receipt tells them (SMPP 3.4, 5.2.28). */
export type DeliveryState = 'accepted' | 'delivered' | 'expired' | 'undeliverable' | 'rejected' | 'unknown'

/** A message centre's word on a text that was submitted to it (DLR). `subject` is the number the text was sent to. */
export interface DeliveryReport extends FromSubject {
  readonly kind: 'delivery'
  /** Receipts of an account may come on any of its links; ids are the account's. */
  readonly account: string
  /** The id in every form it may have been given in when it was submitted: as it came, decimal, hexadecimal. */
  readonly messageIds: readonly string[]
  /** `null`: still on its way. */
  readonly state: DeliveryState | null
  /** The network's own error code, as it came. */
  readonly error: string | null
  /** What the gateway numbered the submission with (user_message_reference), where the centre gives it back. */
  readonly reference: number | null
}

/** A peer's word on a notice that was sent to it. */
export interface ReceiptReport extends FromSubject {
  readonly kind: 'receipt'
  readonly noticeId: string
  readonly state: 'delivered' | 'read' | 'done' | 'refused'
  readonly detail: string | null
}

/** How a leg ended; `refused`: the seat or the exchange turned it away; `abandoned`: the caller hung up before an answer. */
export type CallEnding = 'answered' | 'refused' | 'no-answer' | 'busy' | 'abandoned' | 'failed'

/**
 * What an exchange says of one leg of a call: live, while it happens, or in its record (CDR, CEL) afterwards. Each piece
 * says only what it knows; pieces come in any order, twice, or never. `subject`: the caller where known, else
 * `call:<exchange>/<call>`. Every time is an instant: a source whose zone is not known says `null`.
 */
export interface CallReport extends FromSubject {
  readonly kind: 'call'
  /** Whose ids these are: adapters of one exchange share its calls. */
  readonly exchange: string
  /** What joins the legs of one call: Asterisk's Linkedid, FreeSWITCH's id of the A-leg. */
  readonly call: string
  /** This leg: Uniqueid, Unique-ID. */
  readonly leg: string
  readonly heard: 'live' | 'record'
  readonly direction: 'inbound' | 'outbound' | 'internal' | null
  /** A-party, as `gateway/subscriber.ts` writes it; `null`: withheld, or not said. */
  readonly caller: string | null
  /** The number that was dialled (DNIS), digits as they came. */
  readonly called: string | null
  /** The seat (agent, extension) that this leg rings or reached. */
  readonly seat: string | null
  /** All the digits pressed, in order, where the source gives them at once. */
  readonly digits: string | null
  /** One digit as it was pressed; `order` sorts those of a leg. */
  readonly digit: { readonly order: string; readonly key: string } | null
  readonly startedAt: Date | null
  readonly ringingAt: Date | null
  readonly answeredAt: Date | null
  readonly endedAt: Date | null
  readonly ending: CallEnding | null
  /** The exchange's own word: NORMAL_CLEARING, 16. */
  readonly cause: string | null
  /** Where the recording is, as the exchange names it: a path, an id, an address. */
  readonly recording: string | null
}

/** What a seat filled in during or after a call (坐席登记). `subject`: the caller where the form names one, else `call:<exchange>/<call>`. */
export interface CallFormReport extends FromSubject {
  readonly kind: 'call-form'
  readonly exchange: string
  /** Any id of the call: its own or one of its legs'. */
  readonly call: string
  /** The call centre's number of the form. */
  readonly number: string | null
  readonly seat: string | null
  readonly caller: string | null
  /** Where the caller wants to be answered, when not at the number they called from. */
  readonly callBack: string | null
  readonly name: string | null
  readonly text: string | null
  readonly address: string | null
  readonly caseKind: 'component' | 'event' | null
  readonly category: CategoryClaim | null
  readonly componentId: string | null
  /** A point that the seat set on a map. */
  readonly place: SatelliteFix | null
  readonly urgent: boolean | null
  readonly attachments: readonly Attachment[]
}

/**
 * A signal of a camera or sensor. Signals are many and cases are few: triage makes incidents of them. `subject`: the
 * device as the city's register names it.
 */
export interface AlarmReport extends FromSubject {
  readonly kind: 'alarm'
  readonly of: 'camera' | 'sensor'
  /** The device's own word: `VMD`, `tns1:RuleEngine/CellMotionDetector/Motion`, `person`, `high`. */
  readonly event: string
  /** Tells two places in one view or on one device apart: a rule, a region, a zone, a point; `null`: the whole. */
  readonly part: string | null
  /** `once`: it has no end of its own. `state-on`: what holds on subscribing (ONVIF Initialized): no beginning, and no alarm. */
  readonly phase: 'began' | 'going-on' | 'ended' | 'once' | 'state-on'
  /** The source's own id of what begins, goes on and ends; `null` where it gives none. */
  readonly occurrence: string | null
  /** What else is said, in the source's words: label, score, object id, value. */
  readonly detail: Readonly<Record<string, string>>
  /** For one that moves. */
  readonly where: SatelliteFix | null
  readonly attachments: readonly Attachment[]
  /** A picture that can be fetched: an errand of the adapter, when the signal opens an incident. */
  readonly snapshot: string | null
}

/** What a sensor measured. `subject`: the sensor as the city's register names it. */
export interface ReadingReport extends FromSubject {
  readonly kind: 'reading'
  readonly points: readonly PointReading[]
}

export interface PointReading {
  /** Its name within the sensor: `level`, `rain-1h`. */
  readonly point: string
  /** In `unit`, scaled; `null` when there is none. */
  readonly value: number | null
  readonly unit: string
  /** `refused`: the device answers with an error. `silent`: it does not answer. */
  readonly quality: 'good' | 'not-a-number' | 'refused' | 'silent'
  /** The protocol's own words where the quality is not good. */
  readonly fault: string | null
  readonly limits: PointLimits
}

/** When a point is an alarm: data of the register map, carried along so that what is stored can be judged again. */
export interface PointLimits {
  /** What the instrument can say at all; beyond it the value is a fault. */
  readonly range: { readonly low: number; readonly high: number } | null
  /** The name of each is the alarm's `event`. It clears when the value has come back by `hysteresis`. */
  readonly alarms: readonly {
    readonly event: string
    readonly when: 'above' | 'below'
    readonly at: number
    readonly hysteresis: number
    /** It must hold this long. */
    readonly afterS: number
  }[]
  /** A change of more than so much a minute, in `unit`. */
  readonly perMinute: number | null
  /** The very same value for longer is a stuck instrument. */
  readonly stuckAfterS: number | null
  /** No good value for longer is an alarm of its own. */
  readonly silentAfterS: number | null
}

/** One element of a message that makes no sense while its neighbours do. It becomes a dead letter of its own. */
export interface MalformedReport {
  readonly kind: 'malformed'
  /** Its place in the list that `decode` returns: a replay looks there for what has become of it. */
  readonly index: number
  /** A `DECODE_` code. */
  readonly code: string
  readonly detail: string
}
