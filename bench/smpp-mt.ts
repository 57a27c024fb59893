import { type DatabaseKind, type MeasuredGateway, noServer, openGateway } from './gateways.ts'
import { type HttpSink, startSink } from './http-sink.ts'
import { CpuMeter } from './processes.ts'
import { type Centre, type Messages, startCentre, writeMessages } from './smpp-centre.ts'
import { adapterOf, connectTo, destinationAt } from './smpp-gateway.ts'
import { table } from './table.ts'

/** Notices that wait for a bind and then leave at the account's pace, each with a receipt that is processed. */

const countedS = 20
const leadInS = 2
const leadOutS = 2
const posters = 32
const deliveredWithinMs = 60_000

export async function measureMt(databases: readonly string[], rates: readonly number[]): Promise<void> {
  const messages = await writeMessages(1, true)
  const rows: string[][] = []
  for (const perSecond of rates)
    for (const kind of databases as DatabaseKind[]) {
      if (kind === 'server' && noServer !== null) console.log(`skipped: ${noServer}`)
      else rows.push(await measure(kind, perSecond, messages))
    }
  console.log(`\nMT with receipts at an account's pace, over ${countedS} s after the first ${leadInS}\n`)
  const head = [
    'database',
    'allowed/s',
    'submitted/s',
    'most in any second',
    'receipt answered, p50 / p99',
    'delivered after its receipt, p50 / p99',
    'delivered',
    'CPU a notice',
  ]
  console.log(table(head, rows))
}

async function measure(kind: DatabaseKind, perSecond: number, messages: Messages): Promise<string[]> {
  const notices = perSecond * (leadInS + countedS + leadOutS)
  const [centre, sink] = [await startCentre(messages, 'closed'), await startSink()]
  let gateway: MeasuredGateway | null = null
  try {
    gateway = await openFor(kind, centre, sink, perSecond)
    await postAll(gateway.child().http, notices)
    const meter = new CpuMeter(gateway)
    meter.watch('counting')
    centre.open()
    await centre.bound()
    const after = await delivered(gateway, notices, (notices / perSecond) * 1000 + deliveredWithinMs)
    meter.watch('counted')
    const { gatewayUs, databaseUs } = meter.perMessage(notices)
    const seen = await centre.submits()
    if (seen.submittedAt.length !== notices) throw new Error(`${seen.submittedAt.length} of ${notices} were submitted`)
    const waits = after.map(({ messageId, at }) => at.getTime() - (seen.receiptAt[messageId] ?? 0))
    const rate = rateOf(seen.submittedAt)
    return [
      kind,
      String(perSecond),
      `${rate.toFixed(1)} (${(((rate - perSecond) / perSecond) * 100).toFixed(2)} %)`,
      String(mostInASecond(seen.submittedAt)),
      quantiles(seen.receiptMs),
      quantiles(waits),
      `${after.length} of ${notices}`,
      `${Math.round(gatewayUs)} µs + ${Math.round(databaseUs)} µs in the database`,
    ]
  } finally {
    await gateway?.close()
    await centre.close()
    await sink.close()
  }
}

function openFor(kind: DatabaseKind, centre: Centre, sink: HttpSink, perSecond: number): Promise<MeasuredGateway> {
  return openGateway(kind, {
    adapters: [adapterOf(centre.port, { bind: 'transceiver', perSecond, window: 50 })],
    destinations: [destinationAt(sink.port)],
  })
}

async function postAll(http: string, notices: number): Promise<void> {
  let next = 0
  const poster = async () => {
    for (let n = next++; n < notices; n = next++) {
      const answer = await fetch(`${http}/v1/notices`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `bench ${n}` },
        body: JSON.stringify({
          to: { subscriber: `+86138${String(n).padStart(8, '0')}` },
          text: `您反映的问题已办结，感谢您的参与。编号${n}`,
          urgent: true,
        }),
      })
      if (answer.status !== 202) throw new Error(`a notice was answered ${answer.status}: ${await answer.text()}`)
      await answer.arrayBuffer()
    }
  }
  await Promise.all(Array.from({ length: posters }, poster))
}

interface Delivered {
  readonly messageId: string
  readonly at: Date
}

/** All of them, with the time that their state itself has: what it was before the commit. */
async function delivered(gateway: MeasuredGateway, notices: number, withinMs: number): Promise<Delivered[]> {
  const client = await connectTo(gateway)
  const deadline = Date.now() + withinMs
  try {
    for (;;) {
      const { rows } = await client.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM notice WHERE state = 'delivered'`,
      )
      if ((rows[0]?.n ?? 0) >= notices) break
      if (Date.now() > deadline) throw new Error(`only ${rows[0]?.n} of ${notices} were delivered`)
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
    const { rows } = await client.query<Delivered>(
      `SELECT s.message_id AS "messageId", n.at FROM notice_state n JOIN submission s USING (notice_id)
       WHERE n.state = 'delivered'`,
    )
    return rows
  } finally {
    await client.end()
  }
}

function rateOf(times: readonly number[]): number {
  const from = (times[0] ?? 0) + leadInS * 1000
  return times.filter((at) => at >= from && at < from + countedS * 1000).length / countedS
}

/** As a centre that counts would see it. */
function mostInASecond(times: readonly number[]): number {
  let most = 0
  let first = 0
  times.forEach((at, i) => {
    while ((times[first] ?? at) <= at - 1000) first++
    most = Math.max(most, i - first + 1)
  })
  return most
}

function quantiles(ms: readonly number[]): string {
  const sorted = [...ms].sort((a, b) => a - b)
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(0)
  return `${at(0.5)} / ${at(0.99)} ms`
}
