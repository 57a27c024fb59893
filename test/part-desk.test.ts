import t from 'tap'
import { groupKeyOf, type HeldPart, PartDesk, whole } from '../gateway/intake/part-desk.ts'
import type { PartReport } from '../gateway/report.ts'
import { seeded } from '../simulators/seeded.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 25, 8, 0, seconds))

function part(number: number, total: number, text: string, more: Partial<PartReport> = {}): PartReport {
  return {
    kind: 'part',
    subject: 'tel:+8613800138000',
    deviceTime: null,
    to: '12319',
    reference: 'udh8:7',
    total,
    number,
    content: { is: 'text', text },
    ...more,
  }
}

const arrival = (id: string, receivedAt = at(0)) => ({
  id,
  source: { adapter: 'sms', channel: 'sms', keyScope: 'sms', decode: () => [] },
  message: { key: id, raw: new Uint8Array(), envelope: {}, receivedAt },
})

t.test('parts in any order are one text when the last of them is there, and say when the first came', async (t) => {
  const random = seeded(3)
  for (let round = 0; round < 50; round++) {
    const words = Array.from({ length: 2 + Math.floor(random() * 8) }, (_, i) => `第${i + 1}段`)
    const order = words.map((_, i) => i).sort(() => random() - 0.5)
    const desk = new PartDesk()
    const outcomes = order.map((i, n) =>
      desk.take(part(i + 1, words.length, words[i] ?? ''), arrival(`m${i + 1}`, at(n))),
    )
    t.same(
      outcomes.slice(0, -1).map(({ outcome, reports }) => [outcome, reports.length]),
      order.slice(1).map(() => ['held', 0]),
    )
    const [text] = outcomes.at(-1)?.reports ?? []
    t.match(text, {
      kind: 'text',
      text: words.join(''),
      missingParts: [],
      assembled: { evidence: words.map((_, i) => `m${i + 1}`), firstReceivedAt: at(0) },
    })
    t.same(desk.changes(), { held: [], gone: [] })
  }
})

t.test('a surrogate pair cut between two parts is whole again; a half that stays alone is U+FFFD', async (t) => {
  const desk = new PartDesk()
  desk.take(part(2, 2, '\udd73井盖'), arrival('b'))
  const { reports } = desk.take(part(1, 2, '看\ud83d'), arrival('a'))
  t.equal(reports[0]?.kind === 'text' && reports[0].text, '看\ud83d\udd73井盖')
  const alone = new PartDesk()
  alone.take(part(2, 2, '\udd73井盖'), arrival('b'))
  const half = alone.take(part(1, 2, '看'), arrival('a')).reports[0]
  t.equal(half?.kind === 'text' && half.text, '看\ufffd井盖')
})

t.test('senders, recipients, references and totals are kept apart', async (t) => {
  const keys = [
    part(1, 2, 'x'),
    part(1, 2, 'x', { subject: 'tel:+8613800138001' }),
    part(1, 2, 'x', { to: '123191' }),
    part(1, 2, 'x', { reference: 'udh16:7' }),
    part(1, 3, 'x'),
    part(1, 2, 'x', { content: { is: 'datagram', port: 2948, bytes: new Uint8Array() } }),
  ].map(groupKeyOf)
  t.equal(new Set(keys).size, keys.length)
})

t.test(
  'a part that is there already changes nothing; the same number with other words begins a new text',
  async (t) => {
    const desk = new PartDesk()
    desk.take(part(1, 3, '甲一'), arrival('a1'))
    t.equal(desk.take(part(1, 3, '甲一'), arrival('a1 again')).outcome, 'repeated')
    desk.take(part(2, 3, '甲二'), arrival('a2'))
    const { outcome, reports } = desk.take(part(1, 3, '乙一'), arrival('b1'))
    t.equal(outcome, 'held')
    t.match(reports, [{ kind: 'text', text: '甲一甲二……', missingParts: [3], assembled: { evidence: ['a1', 'a2'] } }])
    desk.take(part(3, 3, '乙三'), arrival('b3'))
    t.match(desk.take(part(2, 3, '乙二'), arrival('b2')).reports, [{ text: '乙一乙二乙三', missingParts: [] }])
  },
)

t.test(
  'what is stored counts, goes when it is complete, and is overwritten where a new text takes its place',
  async (t) => {
    const first = new PartDesk()
    first.take(part(1, 2, '旧一'), arrival('a'))
    const stored = first.changes().held
    t.match(stored, [{ number: 1, total: 2, text: '旧一', messageId: 'a' }])

    const completing = new PartDesk(stored)
    t.equal(completing.take(part(2, 2, '旧二'), arrival('b')).outcome, 'completed')
    t.same(completing.changes(), { held: [], gone: stored })

    const renewing = new PartDesk(stored)
    renewing.take(part(1, 2, '新一'), arrival('c'))
    t.match(renewing.changes(), { held: [{ text: '新一', messageId: 'c' }], gone: [] }, 'one row, written anew')

    const idle = new PartDesk(stored)
    t.same(idle.changes(), { held: [], gone: [] })
  },
)

t.test('gaps are marked where they are; a datagram with a gap is malformed, one without is put together', async (t) => {
  const held = (number: number, text: string): HeldPart => ({
    groupKey: 'g',
    number,
    total: 6,
    messageId: `m${number}`,
    receivedAt: at(number),
    adapter: 'sms',
    channel: 'sms',
    subject: 'tel:+8613800138000',
    recipient: null,
    port: null,
    text,
    content: null,
  })
  t.match(whole([held(4, '丁'), held(2, '乙')]), { text: '……乙……丁……', missingParts: [1, 3, 5, 6] })
  const bytes = (number: number) => ({
    ...held(number, ''),
    total: 2,
    port: 2948,
    text: null,
    content: Buffer.of(number),
  })
  t.match(whole([bytes(2), bytes(1)]), { kind: 'datagram', port: 2948, content: Buffer.of(1, 2) })
  t.match(whole([bytes(2)]), { kind: 'malformed', code: 'DECODE_SYNTAX', detail: /parts 1 of 2 never came/ })
})

t.test('255 parts of which one comes wait as one row', async (t) => {
  const desk = new PartDesk()
  t.equal(desk.take(part(255, 255, '尾'), arrival('z')).outcome, 'held')
  t.equal(desk.changes().held.length, 1)
})
