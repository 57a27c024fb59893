import type { CallFormReport, CallReport } from '../gateway/report.ts'

const nothing = {
  ...{ direction: null, caller: null, called: null, seat: null, digits: null, digit: null, startedAt: null },
  ...{ ringingAt: null, answeredAt: null, endedAt: null, ending: null, cause: null, recording: null },
} as const

export function piece(leg: string, more: Partial<CallReport> = {}): CallReport {
  const { exchange = 'pbx', call = 'a' } = more
  const subject = more.caller ?? `call:${exchange}/${call}`
  return { kind: 'call', exchange, call, leg, heard: 'live', subject, deviceTime: null, ...nothing, ...more }
}

export const caller = 'tel:+8613800138000'

/** Pieces of a call that a seat answered, as FreeSWITCH tells them: live ones, then the records of both legs. */
export function answeredCall(id: string, at: Date, seat = '8001'): { live: CallReport[]; records: CallReport[] } {
  const after = (seconds: number) => new Date(at.getTime() + seconds * 1000)
  const [a, b] = [id, `${id}-b`]
  const live = [
    piece(a, { call: a, caller, called: '1231902', direction: 'inbound', startedAt: at }),
    piece(a, { call: a, caller, digit: { order: '1', key: '2' } }),
    piece(b, { call: a, caller, seat, startedAt: after(4), ringingAt: after(4) }),
    piece(b, { call: a, caller, seat, answeredAt: after(9) }),
    piece(a, { call: a, caller, answeredAt: after(9) }),
    piece(b, { call: a, caller, seat, endedAt: after(69), ending: 'answered', cause: 'NORMAL_CLEARING' }),
    piece(a, { call: a, caller, endedAt: after(69), ending: 'answered', cause: 'NORMAL_CLEARING' }),
  ]
  const whole = {
    call: a,
    caller,
    heard: 'record',
    endedAt: after(69),
    ending: 'answered',
    cause: 'NORMAL_CLEARING',
  } as const
  const records = [
    piece(a, {
      ...whole,
      called: '1231902',
      direction: 'inbound',
      digits: '2',
      startedAt: at,
      answeredAt: after(9),
      recording: `/rec/${a}.wav`,
    }),
    piece(b, { ...whole, seat, startedAt: after(4), ringingAt: after(4), answeredAt: after(9) }),
  ]
  return { live, records }
}

export function callForm(call: string, more: Partial<CallFormReport> = {}): CallFormReport {
  const exchange = more.exchange ?? 'pbx'
  return {
    ...{ kind: 'call-form', exchange, call, subject: more.caller ?? `call:${exchange}/${call}`, deviceTime: null },
    ...{
      number: null,
      seat: null,
      caller: null,
      callBack: null,
      name: null,
      text: null,
      address: null,
      caseKind: null,
    },
    ...{ category: null, componentId: null, place: null, urgent: null, attachments: [] },
    ...more,
  }
}
