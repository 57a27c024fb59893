import { join } from 'node:path'
import t from 'tap'
import { loadCity } from '../gateway/city/load-city.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { Attachment, TextReport } from '../gateway/report.ts'
import { understandAhead } from '../gateway/triage/texts.ts'
import { smallCity } from './small-city.ts'
import { after, morning, Stage } from './triage-stage.ts'

const { city } = await loadCity(join(packageRoot, 'config/city-example'))
if (city === null) throw new Error('the example city does not load')
const example = city

const citizen = 'tel:+8613800138000'

function text(words: string | null, more: Partial<TextReport> = {}): TextReport {
  const nothing = { deviceTime: null, to: null, title: null, attachments: [], missingParts: [] }
  return { kind: 'text', medium: 'sms', subject: citizen, text: words, ...nothing, ...more }
}

function picture(place: Attachment['place']): Attachment {
  const content = Buffer.from('picture')
  return {
    name: 'a.jpg',
    mediaType: 'image/jpeg',
    claimedType: null,
    content,
    sha256: 'f00',
    url: null,
    place: place ?? null,
  }
}

const read = (report: TextReport) => new Stage({}, example).take(morning, report).intents[0]

t.test(
  'what is certain is named, with the place on the unit grid; the words that decided stand beside it',
  async (t) => {
    const intent = read(text('采莲街12号门口路灯不亮'))
    t.match(intent, {
      kind: 'component',
      category: { code: '0118', zh: '路灯', scheme: 'cjt214_2007' },
      location: { foundBy: 'address', grid: '99010300300602', district: { name: '锦帆区' } },
      address: '采莲街12号',
      place: { certain: true, candidates: [{ how: 'road-number' }] },
      queryNumber: /^\d{9}$/,
      urgency: 'normal',
    })
    t.match(intent?.category.candidates[0]?.because, /路灯/)
  },
)

t.test(
  'a text that was understood before its turn is the same, and is read again when the city is another',
  async (t) => {
    const words = '采莲街12号门口路灯不亮'
    const named = { category: { code: '0118' }, location: { grid: '99010300300602' } }
    const ahead = text(words)
    understandAhead(ahead, example)
    t.match(read(ahead), named)
    const elsewhere = text(words)
    understandAhead(elsewhere, smallCity)
    t.match(read(elsewhere), named)
  },
)

t.test('what is not certain is 未分类, with what it may be', async (t) => {
  const intent = read(text('井盖没了'))
  t.match(intent, { category: { code: null, zh: '未分类', confidence: 0 }, location: null, address: null })
  t.ok((intent?.category.candidates.length ?? 0) > 2)
})

t.test('an emergency of the city is one when it is certain, and urgent when it may be', async (t) => {
  t.equal(read(text('采莲街12号门口路面塌陷'))?.urgency, 'emergency')
  const perhaps = read(text('路面塌陷，小广告也多'))
  t.equal(perhaps?.urgency, perhaps?.category.code === null ? 'urgent' : 'emergency')
  t.equal(read(text('小广告太多了'))?.urgency, 'normal')
})

t.test('姓名#地址#内容 says who, where and what', async (t) => {
  const intent = read(text('王秀英#采莲街12号#路灯不亮'))
  t.match(intent, {
    reporter: { kind: 'citizen', name: '王秀英', id: citizen },
    address: '采莲街12号',
    category: { code: '0118' },
  })
})

t.test('a collector who writes by telephone is the collector', async (t) => {
  const collector = example.subjects.find(({ phone }) => phone !== null)
  const intent = read(text('采莲街12号门口路灯不亮', { subject: `tel:+86${collector?.phone}` }))
  t.match(intent, { source: 'collector', reporter: { kind: 'collector', id: collector?.id ?? '' } })
})

t.test('where a picture was taken is a hint with an accuracy of its own, and the words come first', async (t) => {
  const place = { latitude: 32.39, longitude: 119.42, accuracyM: 12 }
  t.match(read(text(null, { attachments: [picture(place)] }))?.location, {
    foundBy: 'picture',
    accuracyM: 12,
    latitude: 32.39,
  })
  t.match(read(text(null, { attachments: [picture({ ...place, accuracyM: null })] }))?.location, {
    foundBy: 'picture',
    accuracyM: 100,
  })
  const both = read(text('采莲街12号门口路灯不亮', { attachments: [picture(place)] }))
  t.match(both?.location, { foundBy: 'address' })
  t.match(both?.remarks, [{ reason: 'picture-elsewhere', detail: /^\d+ m from the place named$/ }])
  t.notOk(both?.attachments[0] && 'place' in both.attachments[0], 'the hint itself is not sent on')
})

t.test('what was written to a district says so; what lacks parts says which', async (t) => {
  const { remarks } = read(text('路灯不亮', { to: '106575123192', missingParts: [2] })) ?? {}
  t.same(remarks, [
    { reason: 'incomplete-text', detail: 'parts 2 never came' },
    { reason: 'sub-number', detail: 'written to 白鹭区' },
  ])
})

t.test('of a text in parts the first receipt and all messages count', async (t) => {
  const assembled = { evidence: ['a', 'b'], firstReceivedAt: after(-60) }
  t.match(read(text('路灯不亮', { assembled })), {
    receivedAt: after(-60).toISOString(),
    evidence: ['a', 'b'],
    occurredAt: { at: after(-60).toISOString(), origin: 'gateway' },
  })
})

t.test('questions, slips of the thumb and silence are no reports', async (t) => {
  const stage = new Stage({}, example)
  const number = String(read(text('路灯不亮'))?.queryNumber)
  t.match(stage.take(morning, text(number)), { intents: [], enquiries: [{ number, subject: citizen }] })
  t.match(stage.take(morning, text('   ')), {
    intents: [],
    filtered: [{ reason: 'nothing-said' }],
    enquiries: [{ number: null }],
  })
  t.match(stage.take(morning, text(`${number}，还是不亮`)), {
    intents: [{ text: `${number}，还是不亮` }],
    reporters: [{ addsTo: number }],
  })
})
