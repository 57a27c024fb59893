import type { CallEnding } from '../gateway/report.ts'

/** One call as Asterisk tells it: AMI's events in the order a real one (16.28) sends them, and the CDR at the end. Pure. */

export interface SimulatedCall {
  /** The caller's number as the network gives it; `''`: withheld. */
  readonly from: string
  /** The number that is dialled. */
  readonly to: string
  /** Whom the dial plan rings; `null`: it answers by itself. */
  readonly seat: string | null
  /** `abandoned`: the caller hangs up while the seat rings. */
  readonly ending: CallEnding
  readonly digits?: string
  /** What MixMonitor writes to. */
  readonly recording?: string
  readonly context?: string
  readonly ringS?: number
  readonly talkS?: number
}

export type EventFields = readonly (readonly [name: string, value: string | number])[]

export interface Step {
  /** Seconds since the call began. */
  readonly atS: number
  readonly fields: EventFields
}

export interface Scripted {
  readonly uniqueId: string
  readonly steps: readonly Step[]
  /** When it began, was answered (`null`: never) and ended, in seconds since it began. */
  readonly answeredS: number | null
  readonly endedS: number
  readonly disposition: string
  readonly cause: readonly [number, string]
  readonly channel: string
  readonly seatChannel: string
}

const causes: Readonly<Record<CallEnding, readonly [number, string]>> = {
  answered: [16, 'Normal Clearing'],
  busy: [17, 'User busy'],
  refused: [21, 'Call Rejected'],
  'no-answer': [0, 'Unknown'],
  abandoned: [127, 'Interworking, unspecified'],
  failed: [34, 'Circuit/channel congestion'],
}

/** A seat that turns a call away is no answer to Dial and to the CDR. */
const dialStatuses: Readonly<Record<CallEnding, string>> = {
  answered: 'ANSWER',
  busy: 'BUSY',
  refused: 'NOANSWER',
  'no-answer': 'NOANSWER',
  abandoned: 'CANCEL',
  failed: 'CONGESTION',
}

const dispositions: Readonly<Record<CallEnding, string>> = {
  answered: 'ANSWERED',
  busy: 'BUSY',
  refused: 'NO ANSWER',
  'no-answer': 'NO ANSWER',
  abandoned: 'NO ANSWER',
  failed: 'CONGESTION',
}

/** `second`: since 1970, when the first channel is made; `number` counts channels. */
export function scripted(call: SimulatedCall, second: number, number: number): Scripted {
  const { from, to, seat, ending, digits = '', recording, context = 'hotline', ringS = 2, talkS = 20 } = call
  const uniqueId = `${second}.${number}`
  const seatId = `${second}.${number + 1}`
  const hex = (n: number) => n.toString(16).padStart(8, '0')
  const channel = `PJSIP/trunk-${hex(number)}`
  const seatChannel = seat === null ? '' : `PJSIP/${seat}-${hex(number + 1)}`
  const first = (state: number, exten = to): EventFields =>
    snapshot('', { channel, state, number: from, context, exten, id: uniqueId, linked: uniqueId })
  const callee = (state: number, prefix = ''): EventFields =>
    snapshot(prefix, {
      channel: seatChannel,
      state,
      number: to,
      context: 'from-seats',
      exten: to,
      id: seatId,
      linked: uniqueId,
    })
  const steps: Step[] = []
  const say = (atS: number, event: string, privilege: string, ...fields: EventFields[]) =>
    steps.push({ atS, fields: [['Event', event], ['Privilege', `${privilege},all`], ...fields.flat()] })

  say(0, 'Newchannel', 'call', first(4))
  if (seat === null && ending === 'answered') say(0.1, 'Newstate', 'call', first(6))
  for (const [n, digit] of [...digits].entries()) {
    const atS = 0.5 + n / 4
    say(atS, 'DTMFEnd', 'dtmf', first(6), [
      ['Digit', digit],
      ['DurationMs', 160],
      ['Direction', 'Received'],
    ])
  }
  if (recording !== undefined)
    say(0.1, 'VarSet', 'dialplan', first(4), [
      ['Variable', 'MIXMONITOR_FILENAME'],
      ['Value', recording],
    ])
  const rang = ending !== 'busy' && ending !== 'refused' && ending !== 'failed'
  const rungS = digits.length / 4 + (rang ? ringS : 0.2)
  if (seat !== null) {
    say(digits.length / 4 + 0.1, 'Newchannel', 'call', callee(0))
    say(digits.length / 4 + 0.1, 'DialBegin', 'call', first(4), callee(0, 'Dest'), [['DialString', seat]])
    if (rang) say(digits.length / 4 + 0.15, 'Newstate', 'call', callee(5))
    if (ending === 'answered') say(rungS, 'Newstate', 'call', callee(6))
    const state = ending === 'answered' ? 6 : rang ? 5 : 0
    say(rungS, 'DialEnd', 'call', first(4), callee(state, 'Dest'), [['DialStatus', dialStatuses[ending]]])
    if (ending === 'answered') say(rungS, 'Newstate', 'call', first(6))
  }
  const endedS = rungS + (ending === 'answered' ? talkS : 0)
  const up = ending === 'answered' ? 6 : null
  const cause = causes[ending]
  const hung = (of: readonly [number, string]): EventFields => [
    ['Cause', of[0]],
    ['Cause-txt', of[1]],
  ]
  if (seat !== null) say(endedS, 'Hangup', 'call', callee(up ?? (rang ? 5 : 0)), hung(cause))
  say(endedS, 'Hangup', 'call', first(up ?? 4), hung(ending === 'refused' ? causes.failed : cause))
  const answeredS = ending !== 'answered' ? null : seat === null ? 0.1 : rungS
  return { uniqueId, steps, answeredS, endedS, disposition: dispositions[ending], cause, channel, seatChannel }
}

interface Snapshot {
  readonly channel: string
  readonly state: number
  readonly number: string
  readonly context: string
  readonly exten: string
  readonly id: string
  readonly linked: string
}

const states: Readonly<Record<number, string>> = { 0: 'Down', 4: 'Ring', 5: 'Ringing', 6: 'Up' }

/** What every event says of a channel. */
function snapshot(prefix: string, { channel, state, number, context, exten, id, linked }: Snapshot): EventFields {
  const fields: EventFields = [
    ['Channel', channel],
    ['ChannelState', state],
    ['ChannelStateDesc', states[state] ?? 'Unknown'],
    ['CallerIDNum', number === '' ? '<unknown>' : number],
    ['CallerIDName', '<unknown>'],
    ['Context', context],
    ['Exten', exten],
    ['Priority', 1],
    ['Uniqueid', id],
    ['Linkedid', linked],
  ]
  return fields.map(([name, value]) => [`${prefix}${name}`, value])
}
