import t from 'tap'
import { Unfinished } from '../gateway/intake/unfinished.ts'
import type { PartReport, Report, TextReport } from '../gateway/report.ts'
import type { Database } from '../gateway/store/database.ts'
import { audit } from '../gateway/store/ledger.ts'
import { linkIntents, reportersOfProblem, unlinkIntents } from '../gateway/store/relations.ts'
import { isQueryNumber, queryNumberOf, regarding } from '../gateway/triage/query-number.ts'
import { forEachDatabase, silent } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { middle } from './small-city.ts'
import { form, gps } from './triage-stage.ts'

const citizen = 'tel:+8613800138000'

function text(words: string | null, more: Partial<TextReport> = {}): TextReport {
  return {
    kind: 'text',
    medium: 'sms',
    subject: citizen,
    deviceTime: null,
    to: '12319',
    title: null,
    text: words,
    attachments: [],
    missingParts: [],
    ...more,
  }
}

function part(number: number, total: number, words: string, more: Partial<PartReport> = {}): PartReport {
  return {
    kind: 'part',
    subject: citizen,
    deviceTime: null,
    to: '12319',
    reference: 'udh8:1',
    total,
    number,
    content: { is: 'text', text: words },
    ...more,
  }
}

t.test(
  'a query number has a check digit: no slip of one digit and no swap of two neighbours is another number',
  async (t) => {
    const number = queryNumberOf('01a2080d-0ae7-7293-b14c-2d4d85a1d39f')
    t.match(number, /^[1-9][0-9]{8}$/)
    t.ok(isQueryNumber(number))
    for (let i = 0; i < 9; i++) {
      for (let digit = 0; digit <= 9; digit++) {
        const wrong = `${number.slice(0, i)}${digit}${number.slice(i + 1)}`
        if (wrong !== number) t.notOk(isQueryNumber(wrong), wrong)
      }
      const swapped = `${number.slice(0, i)}${number[i + 1] ?? ''}${number[i]}${number.slice(i + 2)}`
      if (swapped !== number && swapped.length === 9) t.notOk(isQueryNumber(swapped), swapped)
    }
  },
)

t.test('a question after the state is told from something to add and from something new', async (t) => {
  const n = queryNumberOf('01a2080d-0ae7-7293-b14c-2d4d85a1d39f')
  const wide = n.replace(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0))
  for (const asks of [
    n,
    ` ${n}。`,
    `查询${n}`,
    `查 ${n}`,
    `cx${n}`,
    wide,
    `${n.slice(0, 3)} ${n.slice(3, 6)} ${n.slice(6)}`,
    `${n}处理得怎么样了？`,
  ])
    t.match(regarding(asks), { is: 'query', number: n }, asks)
  t.same(regarding(`${n} 还没有修好，水还在流`), { is: 'supplement', number: n, text: '还没有修好，水还在流' })
  const mistyped = `${n.slice(0, 8)}${(Number(n[8]) + 1) % 10}`
  t.same(regarding(mistyped), { is: 'mistyped', number: mistyped })
  for (const fresh of ['13800138000', '采莲街12号井盖没了', '12319', '', `电话13800138000，${n}`, `${n}0`])
    t.equal(regarding(fresh), null, fresh)
})

t.test('texts', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { pool, prisma } = database
    t.beforeEach(async () => {
      await pool.query(
        `TRUNCATE message, message_key, position, intent, outbox, dead_letter, tally, device, notice, message_part,
           correspondence, relation, errand CASCADE`,
      )
    })
    const balanced = async () => (await audit(pool)).faults

    await t.test('a text is an intent, its sender is owed an answer, and has a number to ask by', async (t) => {
      const stage = await IntakeStage.open(t, database)
      t.equal(await stage.say('a', text('路边垃圾没人管')), 'stored')
      const [intent] = await intents(database)
      t.match(intent, {
        purpose: 'report',
        source: 'citizen',
        text: '路边垃圾没人管',
        reporter: { kind: 'citizen', id: citizen },
      })
      const [owed] = await prisma.correspondence.findMany()
      t.match(owed, {
        intentId: String(intent?.id),
        queryNumber: intent?.queryNumber,
        subject: citizen,
        adapter: 'tested',
        recipient: '12319',
      })
      const [notice] = await prisma.notice.findMany()
      t.match(notice, { addressee: citizen, template: 'received', intentId: String(intent?.id), state: 'queued' })
      t.match(notice?.text, String(intent?.queryNumber))
      t.equal(await stage.accept('a'), 'duplicate')
      t.equal(await prisma.notice.count(), 1)
      t.equal(await prisma.device.count(), 0, 'a citizen is no device')
      t.strictSame(await balanced(), [])
    })

    await t.test('an empty text is filtered and answered; a machine is not answered', async (t) => {
      const stage = await IntakeStage.open(t, database)
      t.equal(await stage.say('a', text('  ')), 'filtered')
      t.equal(await stage.say('b', text('您的验证码', { subject: 'tel:BANK' })), 'stored')
      t.equal((await intents(database)).length, 1)
      t.same(
        (await prisma.notice.findMany()).map(({ template, addressee }) => [template, addressee]),
        [['help', citizen]],
      )
      t.strictSame(await balanced(), [])
    })

    await t.test(
      'the number is answered with the state that the core last gave; a mistyped one with help',
      async (t) => {
        const stage = await IntakeStage.open(t, database)
        await stage.say('a', text('路边垃圾没人管'))
        const [owed] = await prisma.correspondence.findMany()
        const queryNumber = String(owed?.queryNumber)
        await stage.say('ask 1', text(queryNumber))
        await prisma.correspondence.updateMany({ data: { stage: 'closed', stageText: '已办结，垃圾已清运' } })
        await stage.say('ask 2', text(`查询 ${queryNumber}`))
        await stage.say('ask 3', text('123456780', { subject: 'tel:+8613900139000' }))
        const answers = await prisma.notice.findMany({
          where: { template: { not: 'received' } },
          orderBy: { createdAt: 'asc' },
        })
        t.match(answers[0], { template: 'state', addressee: citizen })
        t.match(answers[1]?.text, '已办结，垃圾已清运')
        t.match(answers[2], { template: 'help', addressee: 'tel:+8613900139000', intentId: null })
        t.equal((await intents(database)).length, 1, 'a question is no report')
        t.strictSame(await balanced(), [])
      },
    )

    await t.test('what begins with a query number adds to that report', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await stage.say('a', text('路边垃圾没人管'))
      const [first] = await prisma.correspondence.findMany()
      await stage.say('b', text(`${first?.queryNumber} 现在更多了`))
      const [, second] = await intents(database)
      t.match(second?.related, [{ id: first?.intentId, because: /names its query number/, score: 1 }])
      t.match(await prisma.relation.findMany(), [
        { intentId: String(second?.id), otherId: first?.intentId, madeBy: 'gateway' },
      ])
    })

    await t.test(
      'parts are rows until the last is there, over restarts, and the intent rests on all of them',
      async (t) => {
        const before = await IntakeStage.open(t, database)
        t.equal(await before.say('2', part(2, 3, '门口的垃圾')), 'stored')
        t.equal(await before.say('1', part(1, 3, '采莲街')), 'stored')
        t.equal(await before.say('1 again', part(1, 3, '采莲街')), 'filtered')
        t.equal((await intents(database)).length, 0)
        t.equal(await prisma.messagePart.count(), 2)
        const after = await IntakeStage.open(t, database)
        t.equal(await after.say('3', part(3, 3, '没人管')), 'stored')
        const [intent] = await intents(database)
        t.equal(intent?.text, '采莲街门口的垃圾没人管')
        t.equal(String(intent?.evidence).split(',').length, 3)
        const times = (await prisma.message.findMany()).map(({ receivedAt }) => receivedAt.getTime())
        t.equal(Date.parse(String(intent?.receivedAt)), Math.min(...times), 'first receipt is that of the first part')
        t.equal(await prisma.messagePart.count(), 0)
        t.equal(await prisma.correspondence.count(), 1)
        t.strictSame(await balanced(), [])
      },
    )

    await t.test('two gateways that each take a half at the same moment make one text', async (t) => {
      const [one, two] = [
        await IntakeStage.open(t, database, { gateway: 'one' }),
        await IntakeStage.open(t, database, { gateway: 'two' }),
      ]
      for (let round = 0; round < 10; round++) {
        const reference = `udh8:${round}`
        await Promise.all([
          one.say(`a${round}`, part(1, 2, `第${round}次的垃圾`, { reference })),
          two.say(`b${round}`, part(2, 2, '没人管', { reference })),
        ])
      }
      const texts = (await intents(database)).map(({ text }) => String(text)).sort()
      t.same(texts, Array.from({ length: 10 }, (_, round) => `第${round}次的垃圾没人管`).sort())
      t.equal(await prisma.messagePart.count(), 0)
      t.strictSame(await balanced(), [])
    })

    await t.test('a half that another gateway stores between two reads is not passed by', async (t) => {
      const one = await IntakeStage.open(t, database, { gateway: 'one' })
      let stored: Promise<unknown> | null = null
      const { pool } = database
      // The sender's version is read when the other half is there; parts as soon as they are asked for.
      const late = new Proxy(pool, {
        get(target, name) {
          const value = Reflect.get(target, name)
          if (name !== 'query') return typeof value === 'function' ? value.bind(target) : value
          return async (...asked: [string, unknown[]]) => {
            if (/FROM device WHERE/.test(String(asked[0]))) {
              stored ??= one.say('a-late', part(1, 2, '桥下的垃圾', { reference: 'udh8:77' }))
              await stored
            }
            return target.query(...asked)
          }
        },
      })
      const two = await IntakeStage.open(t, { ...database, pool: late }, { gateway: 'two' })
      await two.say('b-late', part(2, 2, '没人管', { reference: 'udh8:77' }))
      t.strictSame(
        (await intents(database)).map(({ text }) => text),
        ['桥下的垃圾没人管'],
      )
      t.equal(await prisma.messagePart.count(), 0)
    })

    await t.test(
      'what never becomes whole goes on after a time, once, marked incomplete; a late part follows by itself',
      async (t) => {
        const stage = await IntakeStage.open(t, database)
        await stage.say('1', part(1, 3, '采莲街'))
        await stage.say('3', part(3, 3, '没人管'))
        let now = Date.now()
        const sweeps = ['one', 'two'].map(
          () =>
            new Unfinished({
              desk: stage.desk,
              sources: new Map([['tested', stage.source]]),
              log: silent,
              withinMs: 60_000,
              now: () => now,
              posted: () => {},
            }),
        )
        const look = () => Promise.all(sweeps.map((sweep) => sweep.look()))
        await look()
        t.equal((await intents(database)).length, 0, 'not yet')
        now += 61_000
        await look()
        const [intent, ...more] = await intents(database)
        t.same(more, [])
        t.match(intent, {
          text: '采莲街……没人管',
          remarks: [{ reason: 'incomplete-text', detail: 'parts 2 never came' }],
        })
        t.equal(String(intent?.evidence).split(',').length, 2)
        t.equal(await prisma.notice.count(), 1, 'it is answered like any other')
        t.strictSame(await balanced(), [])
        await stage.say('2', part(2, 3, '门口的垃圾'))
        now += 61_000
        await look()
        t.equal((await intents(database)).length, 2, 'nothing that was acknowledged is lost')
        t.strictSame(await balanced(), [])
      },
    )

    await t.test('a key made of the content holds for its time, and is then another message', async (t) => {
      const stage = await IntakeStage.open(t, database)
      let n = 0
      stage.mean('垃圾', () => [text(`垃圾${n++}`)])
      const say = (keyHoldsMs: number) => stage.intake.accept(stage.source, { ...stage.message('垃圾'), keyHoldsMs })
      t.equal(await say(60_000), 'stored')
      t.equal(await say(60_000), 'duplicate')
      await pool.query(`UPDATE message_key SET received_at = received_at - interval '2 minutes'`)
      t.equal(await say(60_000), 'stored')
      t.equal(await say(60_000), 'duplicate')
      t.equal(await say(0), 'stored', 'certainly another one')
      t.equal(await prisma.message.count(), 3)
      t.strictSame(await balanced(), [])
    })

    await t.test(
      'a datagram becomes an errand of whoever takes its port, and is a dead letter where nobody does',
      async (t) => {
        const stage = await IntakeStage.open(t, database)
        const datagram = (port: number): Report => ({
          kind: 'datagram',
          subject: citizen,
          deviceTime: null,
          to: null,
          port,
          content: Buffer.from('push'),
        })
        t.equal(await stage.say('a', datagram(2948)), 'stored')
        t.equal(await stage.say('b', datagram(9200)), 'dead-lettered')
        t.match(await prisma.errand.findMany(), [{ adapter: 'fetcher', subject: citizen, state: 'pending' }])
        t.match(await prisma.deadLetter.findMany(), [{ code: 'DECODE_UNSUPPORTED', detail: /port 9200/ }])
        const bytes = (number: number, content: number[]) =>
          part(number, 2, '', { content: { is: 'datagram', port: 2948, bytes: Buffer.from(content) } })
        await stage.say('p2', bytes(2, [3, 4]))
        await stage.say('p1', bytes(1, [1, 2]))
        const errands = await prisma.errand.findMany({ orderBy: { receivedAt: 'asc' } })
        t.same(Buffer.from(errands[1]?.content ?? []), Buffer.of(1, 2, 3, 4))
        t.strictSame(await balanced(), [])
      },
    )

    await t.test(
      'the same problem told by several is linked, reversibly, and the first valid reporter is known',
      async (t) => {
        const stage = await IntakeStage.open(t, database)
        const report = (subject: string, row: number) =>
          form(subject, {
            caseKind: 'event',
            category: { scheme: null, code: null, words: '暴露垃圾' },
            text: '桥头垃圾成堆',
            gps: gps(middle(row, 2)),
          })
        await stage.say('a', report('c1', 2))
        await stage.say('b', report('l1', 2))
        await stage.say('far', report('v2', 8))
        const [first, second, far] = (await intents(database)).map(({ id }) => String(id))
        const [relation] = await prisma.relation.findMany()
        t.match(relation, { intentId: second, otherId: first, because: /^same category, 0 m away, alike in words$/ })
        t.ok((relation?.score ?? 0) > 0.9)
        const order = async (id = first) =>
          (await reportersOfProblem(pool, String(id))).map(({ intentId, firstValid }) => [intentId, firstValid])
        t.same(await order(), [
          [first, true],
          [second, false],
        ])
        t.same(await order(second), await order(first), 'whoever is asked about')
        await prisma.correspondence.create({
          data: {
            intentId: String(first),
            queryNumber: '1',
            subject: citizen,
            adapter: 'x',
            receivedAt: new Date(),
            stage: 'rejected',
          },
        })
        t.same(
          await order(),
          [
            [first, false],
            [second, true],
          ],
          'a report that the core refused is not the first valid one',
        )
        t.ok(await unlinkIntents(pool, String(first), String(second)))
        t.same(await order(second), [[second, true]])
        t.ok(await linkIntents(pool, String(far), String(second), 'the operator saw both'))
        t.same(await order(second), [
          [second, true],
          [far, false],
        ])
        t.notOk(await linkIntents(pool, String(far), '01a2080d-0ae7-7293-b14c-2d4d85a1d39f', 'nobody'))
      },
    )
  }),
)

async function intents({ prisma }: Database): Promise<Record<string, unknown>[]> {
  const rows = await prisma.intent.findMany({ orderBy: { seq: 'asc' } })
  return rows.map(({ data }) => data as Record<string, unknown>)
}
