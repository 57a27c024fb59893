import { GatewayError, quote } from '../../gateway/errors.ts'
import type { Report } from '../../gateway/report.ts'
import { callReport } from './call-report.ts'
import { type Leg, legId, said } from './leg.ts'
import type { Mapping } from './options.ts'
import { textOf } from './text.ts'
import { instant } from './times.ts'

const mostChannels = 5000

/** `show channels as json`: what is going on now. It says nothing of what went on before. */
export function channelReports(raw: Uint8Array, exchange: string, at: Date, mapping: Mapping): Report[] {
  const rows = rowsOf(textOf(raw))
  if (rows.length > mostChannels) throw new GatewayError('DECODE_TOO_LARGE', `ESL: a list of ${rows.length} channels`)
  return rows.map((row, index): Report => {
    try {
      return callReport({ leg: legOf(row), exchange, heard: 'live', at, over: false }, mapping)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      return { kind: 'malformed', index, code: error.code, detail: error.message }
    }
  })
}

function rowsOf(text: string): unknown[] {
  try {
    const { rows, row_count: count } = JSON.parse(text) as { rows?: unknown; row_count?: unknown }
    if (Array.isArray(rows)) return rows
    if (count === 0) return []
  } catch {}
  throw new GatewayError('DECODE_SYNTAX', `ESL: no list of channels: ${quote(text)}`)
}

/** Columns of the core's table of channels; `initial_` ones are of the first profile. */
function legOf(given: unknown): Leg {
  const row = new Map(
    Object.entries(typeof given === 'object' && given !== null ? given : {}).map(([name, value]) => [
      name,
      said(typeof value === 'number' ? String(value) : typeof value === 'string' ? value : null),
    ]),
  )
  const of = (...names: string[]) => names.map((name) => row.get(name) ?? null).find((value) => value !== null) ?? null
  const uuid = legId(of('uuid'))
  const created = of('created_epoch')
  const startedMs = created === null ? null : (instant('created_epoch', created, 1000)?.getTime() ?? null)
  const call = of('call_uuid')
  return {
    uuid,
    direction: of('direction'),
    variables: new Map(call === null ? [] : [['call_uuid', call]]),
    profiles: [
      {
        callerNumber: of('initial_cid_num', 'cid_num'),
        calleeNumber: of('callee_num'),
        destination: of('initial_dest', 'dest'),
        originator: null,
        times: new Map(startedMs === null ? [] : [['created_time', String(startedMs * 1000)]]),
      },
    ],
  }
}
