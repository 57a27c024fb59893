import type { WrittenCdr } from '../adapters/freeswitch/cdr-write.ts'

/** What happens to one call of a hotline: menus, a queue, a seat that rings. */
export interface CallPlan {
  readonly caller: string
  /** What was dialled: 12319, or the sub-number of a district. */
  readonly dnis: string
  readonly seat: string
  /** Pressed in the menu. */
  readonly digits: string
  /** `menu`: the caller heard what they wanted from the menu. */
  readonly outcome: 'answered' | 'refused' | 'busy' | 'no-answer' | 'abandoned' | 'menu'
  readonly startedAt: Date
  readonly ringS: number
  readonly talkS: number
}

export interface CallStep {
  readonly atMs: number
  readonly event: Readonly<Record<string, string>>
}

/** A call as FreeSWITCH tells it: live, and in one record a leg. */
export interface CallCourse {
  readonly uuid: string
  readonly seatUuid: string | null
  readonly steps: readonly CallStep[]
  readonly records: readonly WrittenCdr[]
}

/** What is the same of all calls of one exchange. */
export interface CallMaking {
  readonly coreUuid: string
  uuid(): string
  /** Event-Sequence; counts all events of the exchange. */
  sequence(): number
}

const causes = {
  answered: 'NORMAL_CLEARING',
  refused: 'CALL_REJECTED',
  busy: 'USER_BUSY',
  'no-answer': 'NO_ANSWER',
  abandoned: 'ORIGINATOR_CANCEL',
  menu: 'NORMAL_CLEARING',
} as const

const micros = (ms: number | null): string => (ms === null ? '0' : String(ms * 1000))

/** Pure but for ids and sequence numbers. */
export function courseOf(plan: CallPlan, making: CallMaking): CallCourse {
  const start = plan.startedAt.getTime()
  const menuS = 1 + plan.digits.length
  const ringing = start + menuS * 1000
  const rung = ringing + plan.ringS * 1000
  const answered = plan.outcome === 'answered'
  const end = plan.outcome === 'menu' ? ringing : answered ? rung + plan.talkS * 1000 : rung
  const caller: LegSketch = {
    uuid: making.uuid(),
    direction: 'inbound',
    number: plan.caller,
    destination: plan.dnis,
    originator: null,
    at: { created: start, progress: null, answered: start + 500, bridged: answered ? rung : null, hungup: end },
    variables: callerVariables(plan, answered),
  }
  const seat = plan.outcome === 'menu' ? null : seatLeg(plan, caller, making.uuid(), { ringing, rung, end })
  if (seat !== null && answered) caller.variables.bridge_uuid = seat.uuid
  return {
    uuid: caller.uuid,
    seatUuid: seat?.uuid ?? null,
    steps: stepsOf({ plan, caller, seat, menuS, making }),
    records: [...(seat === null ? [] : [recordOf(seat, making)]), recordOf(caller, making)],
  }
}

interface LegSketch {
  readonly uuid: string
  readonly direction: 'inbound' | 'outbound'
  readonly number: string
  readonly destination: string
  readonly originator: LegSketch | null
  readonly at: Readonly<Record<'created' | 'progress' | 'answered' | 'bridged' | 'hungup', number | null>>
  readonly variables: Record<string, string>
}

function callerVariables(plan: CallPlan, answered: boolean): Record<string, string> {
  const cause = plan.outcome === 'answered' || plan.outcome === 'menu' || plan.outcome === 'abandoned'
  return {
    hangup_cause: plan.outcome === 'abandoned' ? causes.abandoned : cause ? causes.answered : causes[plan.outcome],
    sip_hangup_disposition:
      answered || plan.outcome === 'menu' || plan.outcome === 'abandoned' ? 'recv_bye' : 'send_bye',
    sip_from_display: `"来电 ${plan.caller}"`,
    switch_r_sdp: 'v=0\r\no=- 6 2 IN IP4 192.0.2.21\r\ns=-\r\n',
    digits_dialed: plan.digits === '' ? 'none' : plan.digits,
    ...(plan.outcome === 'menu'
      ? {}
      : { originate_disposition: answered ? 'SUCCESS' : causes[plan.outcome], last_app: 'bridge' }),
    ...(answered ? { cc_agent: plan.seat } : {}),
  }
}

interface SeatTimes {
  readonly ringing: number
  readonly rung: number
  readonly end: number
}

function seatLeg(plan: CallPlan, caller: LegSketch, uuid: string, { ringing, rung, end }: SeatTimes): LegSketch {
  const answered = plan.outcome === 'answered'
  const rings = plan.outcome !== 'busy' && plan.outcome !== 'refused'
  return {
    uuid,
    direction: 'outbound',
    number: plan.caller,
    destination: plan.seat,
    originator: caller,
    at: {
      created: ringing,
      progress: rings || plan.ringS > 0 ? ringing : null,
      answered: answered ? rung : null,
      bridged: answered ? rung : null,
      hungup: end,
    },
    variables: {
      hangup_cause: causes[plan.outcome],
      originator: caller.uuid,
      originating_leg_uuid: caller.uuid,
      signal_bond: caller.uuid,
      dialed_user: plan.seat,
      digits_dialed: 'none',
      ...(answered
        ? { recording_file: `/recordings/${plan.startedAt.toISOString().slice(0, 10)}/${caller.uuid}.wav` }
        : {}),
    },
  }
}

function recordOf(leg: LegSketch, { coreUuid }: CallMaking): WrittenCdr {
  const { uuid, direction, at, originator } = leg
  const profile = { uuid, callerNumber: leg.number, destination: leg.destination }
  return {
    coreUuid,
    uuid,
    direction,
    profile,
    originator:
      originator === null
        ? null
        : { uuid: originator.uuid, callerNumber: originator.number, destination: originator.destination },
    variables: { uuid, direction, ...leg.variables, ...epochs(at) },
    times: Object.fromEntries(
      Object.entries(at).map(([name, ms]) => [`${name === 'hungup' ? 'hangup' : name}_time`, micros(ms)]),
    ),
  }
}

const momentNames = {
  created: 'start',
  progress: 'progress',
  answered: 'answer',
  bridged: 'bridge',
  hungup: 'end',
} as const

function epochs(at: LegSketch['at']): Record<string, string> {
  return Object.fromEntries(
    (['created', 'progress', 'answered', 'bridged', 'hungup'] as const).flatMap((name) => [
      [`${momentNames[name]}_epoch`, String(Math.floor((at[name] ?? 0) / 1000))],
      [`${momentNames[name]}_uepoch`, micros(at[name])],
    ]),
  )
}

interface StepMaking {
  readonly plan: CallPlan
  readonly caller: LegSketch
  readonly seat: LegSketch | null
  readonly menuS: number
  readonly making: CallMaking
}

function stepsOf({ plan, caller, seat, making }: StepMaking): CallStep[] {
  const step = (atMs: number, name: string, leg: LegSketch, more: Record<string, string> = {}): CallStep => ({
    atMs,
    event: { ...eventOf(atMs, name, leg, making), ...more },
  })
  const { created, hungup } = caller.at
  const start = created ?? 0
  const digits = [...plan.digits].map((digit, i) =>
    step(start + (i + 1) * 1000, 'DTMF', caller, { 'DTMF-Digit': digit, 'DTMF-Duration': '2000' }),
  )
  const made = (leg: LegSketch): CallStep[] =>
    [
      { at: leg.at.created, name: 'CHANNEL_CREATE' },
      { at: leg.at.progress, name: 'CHANNEL_PROGRESS' },
      { at: leg.at.answered, name: 'CHANNEL_ANSWER' },
    ].flatMap(({ at, name }) => (at === null ? [] : [step(at, name, leg)]))
  const over = (leg: LegSketch) =>
    step(leg.at.hungup ?? 0, 'CHANNEL_HANGUP_COMPLETE', leg, {
      'Hangup-Cause': leg.variables.hangup_cause ?? '',
      ...prefixed({ ...leg.variables, ...epochs(leg.at) }),
    })
  const bridged = caller.at.bridged
  const bridge =
    seat === null || bridged === null
      ? []
      : [
          step(bridged, 'CHANNEL_BRIDGE', caller, {
            'Bridge-A-Unique-ID': caller.uuid,
            'Bridge-B-Unique-ID': seat.uuid,
          }),
        ]
  const recording = seat?.variables.recording_file
  const recorded =
    seat === null || recording === undefined
      ? []
      : [step(hungup ?? 0, 'RECORD_STOP', seat, { 'Record-File-Path': recording })]
  const ends = [...(seat === null ? [] : [over(seat)]), over(caller)]
  return [...made(caller), ...digits, ...(seat === null ? [] : made(seat)), ...bridge, ...recorded, ...ends].sort(
    (a, b) => a.atMs - b.atMs,
  )
}

function eventOf(atMs: number, name: string, leg: LegSketch, making: CallMaking): Record<string, string> {
  const { at, originator } = leg
  const known = (ms: number | null) => micros(ms !== null && ms <= atMs ? ms : null)
  const joins = originator === null ? {} : { originator: originator.uuid, dialed_user: leg.variables.dialed_user ?? '' }
  return {
    'Event-Name': name,
    'Core-UUID': making.coreUuid,
    'Event-Date-Timestamp': micros(atMs),
    'Event-Sequence': String(making.sequence()),
    'Unique-ID': leg.uuid,
    'Call-Direction': leg.direction,
    'Channel-Call-UUID': originator?.uuid ?? leg.uuid,
    'Caller-Caller-ID-Number': leg.number,
    'Caller-Destination-Number': leg.destination,
    'Caller-Profile-Index': '1',
    'Caller-Channel-Created-Time': known(at.created),
    'Caller-Channel-Progress-Time': known(at.progress),
    'Caller-Channel-Answered-Time': known(at.answered),
    'Caller-Channel-Bridged-Time': known(at.bridged),
    'Caller-Channel-Hangup-Time': known(at.hungup),
    ...(originator === null
      ? {}
      : {
          'Other-Type': 'originator',
          'Other-Leg-Unique-ID': originator.uuid,
          'Other-Leg-Caller-ID-Number': originator.number,
        }),
    // FreeSWITCH sends DTMF without variables.
    ...(name === 'DTMF' ? {} : prefixed(joins)),
  }
}

const prefixed = (variables: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [`variable_${name}`, value]))

/** `show channels as json` has a row a leg that lives at that moment. */
export function channelRow({ uuid, direction, profile, originator, times }: WrittenCdr): Record<string, string> {
  return {
    uuid,
    direction,
    created_epoch: String(Math.floor(Number(times.created_time) / 1e6)),
    cid_num: profile.callerNumber,
    dest: profile.destination,
    initial_cid_num: profile.callerNumber,
    initial_dest: profile.destination,
    callee_num: originator === null ? '' : profile.destination,
    call_uuid: originator?.uuid ?? uuid,
  }
}
