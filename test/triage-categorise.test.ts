import t from 'tap'
import { categorise, unclassified } from '../gateway/triage/categorise.ts'
import { smallCity } from './small-city.ts'

type Question = Parameters<typeof categorise>[1]
interface Asked {
  readonly scheme?: string
  readonly code?: string
  readonly words?: string
  readonly kind?: Question['kind']
  readonly id?: string
  readonly text?: string
}

function ask({ scheme, code, words, kind, id, text }: Asked) {
  const claimed = scheme !== undefined || code !== undefined || words !== undefined
  return categorise(smallCity, {
    claim: claimed ? { scheme: scheme ?? null, code: code ?? null, words: words ?? null } : null,
    kind: kind ?? null,
    componentId: id ?? null,
    component: id === undefined ? null : smallCity.component(id),
    text: text ?? null,
  }).finding
}

const old = 'cjt214_2007'
const current = 'gbt47678_5_2026'

/** What is asked, and `scheme kind code` of the answer. */
const sure: readonly [says: string, asked: Asked, answer: string][] = [
  ['a code with its kind', { code: '0102', kind: 'event' }, `${old} event 0102`],
  ['the same number is another thing as a component', { code: '0102', kind: 'component' }, `${old} component 0102`],
  ['a code that only one kind has', { code: '0103' }, `${old} event 0103`],
  ['a code of a stated edition', { scheme: current, code: '06002' }, `${current} event 06002`],
  ['a code in full width with a blank', { code: '０１ ０３' }, `${old} event 0103`],
  ['an event code 6+2+2', { code: '3210020103' }, `${old} event 0103`],
  ['a matter code of 11 digits', { scheme: current, code: '32100206002' }, `${current} event 06002`],
  ['a component id 16 as code', { code: '3210020301000012' }, `${old} component 0301`],
  ['a component id 17 as code', { scheme: current, code: '32100201001000012' }, `${current} component 01001`],
  ['a component of the census', { id: '3210020102000007' }, `${old} component 0102`],
  ['a component id the census does not have', { id: '3210020101000099' }, `${old} component 0101`],
  ['a name', { words: '暴露垃圾' }, `${old} event 0102`],
  ['a name in another edition', { scheme: current, words: '暴露垃圾' }, `${current} event 06002`],
  ['a word of the city', { words: '垃圾成堆' }, `${old} event 0102`],
  ['an English name', { words: 'Event 0103' }, `${old} event 0103`],
  ['a name with marks around it', { words: '【店外经营】。' }, `${old} event 0502`],
  ['words that surely mean one', { words: '小区门口垃圾成堆没人管' }, `${old} event 0102`],
  ['words that contain a name', { words: '桥边有人店外经营' }, `${old} event 0502`],
  ['the longer of two contained names', { scheme: current, words: '路口供水井盖异常' }, `${current} event 01001`],
  [
    'an event named after a component, by the component',
    { scheme: current, words: '供水井盖破了', kind: 'event' },
    `${current} event 01001`,
  ],
  [
    'a component, where no event is known to be meant',
    { scheme: current, words: '供水井盖破了' },
    `${current} component 01001`,
  ],
  ['the better part of one name', { words: '垃圾渣土' }, `${old} event 0103`],
  ['a thing beside a landmark', { words: '公共厕所旁边积存垃圾渣土' }, `${old} event 0103`],
  ['words that settle the kind of a code', { code: '0103', words: '积存垃圾渣土' }, `${old} event 0103`],
  ['a stated edition outweighs words', { scheme: old, code: '0103', words: '店外经营' }, `${old} event 0103`],
]

t.test('a category is found', async (t) => {
  for (const [says, asked, answer] of sure) {
    const { scheme, kind, code, confidence, candidates } = ask(asked)
    t.equal(`${scheme} ${kind} ${code}`, answer, says)
    t.ok(confidence >= 0.6 && confidence <= 1, says)
    t.equal(candidates[0]?.code, code, `${says}: the first candidate says why`)
  }
})

/** What is asked, and the codes that it may be, with the reason of the first. */
const doubtful: readonly [says: string, asked: Asked, codes: readonly string[], because: RegExp][] = [
  ['nothing said', {}, [], /^$/],
  ['an unknown code', { code: '9999' }, ['9999'], /cjt214_2007 has no code "9999"/],
  ['an unknown edition', { scheme: 'gbt30428_2_2013', code: '0102' }, ['0102'], /no scheme "gbt30428_2_2013"/],
  ['a number that is a component and an event', { code: '0102' }, ['0102', '0102'], /both/],
  ['a code of the other kind', { code: '0103', kind: 'component' }, ['0103'], /kind event/],
  ['a bare number against words', { code: '0103', words: '店外经营' }, ['0103', '0502'], /code "0103"/],
  ['words that several names contain', { words: '井盖', kind: 'component' }, ['0101', '0101', '0102'], /"井盖" in/],
  ['two names of the same length', { words: '店外经营和暴露垃圾' }, ['0102', '0502'], /contains/],
  ['two names in one text', { words: '店外经营，积存垃圾渣土' }, ['0103', '0502'], /contains/],
  ['a name that two categories have', { words: '其他' }, ['0199', '0299'], /words "其他"/],
  ['words like nothing', { words: '外星人' }, [''], /nothing like/],
  ['free text alone', { text: '东关街口有暴露垃圾' }, ['0102'], /"暴露垃圾": 暴露垃圾/],
  ['a component id of a code nobody has', { id: '3210029999000001' }, [], /^$/],
]

t.test('when unsure it is 未分类, and the candidates say what it may be', async (t) => {
  for (const [says, asked, codes, because] of doubtful) {
    const { code, zh, confidence, candidates } = ask(asked)
    t.equal(code, null, says)
    t.equal(zh, unclassified, says)
    t.equal(confidence, 0, says)
    const got = candidates.map((one) => one.code).sort()
    t.strictSame([...new Set(got)], [...new Set(codes)], says)
    t.match(candidates[0]?.because ?? '', because, says)
    for (const one of candidates) t.ok(one.confidence < 0.6 || says === 'a bare number against words', says)
  }
})

t.test('a kind is kept when nothing else is known', async (t) => {
  t.equal(ask({ kind: 'component' }).kind, 'component')
  t.equal(ask({ id: '1' }).kind, 'component')
  t.equal(ask({}).kind, 'event')
})

t.test('a code that triage does not know is never replaced by the same number of another edition', async (t) => {
  const finding = ask({ scheme: 'elsewhere', code: '0103' })
  t.equal(finding.code, null)
  t.equal(finding.scheme, 'elsewhere')
  t.ok(finding.candidates.every(({ zh }) => zh === unclassified))
})
