import { mostEvidence } from '../calls/facts.ts'
import type { SettledRow } from '../calls/rows.ts'
import { indexable, storableJson } from './array-literal.ts'
import type { BatchPart } from './batch-part.ts'

/** Legs of calls, calls and forms, as parts of a batch's one statement. */

/** Facts of one leg take so many bytes at most; what a leg says beyond that is not added. */
const mostFactBytes = 100_000

// As `mergeFacts`: the same row comes of any order, by any gateway. The legs are written in one order by everybody, so
// that two statements never wait for each other crosswise.
const legs: BatchPart = ({ callLegs }, _gateway, columns) => {
  if (callLegs.size === 0) return null
  const inOrder = [...callLegs].sort(([a], [b]) => (a < b ? -1 : 1))
  const data = inOrder.map(([, { facts, callRank, heardLiveAt, heardRecordAt, lastHeardAt, ...row }]) => ({
    ...row,
    call_rank: callRank,
    facts: Object.fromEntries([...facts].map((each) => [each, 1])),
    heard_live_at: heardLiveAt,
    heard_record_at: heardRecordAt,
    last_heard_at: lastHeardAt,
  }))
  const surer = '(excluded.call_rank, excluded.call COLLATE "C") < (l.call_rank, l.call COLLATE "C")'
  return `leg_in AS (INSERT INTO call_leg AS l (exchange, leg, call, call_rank, seat, facts, heard_live_at, heard_record_at,
      last_heard_at, adapter, channel, evidence, due_at)
    SELECT exchange, leg, call, call_rank, seat, facts, heard_live_at, heard_record_at, last_heard_at, adapter, channel,
      evidence, last_heard_at
    FROM jsonb_to_recordset(${columns.value(storableJson(data))}::jsonb) AS r(exchange text, leg text, call text, call_rank int,
      seat text, facts jsonb, heard_live_at timestamptz, heard_record_at timestamptz, last_heard_at timestamptz, adapter text,
      channel text, evidence uuid[])
    ON CONFLICT (exchange, leg) DO UPDATE SET
      call = CASE WHEN ${surer} THEN excluded.call ELSE l.call END,
      call_rank = LEAST(l.call_rank, excluded.call_rank),
      seat = LEAST(l.seat COLLATE "C", excluded.seat COLLATE "C"),
      facts = CASE WHEN octet_length(l.facts::text) > ${mostFactBytes} THEN l.facts ELSE l.facts || excluded.facts END,
      heard_live_at = LEAST(l.heard_live_at, excluded.heard_live_at),
      heard_record_at = LEAST(l.heard_record_at, excluded.heard_record_at),
      last_heard_at = GREATEST(l.last_heard_at, excluded.last_heard_at),
      adapter = LEAST(l.adapter COLLATE "C", excluded.adapter COLLATE "C"),
      channel = CASE WHEN excluded.adapter COLLATE "C" < l.adapter COLLATE "C" THEN excluded.channel ELSE l.channel END,
      evidence = ARRAY(SELECT DISTINCT e FROM unnest(l.evidence || excluded.evidence) AS e ORDER BY e LIMIT ${mostEvidence}),
      due_at = excluded.due_at,
      version = l.version + 1)`
}

export const settledLegs = (settled: readonly SettledRow[]) =>
  settled.flatMap(({ legs, dueAt }) => legs.map((leg) => ({ ...leg, dueAt })))

// More that was said of one of them since it was read has made its version another, and then nothing is settled.
const settled: BatchPart = ({ settledCalls }, _gateway, columns) => {
  const rows = settledLegs(settledCalls)
  if (rows.length === 0) return null
  return `leg_settled AS (UPDATE call_leg l SET due_at = v.due_at, version = l.version + 1
    FROM unnest(
      ${columns.text(rows, (row) => row.exchange)},
      ${columns.text(rows, (row) => row.leg)},
      ${columns.bigint(rows, (row) => Number(row.version))},
      ${columns.time(rows, (row) => row.dueAt)}) AS v(exchange, leg, version, due_at)
    WHERE l.exchange = v.exchange AND l.leg = v.leg AND l.version = v.version
    RETURNING 1)`
}

const updated = ['revision', 'caller', 'called', 'district', 'seat', 'ending', 'heard', 'started_at', 'ended_at']
const changing = [...updated, 'talk_s', 'settled_at', 'merged_into', 'ids', 'data']

const calls: BatchPart = ({ settledCalls }, _gateway, columns) => {
  const rows = settledCalls.flatMap((row) => row.calls)
  if (rows.length === 0) return null
  const data = rows.map(({ call, revision, settledAt, mergedInto, ids }) => ({
    exchange: call.exchange,
    call: call.call,
    revision,
    caller: call.caller,
    called: call.called,
    district: call.district?.code ?? null,
    seat: call.seat === null ? null : indexable(call.seat),
    ending: call.ending,
    heard: call.heard,
    started_at: call.startedAt,
    ended_at: call.endedAt,
    talk_s: call.talkS,
    settled_at: settledAt,
    merged_into: mergedInto,
    ids,
    data: call,
  }))
  const names = ['exchange', 'call', ...changing].join(', ')
  return `call_in AS (INSERT INTO call (${names}) SELECT ${names}
    FROM jsonb_to_recordset(${columns.value(storableJson(data))}::jsonb) AS r(exchange text, call text, revision int, caller text,
      called text, district text, seat text, ending text, heard text, started_at timestamptz, ended_at timestamptz, talk_s int,
      settled_at timestamptz, merged_into text, ids text[], data jsonb)
    ON CONFLICT (exchange, call) DO UPDATE SET ${changing.map((name) => `${name} = excluded.${name}`).join(', ')})`
}

const forms: BatchPart = ({ callForms: f }, _gateway, columns) => {
  if (f.length === 0) return null
  return `call_form_in AS (INSERT INTO call_form (intent_id, exchange, call_id, seat, received_at)
    SELECT * FROM unnest(
      ${columns.uuid(f, (row) => row.intentId)},
      ${columns.text(f, (row) => row.exchange)},
      ${columns.text(f, (row) => row.callId)},
      ${columns.text(f, (row) => row.seat)},
      ${columns.time(f, (row) => row.receivedAt)}))`
}

export const callParts: readonly BatchPart[] = [legs, settled, calls, forms]
