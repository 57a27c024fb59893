import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { replayDeadLetter, replayEvents, replayMatching } from '../gateway/intake/replay.ts'
import type { Attachment, Report } from '../gateway/report.ts'
import { audit } from '../gateway/store/ledger.ts'
import { forEachDatabase } from './database.ts'
import { IntakeStage } from './intake-stage.ts'
import { middle } from './small-city.ts'
import { form, gps, position } from './triage-stage.ts'

const now = () => new Date()
const at = (subject: string, row = 2, column = 2): Report => position(subject, now(), { gps: gps(middle(row, column)) })
const sos = (subject: string, number: string): Report =>
  form(subject, { purpose: 'sos', number, gps: gps(middle(2, 2)) })

t.test('intake', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { pool, prisma } = database
    const clear = async () => {
      await pool.query(
        'TRUNCATE message, message_key, position, intent, outbox, dead_letter, tally, device, notice CASCADE',
      )
    }
    t.beforeEach(clear)
    const balanced = async () => (await audit(pool)).faults

    await t.test('messages that arrive while one is being stored are stored together', async (t) => {
      const stage = await IntakeStage.open(t, database)
      const first = stage.say('a', at('h-1'))
      const others = first.then(() => null)
      const rest = Array.from({ length: 50 }, (_, i) => stage.say(`b${i}`, at(`s-${i}`)))
      await Promise.all([first, others, ...rest])
      t.ok(stage.batches.length <= 2, `${stage.batches.length} transactions for 51 messages`)
      t.equal(await prisma.message.count(), 51)
      t.strictSame(await balanced(), [])
    })

    await t.test('a key that is known is a duplicate, within a batch and after it', async (t) => {
      const stage = await IntakeStage.open(t, database)
      stage.mean('x', [at('h-1')])
      t.strictSame(await Promise.all([stage.accept('x'), stage.accept('x')]), ['stored', 'duplicate'])
      t.equal(await stage.accept('x'), 'duplicate')
      t.equal(await prisma.message.count(), 1)
      t.equal(await prisma.position.count(), 1)
      t.strictSame(await balanced(), [])
    })

    await t.test('a key of any length and content is itself', async (t) => {
      const stage = await IntakeStage.open(t, database)
      stage.mean('x', [at('h-1')])
      for (const key of ['k'.repeat(5000), 'a\0b', '\ud800', "'; DROP TABLE message; --", '{"a",b}\\']) {
        t.equal(
          await stage.accept('x', key),
          key === 'k'.repeat(5000) ? 'stored' : 'filtered',
          JSON.stringify(key).slice(0, 40),
        )
        t.equal(await stage.accept('x', key), 'duplicate', JSON.stringify(key).slice(0, 40))
      }
    })

    await t.test(
      'bytes without meaning are a dead letter, and an element without meaning is one of its own',
      async (t) => {
        const stage = await IntakeStage.open(t, database)
        t.equal(await stage.accept('nonsense'), 'dead-lettered')
        const malformed: Report = { kind: 'malformed', index: 1, code: 'DECODE_FIELD', detail: 'lat is a text' }
        t.equal(await stage.say('half', at('h-1'), malformed), 'stored')
        const letters = await prisma.deadLetter.findMany({ orderBy: { id: 'asc' } })
        t.match(letters, [
          { item: null, code: 'DECODE_SYNTAX', detail: /no meaning/ },
          { item: 1, code: 'DECODE_FIELD', detail: 'lat is a text' },
        ])
        const rows = await prisma.message.findMany({ orderBy: { id: 'asc' } })
        t.match(rows, [
          { disposition: 'dead-lettered', reason: /DECODE_SYNTAX/ },
          { disposition: 'stored', reason: /\[1\] DECODE_FIELD/ },
        ])
        t.equal(Buffer.from(rows[0]?.raw ?? []).toString(), 'nonsense')
        t.strictSame(await balanced(), [])
      },
    )

    await t.test('what is filtered is stored with its reason', async (t) => {
      const stage = await IntakeStage.open(t, database)
      const nowhere = position('h-1', now(), { gps: gps({ latitude: 0, longitude: 0 }) })
      t.equal(await stage.say('null island', nowhere), 'filtered')
      t.equal(await stage.say('nothing'), 'filtered')
      const reasons = (await prisma.message.findMany({ orderBy: { id: 'asc' } })).map(({ reason }) => reason)
      t.match(reasons, [/null-island/, 'no-report'])
      t.strictSame(await balanced(), [])
    })

    await t.test('a message that the store will not take dies alone', async (t) => {
      const stage = await IntakeStage.open(t, database)
      // Longer than an index takes, and random, so that it is not compressed below that.
      const hashes = Array.from({ length: 100 }, (_, i) => createHash('sha512').update(String(i)).digest('base64'))
      const impossible = hashes.join('')
      const receipts = await Promise.all([
        stage.say('one', at('h-1')),
        stage.say('poison', at(impossible)),
        stage.say('two', at('s-2')),
        stage.say('three', sos('h-1', 'n1')),
      ])
      t.strictSame(receipts, ['stored', 'dead-lettered', 'stored', 'stored'])
      t.match(await prisma.deadLetter.findMany(), [{ code: 'DECODE_CRASHED', detail: /store refuses/ }])
      t.equal(await prisma.intent.count(), 1)
      t.strictSame(await balanced(), [])
    })

    await t.test(
      'messages too large for one transaction travel in several, and an innocent one is not held up',
      async (t) => {
        const stage = await IntakeStage.open(t, database)
        const large = Array.from({ length: 5 }, (_, i) => `${i}${'x'.repeat(600_000)}`)
        const says = [...large, 'small'].map((raw, i) => {
          stage.mean(raw, [at(`s-${i}`)])
          return stage.accept(raw, `k${i}`)
        })
        t.strictSame(await Promise.all(says), ['stored', 'stored', 'stored', 'stored', 'stored', 'stored'])
        t.strictSame(stage.batches, [1, 1, 1, 1, 2])
      },
    )

    await t.test('bytes that wait are bounded as messages are', async (t) => {
      const stage = await IntakeStage.open(t, database)
      const raws = Array.from({ length: 12 }, (_, i) => `${i}${'y'.repeat(1_000_000)}`)
      const outcomes = await Promise.allSettled(raws.map((raw, i) => stage.accept(raw, `k${i}`)))
      const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
      t.match(refused[0], { reason: { code: 'STORE_FULL', message: /bytes/ } })
      t.equal(refused.length, 2)
      t.equal(await stage.say('after', at('h-1')), 'stored')
    })

    await t.test('a message that cannot even be written down dies alone', async (t) => {
      const stage = await IntakeStage.open(t, database)
      let deep: unknown = 'x'
      for (let i = 0; i < 20_000; i++) deep = [deep]
      const nested = form('h-1', { purpose: 'sos', number: 'deep', text: deep as string })
      const receipts = await Promise.all([
        stage.say('one', at('h-1')),
        stage.say('deep', nested),
        stage.say('two', sos('h-1', 'n')),
      ])
      t.strictSame(receipts, ['stored', 'dead-lettered', 'stored'])
      t.strictSame(await balanced(), [])
    })

    await t.test('an ordering key of any length orders', async (t) => {
      const stage = await IntakeStage.open(t, database)
      const caseNumber = Array.from({ length: 200 }, (_, i) =>
        createHash('sha512').update(String(i)).digest('base64'),
      ).join('')
      t.equal(await stage.say('answer', form('h-1', { purpose: 'verify', caseNumber, passed: true })), 'stored')
      t.match(await prisma.outbox.findFirst(), { type: 'answer', orderingKey: /^sha256:/ })
    })

    await t.test('events that were delivered meanwhile are not put back in line', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await stage.say('one', sos('h-1', 'n1'))
      await pool.query(`UPDATE outbox SET state = 'dead' WHERE type = 'case-intent'`)
      const both = await Promise.all(
        [1, 2].map(() => replayEvents(pool, { destination: 'core', seq: null, limit: 10 })),
      )
      t.equal(
        both.reduce((sum, n) => sum + n, 0),
        1,
        'two replays at once take it up once',
      )
      await pool.query(`UPDATE outbox SET state = 'delivered'`)
      t.equal(await replayEvents(pool, { destination: null, seq: null, limit: 10 }), 0)
    })

    await t.test('a decoder that fails is a dead letter that says whose fault it is', async (t) => {
      const stage = await IntakeStage.open(t, database)
      stage.mean('crash', () => {
        throw new TypeError('x is undefined')
      })
      t.equal(await stage.accept('crash'), 'dead-lettered')
      t.match(await prisma.deadLetter.findFirst(), { code: 'DECODE_CRASHED', detail: 'x is undefined' })
    })

    await t.test('texts that PostgreSQL cannot hold lose only what it cannot hold', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await stage.say('odd', form('h-1', { purpose: 'sos', number: 'n\0', text: 'half \ud83d and nul \0 and 😀' }))
      t.match((await prisma.intent.findFirst())?.data, { text: 'half \uFFFD and nul \uFFFD and 😀', number: 'n\uFFFD' })
    })

    await t.test('two gateways that get the same messages at once store each once', async (t) => {
      const one = await IntakeStage.open(t, database, { gateway: 'one' })
      const two = await IntakeStage.open(t, database, { gateway: 'two' })
      const says = Array.from({ length: 200 }, (_, i) => {
        const report = sos('h-1', `n${i}`)
        one.mean(`m${i}`, [report])
        two.mean(`m${i}`, [report])
        return [one.accept(`m${i}`), two.accept(`m${i}`)]
      })
      const receipts = await Promise.all(says.flat())
      t.equal(receipts.filter((receipt) => receipt === 'stored').length, 200)
      t.equal(receipts.filter((receipt) => receipt === 'duplicate').length, 200)
      t.equal(await prisma.intent.count(), 200)
      t.strictSame(await balanced(), [])
    })

    await t.test('a device that speaks through two gateways in turn is remembered whole', async (t) => {
      const one = await IntakeStage.open(t, database, { gateway: 'one' })
      const two = await IntakeStage.open(t, database, { gateway: 'two' })
      const start = Date.now() - 60_000
      for (let i = 0; i < 20; i++) {
        const fix = position('h-1', new Date(start + i * 1000), { gps: gps(middle(2, 2)) })
        await (i % 2 === 0 ? one : two).say(`fix ${i}`, fix)
        // The other gateway hears the very same fix from a message of its own: only a shared memory can know.
        t.equal(await (i % 2 === 0 ? two : one).say(`echo ${i}`, fix), 'filtered')
      }
      t.equal(await prisma.position.count(), 20)
      t.match(await prisma.message.findFirst({ where: { key: 'echo 19' } }), { reason: /duplicate-fix/ })
    })

    await t.test('too much waiting is refused at once, and so is everything after stop', async (t) => {
      const stage = await IntakeStage.open(t, database, { maxWaiting: 3 })
      for (const key of 'abcd') stage.mean(key, [])
      const held = [stage.accept('a'), stage.accept('b'), stage.accept('c')]
      await t.rejects(stage.accept('d'), { code: 'STORE_FULL' })
      await stage.intake.stop()
      t.strictSame(await Promise.all(held), ['filtered', 'filtered', 'filtered'])
      await t.rejects(stage.accept('d'), { code: 'STORE_STOPPING' })
    })

    await t.test('files inside a form are on the disk under the hash of what they are', async (t) => {
      const stage = await IntakeStage.open(t, database)
      const content = Buffer.from('not really a picture')
      const photo: Attachment = {
        name: 'a.jpg',
        mediaType: 'image/jpeg',
        claimedType: null,
        content,
        sha256: 'f'.repeat(64),
        url: null,
      }
      await stage.say('photo', form('h-1', { purpose: 'sos', attachments: [photo] }))
      const sha256 = createHash('sha256').update(content).digest('hex')
      t.strictSame(await readFile(stage.desk.attachments.path(sha256)), content)
      t.match((await prisma.intent.findFirst())?.data, {
        attachments: [{ name: 'a.jpg', sha256, sizeBytes: content.length }],
      })
    })

    await t.test('an intent names earlier ones that look like the same thing', async (t) => {
      const stage = await IntakeStage.open(t, database)
      const report = (number: string) =>
        form('h-1', {
          purpose: 'report',
          caseKind: 'component',
          number,
          category: { scheme: null, code: '0101', words: null },
          gps: gps(middle(2, 2)),
        })
      await stage.say('first', report('n1'))
      await Promise.all([
        stage.say('second', report('n2')),
        stage.say('elsewhere', form('h-1', { ...report('n3'), gps: gps(middle(4, 4)) } as never)),
      ])
      const rows = await prisma.intent.findMany({ orderBy: { seq: 'asc' } })
      const [first, second, third] = rows.map(
        ({ data }) => data as { id: string; related: { id: string; because: string }[]; number: string },
      )
      t.strictSame(first?.related, [])
      t.match(second?.related, [{ id: first?.id, because: /same category, \d+ m away/ }])
      t.strictSame(third?.related, [])
    })

    await t.test(
      'a dead letter is taken up again when it can be understood, and counts as what it became',
      async (t) => {
        const stage = await IntakeStage.open(t, database)
        await stage.accept('later')
        const malformed: Report = { kind: 'malformed', index: 1, code: 'DECODE_FIELD', detail: 'not yet' }
        await stage.say('half', at('h-1'), malformed)
        const sources = new Map([['tested', stage.source]])
        const letters = await prisma.deadLetter.findMany({ orderBy: { id: 'asc' } })
        const still = await replayMatching({ adapter: null, code: null, limit: 10 }, sources, stage.desk)
        t.match(still, [{ outcome: 'still-dead' }, { outcome: 'still-dead', reason: /not yet/ }])

        stage.mean('later', [sos('h-1', 'n1')])
        stage.mean('half', [at('h-1'), sos('h-1', 'n2')])
        for (const { id } of letters)
          t.match(await replayDeadLetter(String(id), sources, stage.desk), { outcome: 'replayed' })
        t.match(await replayDeadLetter(String(letters[0]?.id), sources, stage.desk), { outcome: 'not-open' })
        const numbers = (await prisma.intent.findMany({ orderBy: { seq: 'asc' } })).map(
          ({ data }) => (data as { number: string }).number,
        )
        t.strictSame(numbers, ['n1', 'n2'])
        t.equal(await prisma.position.count(), 1, 'what was stored before is not stored again')
        t.match(await prisma.message.findFirst({ where: { key: 'later' } }), { disposition: 'stored', reason: null })
        const { ledger, faults } = await audit(pool)
        t.strictSame(faults, [])
        t.match(ledger.channels, [{ received: 2, stored: 2, deadLettered: {} }])
        t.equal(await stage.accept('later'), 'duplicate')
      },
    )

    await t.test('the audit sees what does not add up', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await stage.say('one', sos('h-1', 'n1'))
      await stage.accept('dead')
      t.strictSame(await balanced(), [])
      const spoil = async (sql: string, fault: RegExp) => {
        const client = await pool.connect()
        try {
          await client.query(sql)
        } finally {
          client.release()
        }
        t.match((await balanced()).join('\n'), fault, sql)
      }
      await spoil(`DELETE FROM message WHERE key = 'one'`, /counted as stored, 0 rows/)
      await spoil('DELETE FROM outbox', /has no outbox row for core/)
      await spoil('DELETE FROM dead_letter', /without a dead letter/)
      await spoil(`UPDATE tally SET n = n + 1 WHERE what = 'received'`, /not the sum of its dispositions/)
    })
  }),
)
