import t from 'tap'
import { loadCity } from '../gateway/city/load-city.ts'
import { readGrammar } from '../gateway/triage/text/grammar.ts'
import { understandText } from '../gateway/triage/text/understand-text.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'

const { city } = await loadCity(exampleCityFolder)
if (city === null) throw new Error('the example city is broken')
const placeOf = (text: string) => understandText(city, text).place

t.test('the grammar 姓名#地址#内容 is read where it is used', (t) => {
  const address = '采莲街12号'
  const content = '路灯不亮'
  t.same(readGrammar('张三#采莲街12号#路灯不亮'), { name: '张三', address, content })
  t.same(readGrammar('张三＃采莲街12号＃路灯不亮'), { name: '张三', address, content })
  t.same(readGrammar(' 张三 # 采莲街12号 # 路灯不亮 # '), { name: '张三', address, content })
  t.same(readGrammar('张三#采莲街12号#路灯不亮#13800000000'), { name: '张三', address, content })
  t.same(readGrammar('采莲街12号#路灯不亮'), { name: null, address, content })
  t.same(readGrammar('采莲街12号#路灯不亮#两天了'), { name: null, address, content: '路灯不亮#两天了' })
  t.same(readGrammar('王秀英#桂园小区4幢302#楼下吵'), { name: '王秀英', address: '桂园小区4幢302', content: '楼下吵' })
  t.end()
})

t.test('a mark that is none of the grammar is left alone', (t) => {
  const texts = [
    '采莲街12#门口',
    '春溪小区3#楼下',
    '路灯不亮',
    '',
    '#',
    '##',
    '#投诉#路灯不亮',
    '张三##路灯不亮',
    '张三#采莲街12号#',
    '路灯坏了！很黑#快来',
  ]
  for (const text of texts) t.equal(readGrammar(text), null, text)
  t.equal(placeOf('采莲街12#门口').candidates[0]?.name, '采莲街12号')
  t.equal(placeOf('春溪小区3#楼下').candidates[0]?.name, '春溪小区3幢')
  t.end()
})

t.test('the place is taken from its field first, and doubted when the content names another', (t) => {
  t.match(placeOf('张三#采莲街12号#门口路灯不亮'), { certain: true, candidates: [{ name: '采莲街12号' }] })
  const torn = placeOf('张三#采莲街12号#竹影路50号路灯不亮')
  t.match(torn, { certain: false, candidates: [{ name: '采莲街12号' }, { name: '竹影路50号' }] })
  t.match(
    placeOf('张三#春溪小区#采莲街12号路灯不亮').candidates[0],
    { name: '采莲街12号' },
    'a whole compound gives way',
  )
  t.match(
    placeOf('张三#春溪小区#3幢楼下路灯不亮'),
    { certain: true, candidates: [{ name: '春溪小区3幢' }] },
    'or is completed',
  )
  t.match(placeOf('张三#不知道哪里#采莲街12号路灯不亮'), { certain: true, candidates: [{ name: '采莲街12号' }] })
  t.end()
})

t.test('names of places do not count for the category', (t) => {
  for (const text of ['垃圾巷7号路灯不亮', '路灯厂宿舍2号楼门口有人占道摆摊', '井盖厂门口有人占道摆摊']) {
    const { category } = understandText(city, text)
    t.notMatch(category.candidates[0]?.zh, /井盖|垃圾|渣土/, text)
  }
  t.match(understandText(city, '垃圾巷7号路灯不亮').category.candidates[0], { zh: '路灯' })
  t.match(understandText(city, '垃圾巷7号'), { category: { certain: false } })
  t.end()
})

t.test('the steps tell of grammar, place and category, in that order', (t) => {
  const titles = (text: string) => understandText(city, text).steps.map(({ title }) => title)
  t.same(titles('张三#采莲街12号#路灯不亮'), ['text', 'grammar', 'place', 'category, cjt214_2007'])
  t.same(titles('路灯不亮'), ['text', 'place', 'category, cjt214_2007'])
  for (const { lines } of understandText(city, '采连街12号路灯不亮').steps) t.ok(lines.length > 0)
  t.end()
})
