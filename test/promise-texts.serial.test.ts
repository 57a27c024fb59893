import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { noticeStates } from '../gateway/notices/state.ts'
import { SimulatedCore } from '../simulators/core.ts'
import { seeded } from '../simulators/seeded.ts'
import { SmppSmscSimulator } from '../simulators/smpp-smsc.ts'
import { pdusOf } from '../simulators/smpp-texts.ts'
import { GatewayProcess } from './gateway-process.ts'
import { serverMissing } from './postgres-server.ts'
import { killingPostgres } from './promise-stage.ts'

/**
 * The promise for texts, tried: what a message centre had an ESME_ROK for is at the core exactly once, however often it
 * was delivered and whatever was killed between its parts; and no text leaves twice.
 */

t.setTimeout(280_000)

interface Stage {
  readonly gateway: GatewayProcess
  readonly smsc: SmppSmscSimulator
  readonly core: SimulatedCore
  readonly citizens: Citizens
}

/** People who write one text after the other. The centre delivers each part until it is acknowledged, as centres do. */
class Citizens {
  /** Texts of which every part was acknowledged. */
  readonly said: { readonly from: string; readonly text: string }[] = []
  readonly #smsc: SmppSmscSimulator
  readonly #over = new AbortController()
  #talking: Promise<unknown> = Promise.resolve()

  constructor(smsc: SmppSmscSimulator) {
    this.#smsc = smsc
  }

  start(people: number): void {
    this.#talking = Promise.all(Array.from({ length: people }, (_, i) => this.#talk(i, seeded(i + 1))))
    this.#talking.catch(() => {})
  }

  async #talk(person: number, random: () => number): Promise<void> {
    const from = String(8613800138000 + person)
    for (let n = 1; !this.#over.signal.aborted; n++) {
      const words = `采莲街${person + 1}号门口的垃圾没人管，第${n}次说了。`
      // No two texts share a part: the same octets under the same reference are the same part to SMPP.
      const text = random() < 0.5 ? words : words + `天天从这里走，味道很大，请你们派人来看看，${n}。`.repeat(5)
      const pdus = pdusOf({ from, to: '12319', text, id: `${person} ${n}` })
      if (random() < 0.5) pdus.reverse()
      for (const pdu of pdus) await this.#untilAcknowledged(pdu)
      this.said.push({ from, text })
      await delay(random() * 40)
    }
  }

  async #untilAcknowledged(pdu: Buffer): Promise<void> {
    const deadline = Date.now() + 120_000
    while ((await this.#smsc.deliver(pdu)) !== 'ESME_ROK') {
      if (Date.now() > deadline) throw new Error('nobody takes the message')
      await delay(20)
    }
  }

  async hush(): Promise<void> {
    this.#over.abort()
    await this.#talking
  }
}

async function onStage(extra: Record<string, unknown>, play: (stage: Stage) => Promise<void>): Promise<void> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const core = new SimulatedCore(secret)
  const url = await core.start()
  // Some answers are taken by the centre while the link dies before it can say so; the supervisor's back-off grows with
  // each, so there are few.
  const smsc = new SmppSmscSimulator({
    fate: ({ index, times }) => (index % 8 === 4 && index < 40 && times === 1 ? 'taken-but-cut' : 'taken'),
    receipt: () => ({ state: 'DELIVRD', when: 'held', times: 1 }),
  })
  const port = await smsc.start()
  const gateway = await GatewayProcess.prepare({
    adapters: [{ name: 'sms', kind: 'smpp-esme', port, systemId: 'city', perSecond: 0 }],
    destinations: [{ name: 'core', url, secret, perSecond: 0, backoff: { first: '100ms', most: '500ms' } }],
    notices: { dailyCap: 100_000 },
    ...extra,
  })
  const citizens = new Citizens(smsc)
  try {
    await gateway.start()
    citizens.start(10)
    await play({ gateway, smsc, core, citizens })
  } catch (error) {
    throw new Error(`${String(error)}\n${await gateway.logTail()}`, { cause: error })
  } finally {
    await citizens.hush().catch(() => {})
    await smsc.stop()
    await core.stop()
    await gateway.remove()
  }
}

async function holds(t: Test, { gateway, smsc, core, citizens }: Stage): Promise<void> {
  await citizens.hush()
  const http = (await gateway.addresses())?.http ?? ''
  const ask = async <Answer>(path: string) => (await (await fetch(`${http}${path}`)).json()) as Answer
  const until = async (what: string, isSo: () => Promise<boolean>) => {
    const deadline = Date.now() + 60_000
    while (!(await isSo())) {
      if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
      await delay(100)
    }
  }
  interface Destination {
    readonly destination: string
    readonly pending: number
  }
  await until('the outbox is empty', async () => {
    const { destinations } = await ask<{ destinations: Destination[] }>('/v1/ledger')
    return destinations.every(({ pending }) => pending === 0)
  })
  const times = new Map<string, number>()
  for (const { type, data } of core.events.values())
    if (type === 'chengguan.case-intent.v1') times.set(String(data.text), (times.get(String(data.text)) ?? 0) + 1)
  const long = citizens.said.filter(({ text }) => text.length > 70).length
  t.comment(
    `${citizens.said.length} texts, ${long} of them long, ${smsc.answers.get('lost') ?? 0} deliveries were lost`,
  )
  t.ok(citizens.said.length > 20 && long > 5, 'enough was said to mean something')
  t.strictSame(
    [...times].filter(([, n]) => n !== 1),
    [],
    'nothing is at the core twice',
  )
  t.strictSame(
    citizens.said.filter(({ text }) => !times.has(text)),
    [],
    'every acknowledged text is at the core, whole',
  )
  t.equal(times.size, citizens.said.length, 'and nothing else')

  // Answers: each is at its addressee once, or nobody knows, and then the gateway says so and does not send it again.
  const idsIn = async (state: string) => {
    const ids: string[] = []
    for (let after = ''; ; ) {
      const page = await ask<{ notices: { id: string }[]; next: string }>(
        `/v1/notices?state=${state}&limit=1000${after === '' ? '' : `&after=${after}`}`,
      )
      ids.push(...page.notices.map(({ id }) => id))
      if (page.notices.length < 1000) return ids
      after = page.next
    }
  }
  const states = async () => {
    const counts = new Map<string, number>()
    for (const state of noticeStates) counts.set(state, (await idsIn(state)).length)
    return counts
  }
  // Asked for by what they end as: one that goes back from `sending` to `queued` could be missed in both.
  await until('every answer has left, or is in doubt', async () => {
    const counts = await states()
    const ended = ['accepted', 'delivered', 'in-doubt'].map((state) => counts.get(state) ?? 0)
    return ended.reduce((sum, n) => sum + n, 0) === citizens.said.length
  })
  // What the centre has and could not say, its receipts say.
  await until('the centre has a link', async () => smsc.receivers.length > 0)
  for (const receipt of smsc.takeReceipts())
    await until('the receipt is taken', async () => (await smsc.deliver(receipt)) === 'ESME_ROK')
  const unsettled = async () =>
    (await idsIn('accepted')).length + (await idsIn('in-doubt')).length - (citizens.said.length - smsc.submits.size)
  await until('receipts have settled whatever had left', async () => (await unsettled()) === 0)
  const counts = await states()
  t.comment(`answers by state: ${JSON.stringify(Object.fromEntries(counts))}`)
  const submits = [...smsc.submits.values()]
  t.strictSame(
    submits.filter(({ times }) => times > 1).map(({ index }) => index),
    [],
    'no text was handed over twice',
  )
  t.equal(
    [...counts.values()].reduce((sum, n) => sum + n, 0),
    citizens.said.length,
    'one answer each',
  )
  const inDoubt = counts.get('in-doubt') ?? 0
  t.equal(submits.length + inDoubt, citizens.said.length, `what is still in doubt never left: ${inDoubt}`)
  const { code, output } = await gateway.run('audit')
  t.equal(code, 0, output)
  t.equal(await gateway.stop(), 0, 'it drains and ends in order')
}

t.test('the gateway is killed ten times between parts, and between a submit and its answer', (t) =>
  onStage({}, async (stage) => {
    const random = seeded(20261125)
    for (let kill = 0; kill < 10; kill++) {
      await delay(200 + random() * 900)
      await stage.gateway.kill()
      await stage.gateway.start()
    }
    await holds(t, stage)
  }),
)

t.test('the centre cuts its links again and again', (t) =>
  onStage({}, async (stage) => {
    const random = seeded(5)
    for (let cut = 0; cut < 8; cut++) {
      await delay(200 + random() * 900)
      stage.smsc.cutLinks()
    }
    await holds(t, stage)
  }),
)

t.test('PostgreSQL is killed under the running gateway', { skip: serverMissing ?? false }, (t) =>
  killingPostgres(t, 13, (extra, kill) =>
    onStage(extra, async (stage) => {
      await kill()
      await holds(t, stage)
    }),
  ),
)
