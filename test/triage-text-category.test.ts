import t from 'tap'
import { loadCity } from '../gateway/city/load-city.ts'
import { readCategory } from '../gateway/triage/text/read-category.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'
import { smallCity } from './small-city.ts'

const { city: loaded } = await loadCity(exampleCityFolder)
if (loaded === null) throw new Error('the example city does not load')
const city = loaded

/** `component 0118` of the default scheme; `null` for none. */
function first(text: string): string | null {
  const [top] = readCategory(city, text).candidates
  return top === undefined ? null : `${top.kind} ${top.code}`
}

const lamp = 'component 0118'
const refuse = 'event 0102'
const cover = 'component 0103'

function reads(name: string, sentences: readonly (readonly [text: string, category: string])[]): void {
  t.test(name, async (t) => {
    for (const [text, category] of sentences) t.equal(first(text), category, text)
  })
}

reads('the object stands before the trouble, the trouble before the object, or a clause earlier', [
  ['路灯坏了', lamp],
  ['坏了两盏路灯', lamp],
  ['路口有个路灯，已经坏了半个月', lamp],
  ['倒了一棵大树', 'component 0402'],
  ['大货车把护栏撞坏了', 'component 0211'],
])

reads('what something is on, in or beside is not what it is about', [
  ['路灯杆上贴满小广告', 'event 0201'],
  ['垃圾桶旁边的井盖丢了', cover],
  ['在公交站台旁边的垃圾没人清', refuse],
  ['井盖旁边积水', 'event 0406'],
  ['公厕对面的路灯不亮', lamp],
  ['水马倒在马路中间', 'component 0211'],
])

reads('what is in a container may be a category of its own', [
  ['河里全是垃圾', 'event 0105'],
  ['绿化带里都是垃圾', 'event 0106'],
  ['花坛里全是烟头', 'event 0106'],
  ['消防通道上停满车', 'event 0505'],
])

reads('a part is of the thing before it', [
  ['花坛的砖碎了', 'component 0404'],
  ['过街天桥台阶断了', 'component 0205'],
  ['垃圾桶的盖子坏了', 'component 0305'],
])

reads('who did it is not what it was done to', [
  ['路灯被大货车撞倒了', lamp],
  ['监控被树挡住了', 'component 0136'],
])

reads('a thing that is broken, and what happens at the same thing, are two', [
  ['路面塌陷', 'event 0401'],
  ['路面坑坑洼洼', 'event 0110'],
  ['垃圾桶满了溢出来', 'component 0305'],
  ['垃圾堆在路边没人清', refuse],
  ['广告牌快掉下来了', 'event 0205'],
  ['奶茶店把广告牌放在人行道上', 'event 0203'],
  ['下水道堵了', 'event 0404'],
])

reads('the longest word is meant, and none that cuts the name of a thing', [
  ['路灯井盖没了', 'component 0106'],
  ['红灯不亮', 'component 0210'],
  ['有一根电线杆歪了', 'component 0117'],
  ['摩的师傅拉着人不放', 'event 0509'],
])

reads('what is denied is not meant', [
  ['没有占道经营，是路灯不亮', lamp],
  ['不是井盖的问题，是路面塌了', 'event 0401'],
  ['不是路灯，是垃圾没人清', refuse],
  ['路灯没有坏，是下水道堵了', 'event 0404'],
])

reads('words with 不 and 没 in them are troubles, and a thing that is not there is one', [
  ['路灯不亮', lamp],
  ['垃圾没人清', refuse],
  ['井盖没了', cover],
  ['这里没有垃圾桶', 'component 0305'],
  ['不是一次两次了，路灯不亮', lamp],
  ['是不是路灯坏了', lamp],
])

reads('particles, dialect and traditional characters hide no word', [
  ['污水的井盖没有了', 'component 0102'],
  ['阴井盖勿见了', cover],
  ['路燈壞了', lamp],
  ['路 灯 不 亮', lamp],
  ['ＫＴＶ太吵', 'event 0508'],
])

t.test('a name of a place holds no thing', async (t) => {
  const { steps } = readCategory(city, '公厕路的路灯不亮')
  t.ok(steps.includes('"公厕": object 公共厕所, part of a name'), steps.join('\n'))
  t.equal(first('公厕路的路灯不亮'), lamp)
})

t.test('whose cover it is decides, and without it the likeliest are named and none is certain', async (t) => {
  const { candidates, certain } = readCategory(city, '井盖没了')
  t.strictSame(
    candidates.slice(0, 3).map(({ zh }) => zh),
    ['雨水井盖', '污水井盖', '无主井盖'],
  )
  t.equal(candidates.length, 6)
  t.equal(certain, false)
  const kinds = {
    污水井盖没了: '0102',
    电信的井盖没了: '0107',
    燃气井没盖: '0111',
    '井盖丢了，上面写着电力': '0105',
    '井盖没了，是雨水井盖': '0103',
    '井盖没了，盖子上写着通信': '0107',
  }
  for (const [text, code] of Object.entries(kinds)) t.equal(readCategory(city, text).candidates[0]?.code, code, text)
  t.equal(readCategory(city, '污水井盖没了').certain, true)
})

t.test(
  'of several problems the first is the main one, the others are candidates, and nothing is certain',
  async (t) => {
    const { candidates, certain } = readCategory(city, '路灯不亮，还有人在路边乱倒垃圾')
    t.equal(candidates[0]?.code, '0118')
    t.ok(candidates.some(({ kind, code }) => kind === 'event' && code === '0102'))
    t.equal(certain, false)
  },
)

t.test(
  'a typing error by sound is heard when nothing else is good, with less confidence and never for certain',
  async (t) => {
    const slips = { 路登坏了: '0118', 行道数枯死了: '0402', 占道京营: '0501' }
    for (const [text, code] of Object.entries(slips)) {
      const { candidates, certain } = readCategory(city, text)
      t.equal(candidates[0]?.code, code, text)
      t.match(candidates[0]?.because, /by its sound/, text)
      t.equal(certain, false, text)
    }
    const right = readCategory(city, '路灯坏了').candidates[0]?.confidence ?? 0
    t.ok((readCategory(city, '路登坏了').candidates[0]?.confidence ?? 1) < right)
  },
)

t.test('a text like the words for something, with none of them, has doubtful candidates', async (t) => {
  const { candidates, certain } = readCategory(city, '那个放报纸杂志的小亭子')
  t.equal(candidates[0]?.zh, '报刊亭')
  t.match(candidates[0]?.because, /resembles/)
  t.equal(certain, false)
})

t.test('thanks, questions, chatter, adverts and abuse are never certain, and hardly candidates', async (t) => {
  const nothing = [
    '谢谢',
    '谢谢你们，路灯已经修好了',
    '请问路灯归谁管',
    '请问办营业执照要什么材料',
    '路灯厂家直销，量大从优，欢迎来电',
    '专业疏通下水道，随叫随到，回T退订',
    '你们城管就是垃圾',
    '你好在吗',
    '123456',
    '',
    '！！！',
    '😀😀',
  ]
  for (const text of nothing) {
    const { candidates, certain } = readCategory(city, text)
    t.equal(certain, false, text)
    t.ok((candidates[0]?.confidence ?? 0) < 0.6, `${text}: ${candidates[0]?.confidence}`)
  }
  t.equal(first('谢谢你们，上次修好的路灯又坏了'), lamp)
  t.ok((readCategory(city, '上次修好的路灯又坏了').candidates[0]?.confidence ?? 0) > 0.6)
})

t.test(
  'candidates say which words decided, as the citizen wrote them, the likeliest first and at most six',
  async (t) => {
    const { candidates, steps } = readCategory(city, '文昌路１２０號 路燈不亮！！！')
    t.equal(candidates[0]?.because, '"路燈不亮": 路灯')
    t.ok(steps.some((step) => step.includes('"路燈不亮"')))
    for (const text of ['井盖没了', '路灯和井盖和护栏和垃圾桶和广告牌和公厕和座椅坏了']) {
      const { candidates } = readCategory(city, text)
      t.ok(candidates.length <= 6)
      const confidences = candidates.map(({ confidence }) => confidence)
      t.strictSame(
        confidences,
        [...confidences].sort((a, b) => b - a),
      )
      for (const one of confidences) t.ok(one > 0 && one <= 1)
      const ids = candidates.map(({ kind, code }) => `${kind} ${code}`)
      t.equal(new Set(ids).size, ids.length)
    }
  },
)

t.test('the same words lead to the categories of either edition', async (t) => {
  const matter = (text: string) => {
    const [top] = readCategory(city, text, 'gbt47678_5_2026').candidates
    return `${top?.kind} ${top?.code}`
  }
  t.equal(matter('路灯不亮'), 'event 01037')
  t.equal(matter('垃圾桶满了'), 'event 06042')
  t.equal(matter('盲道砖缺了'), 'event 06051')
  t.equal(matter('充电桩坏了'), 'event 01054')
  t.ok(
    readCategory(city, '路灯不亮', 'gbt47678_5_2026').candidates.some(({ kind }) => kind === 'component'),
    'the component is a candidate beside its matter',
  )
})

t.test('a city without words of its own reads by the names of its categories', async (t) => {
  t.equal(readCategory(smallCity, '门口有暴露垃圾').candidates[0]?.code, '0102')
  t.equal(readCategory(smallCity, '门口垃圾成堆').candidates[0]?.code, '0102')
})

t.test('a scheme that the city does not have gives nothing and says why', async (t) => {
  const { candidates, certain, steps } = readCategory(city, '路灯不亮', 'cjt214_1999')
  t.strictSame({ candidates, certain }, { candidates: [], certain: false })
  t.match(steps[0], /no scheme "cjt214_1999"/)
})

t.test('nothing that can be written makes it fail or slow', async (t) => {
  const long = [
    '路灯坏了'.repeat(16_000),
    '的'.repeat(60_000),
    '没有'.repeat(30_000),
    '井'.repeat(60_000),
    '\ud800'.repeat(999),
  ]
  for (const text of [...long, '\u0000', '不是不是不是', '被被被', '%$#@!', 'a'.repeat(9_999)]) {
    const begun = performance.now()
    t.doesNotThrow(() => readCategory(city, text))
    t.ok(performance.now() - begun < 2_000, `${text.slice(0, 8)} took ${performance.now() - begun} ms`)
  }
})
