import type { CallReport } from '../../gateway/report.ts'
import { subscriberUri } from '../../gateway/subscriber.ts'
import { endingOf, sought } from './ending.ts'
import { type Leg, named, said } from './leg.ts'
import type { Mapping } from './options.ts'
import { momentOf } from './times.ts'

/** A leg as a report: the same reading for CDRs and for live events, so that the two agree. */
export interface Told {
  readonly leg: Leg
  readonly exchange: string
  readonly heard: CallReport['heard']
  /** When it was told; `null`: when the leg ended, or began. */
  readonly at: Date | null
  /** Nothing more will happen to it. */
  readonly over: boolean
}

export function callReport({ leg, exchange, heard, at, over }: Told, mapping: Mapping): CallReport {
  const { timeZone, fields } = mapping
  const call = callOf(leg, fields.call)
  const joined = call !== leg.uuid
  const cause = said(leg.variables.get('hangup_cause'))
  const answer = momentOf(leg, 'answer', timeZone)
  const bridge = momentOf(leg, 'bridge', timeZone)
  const answered = answer !== null || leg.variables.get('endpoint_disposition') === 'ANSWER'
  const bridged =
    bridge !== null ||
    leg.variables.get('cc_agent_bridged') === 'true' ||
    named(leg, ['bridge_uuid', 'last_bridge_to']) !== null
  const startedAt = momentOf(leg, 'start', timeZone)
  const endedAt = momentOf(leg, 'end', timeZone)
  const caller = callerOf(leg, joined, mapping)
  return {
    kind: 'call',
    subject: caller ?? `call:${exchange}/${call}`,
    deviceTime: at ?? endedAt ?? startedAt,
    exchange,
    call,
    leg: leg.uuid,
    heard,
    direction: directionOf(leg, joined),
    caller,
    called: calledOf(leg, joined, mapping),
    seat: named(leg, fields.seat) ?? (joined ? calleeOf(leg) : null),
    digits: digitsOf(leg, mapping),
    digit: null,
    startedAt,
    ringingAt: earlier(momentOf(leg, 'progress', timeZone), momentOf(leg, 'progress_media', timeZone)),
    // A caller hears the exchange's own music and menus on an answered line. What counts is the seat, and until the leg is
    // over nobody knows whether one is still to come.
    answeredAt: joined || (over && !sought(leg)) ? answer : bridge,
    endedAt,
    ending: over ? endingOf(leg, { cause, answered, bridged, joined }) : null,
    cause,
    recording: named(leg, fields.recording),
  }
}

/**
 * The leg that this one was made for, or itself. `signal_bond`, `bridge_uuid` and `last_bridge_to` stand on both legs and
 * name the other one, so they do not say which of the two is the call.
 */
function callOf(leg: Leg, names: readonly string[]): string {
  for (const name of names) {
    const other = said(leg.variables.get(name))
    if (other !== null && other !== leg.uuid) return other
  }
  const originator = leg.profiles.map((profile) => said(profile.originator?.uuid)).find((uuid) => uuid !== null)
  return originator ?? leg.uuid
}

/** FreeSWITCH's directions are the exchange's: a seat that dials comes in, too. So a registered phone's leg says nothing. */
function directionOf({ direction, variables }: Leg, joined: boolean): CallReport['direction'] {
  const told = variables.get('call_direction') ?? ''
  if (told === 'inbound' || told === 'outbound') return told
  if (told === 'local' || told === 'internal') return 'internal'
  if (joined || variables.get('sip_authorized') === 'true') return null
  return direction === 'inbound' || direction === 'outbound' ? direction : null
}

/** A leg to a seat shows the seat whatever the exchange wants it to see; its originator's profile has the caller. */
function callerOf(leg: Leg, joined: boolean, { country, fields }: Mapping): string | null {
  const oldest = leg.profiles.at(-1)
  const number =
    named(leg, fields.caller) ??
    (joined ? said(oldest?.originator?.callerNumber) : null) ??
    said(oldest?.callerNumber) ??
    said(leg.variables.get('caller_id_number'))
  return number === null || withheld.test(number) ? null : subscriberUri(number, country)
}

/** What gateways and phones write for nobody. */
export const withheld = /^(?:anonymous|unknown|unavailable|restricted|private|withheld|blocked|0+|-)$/i

/** The first profile has what was dialled, the later ones where the dialplan sent the call. */
function calledOf(leg: Leg, joined: boolean, { fields }: Mapping): string | null {
  return named(leg, fields.called) ?? (joined ? null : said(leg.profiles.at(-1)?.destination))
}

function calleeOf(leg: Leg): string | null {
  const [newest] = leg.profiles
  return said(leg.variables.get('callee_id_number')) ?? said(newest?.calleeNumber) ?? said(newest?.destination)
}

/** FreeSWITCH writes `none` where no key was pressed. */
function digitsOf(leg: Leg, { fields }: Mapping): string | null {
  const digits = named(leg, fields.digits)
  return digits !== null && /^[0-9A-Da-d*#FfXx]+$/.test(digits) ? digits : null
}

function earlier(a: Date | null, b: Date | null): Date | null {
  return a === null || (b !== null && b < a) ? b : a
}
