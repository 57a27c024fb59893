import { readFileSync } from 'node:fs'
import t from 'tap'
import type { CallEnding, CallReport } from '../gateway/report.ts'
import { type Calls, missingAsterisk, type RealAsterisk, realAsterisk, type Tally, zone } from './asterisk-far-end.ts'
import { amiStage, cdrStage, Shelf, until } from './asterisk-stage.ts'

/** A real Asterisk with sipp as callers and seats: 20 calls that end in every way. */

const skip = missingAsterisk()
t.setTimeout(120_000)

interface Plan extends Calls {
  readonly to: string
  /** How the call's first leg ended, as the CDR has it. */
  readonly record: CallEnding
  /** How the seats' legs ended, live and by CEL. */
  readonly seats: Readonly<Record<string, CallEnding>>
}

const plan: readonly Plan[] = [
  { to: '1231900', count: 3, record: 'answered', seats: {} },
  // GBK: 张三
  { to: '1231901', count: 4, name: Buffer.from('d5c5c8fd', 'hex'), record: 'answered', seats: { 8001: 'answered' } },
  { to: '1231902', count: 2, record: 'busy', seats: { 8002: 'busy' } },
  { to: '1231903', count: 2, record: 'no-answer', seats: { 8003: 'no-answer' } },
  { to: '1231903', count: 2, holdMs: 500, givesUp: true, record: 'no-answer', seats: { 8003: 'no-answer' } },
  { to: '1231904', count: 2, record: 'no-answer', seats: { 8004: 'refused' } },
  { to: '1231905', count: 1, holdMs: 5000, record: 'answered', seats: { 8003: 'no-answer', 8001: 'answered' } },
  { to: '1231905', count: 2, holdMs: 700, record: 'no-answer', seats: { 8003: 'no-answer' } },
  { to: '1231906', count: 1, record: 'failed', seats: {} },
  { to: '1231907', count: 1, record: 'failed', seats: {} },
]
const total = plan.reduce((sum, { count }) => sum + count, 0)

/** All of them at once; each kind from a number of its own, by which its calls are known again. */
async function ring(pbx: RealAsterisk): Promise<Tally> {
  const tallies = await Promise.all(plan.map((one, n) => pbx.calls(one.to, { ...one, caller: callerOf(n) })))
  return tallies.reduce((a, b) => ({ succeeded: a.succeeded + b.succeeded, failed: a.failed + b.failed }))
}

const callerOf = (n: number) => `1380013800${n}`

const rows = (pbx: RealAsterisk) => readFileSync(pbx.cdrFile, 'utf8').trim().split('\n')

const firstLegs = (shelf: Shelf, heard: CallReport['heard'] | null = null) =>
  new Set(
    shelf.calls.filter((one) => one.call === one.leg && (heard === null || one.heard === heard)).map(({ leg }) => leg),
  )

/** Last words win only where they say something: what any reader of the pieces can do. */
const said = <Key extends keyof CallReport>(pieces: readonly CallReport[], key: Key) =>
  pieces.map((piece) => piece[key]).filter((value) => value !== null)

t.test('calls of every outcome: sipp, CDR events, CDR file and the pieces say the same', { skip }, async (t) => {
  const pbx = await realAsterisk(t)
  const ami = amiStage(t, { port: pbx.manager, timeZone: zone, contexts: { inbound: ['hotline'] } })
  const file = cdrStage(t, { file: pbx.cdrFile, timeZone: zone, contexts: { inbound: ['hotline'] } })
  await ami.adapter.start()
  await file.adapter.start()
  const tally = await ring(pbx)
  t.same(tally, { succeeded: total, failed: 0 }, pbx.said())
  await until(
    'every call has ended',
    () => ami.shelf.count('Hangup:') > 0 && pbx.console('core show channels').includes('0 active calls'),
  )
  const written = rows(pbx).length
  await until('all CDRs are here', () => ami.shelf.count('cdr:') === written && file.shelf.count('cdr:') === written)
  t.ok(written >= total, `${written} rows of ${total} calls`)
  t.same(ami.shelf.dead, [])
  t.same(file.shelf.dead, [])
  for (const shelf of [ami.shelf, file.shelf]) t.equal(firstLegs(shelf).size, total)
  t.same(
    [...ami.shelf.messages.keys()].filter((key) => key.startsWith('cdr:')).toSorted(),
    [...file.shelf.messages.keys()].toSorted(),
    'a CDR has one key by both ways',
  )

  for (const [n, { to, count, record, seats, givesUp, holdMs }] of plan.entries()) {
    const caller = `tel:+86${callerOf(n)}`
    const mine = ami.shelf.calls.filter((one) => one.call === one.leg && one.caller === caller)
    const calls = new Set(mine.map(({ call }) => call))
    t.equal(calls.size, count, `${to}: calls of ${caller}`)
    for (const call of calls) {
      const pieces = ami.shelf.calls.filter((one) => one.call === call)
      const first = pieces.filter(({ leg }) => leg === call)
      t.ok(said(first, 'called').includes(to), `${to}: the number dialled`)
      t.ok(said(first, 'direction').includes('inbound'))
      const cdrs = file.shelf.calls.filter((one) => one.call === call)
      t.ok(said(cdrs, 'ending').includes(record), `${to}: CDR says ${said(cdrs, 'ending')}`)
      for (const [seat, ending] of Object.entries(seats)) {
        const legs = new Set(pieces.filter((one) => one.leg !== call && one.seat === seat).map(({ leg }) => leg))
        t.ok(legs.size > 0, `${to}: seat ${seat} was rung`)
        const endings = (heard: CallReport['heard']) =>
          pieces.filter((one) => legs.has(one.leg) && one.heard === heard).flatMap((one) => one.ending ?? [])
        t.same(new Set(endings('live')), new Set([ending]), `${to}: seat ${seat} live`)
        if (ending === 'refused' || ending === 'busy')
          t.same(new Set(endings('record')), new Set([ending]), `${to}: seat ${seat} by CEL`)
      }
      const gaveUp = givesUp === true || (to === '1231905' && holdMs === 700)
      if (gaveUp) t.ok(said(first, 'ending').includes('abandoned'), `${to}: the caller gave up`)
      if (to === '1231900')
        t.ok(
          first.some(({ digit }) => digit?.key === '2'),
          'a digit was pressed',
        )
      if (to === '1231901')
        t.ok(
          said(first, 'recording').some((path) => path.endsWith(`/${call}.wav`)),
          'the recording',
        )
      // Live times are instants of the exchange; the file's are local to the second.
      const [live] = said(
        first.filter(({ heard }) => heard === 'live'),
        'startedAt',
      )
      const [local] = said(cdrs, 'startedAt')
      t.ok(
        Math.abs((live?.getTime() ?? 0) - (local?.getTime() ?? 1e12)) < 2000,
        `${to}: ${live?.toISOString()} ${local?.toISOString()}`,
      )
    }
  }
})

t.test('the link dies among the calls: the file has the rest, each once', { skip }, async (t) => {
  const pbx = await realAsterisk(t)
  const both = new Shelf()
  const began = new Date()
  const ami = amiStage(t, { port: pbx.manager, timeZone: zone }, both)
  await ami.adapter.start()
  const ringing = ring(pbx)
  await until('some calls are known', () => both.count('cdr:') >= 3, 30_000)
  await ami.adapter.stop()
  t.same(await ringing, { succeeded: total, failed: 0 }, pbx.said())
  await until('every call has ended', () => pbx.console('core show channels').includes('0 active calls'))
  const known = both.count('cdr:')
  const written = rows(pbx).length
  t.ok(known < written, `${known} of ${written} came live`)

  const file = cdrStage(t, { file: pbx.cdrFile, timeZone: zone }, both)
  await file.adapter.recall?.(began, new Date())
  t.equal(both.count('cdr:'), written, 'every CDR is here')
  t.equal(both.duplicates, known, 'those that were known are duplicates')
  t.equal(firstLegs(both, 'record').size, total)
  await file.adapter.recall?.(new Date(0), new Date(began.getTime() - 3_600_000))
  t.equal(both.duplicates, known, 'of another time there is nothing')
})

t.test(
  'TLS, a login that is refused, a call that was under way, an exchange that is shut down',
  { skip },
  async (t) => {
    const pbx = await realAsterisk(t)
    const stranger = amiStage(t, { port: pbx.manager, secret: 'wrong' })
    await t.rejects(stranger.adapter.start(), {
      code: 'LINK_CONNECT',
      message: /login was refused: .*Authentication failed/,
    })
    const doubting = amiStage(t, { port: pbx.managerTls, tls: { servername: 'localhost' } })
    await t.rejects(doubting.adapter.start(), { code: 'LINK_CONNECT' }, 'a certificate that nobody vouches for')
    const calling = pbx.calls('1231903', { count: 1 })
    await until('it rings', () => pbx.console('core show channels').includes('1 active call'))
    const tls = { ca: pbx.certificate, servername: 'localhost' }
    const plain = amiStage(t, { port: pbx.managerTls, tls, login: 'plain', timeZone: zone })
    await plain.adapter.start()
    await until('the call is known', () => plain.shelf.count('CoreShowChannel:') === 2)
    t.match(
      plain.shelf.calls.find(({ call, leg }) => call === leg),
      { caller: 'tel:+8613800138000', called: '1231903', startedAt: null },
    )
    t.match(
      plain.shelf.calls.find(({ call, leg }) => call !== leg),
      { seat: '8003', caller: null },
    )
    await calling
    pbx.console('core stop now')
    await until('the link is down', () => plain.links.some(({ state }) => state === 'down'))
    t.match(plain.links.at(-1), { state: 'down', reason: /shut down|closed/ })
  },
)
