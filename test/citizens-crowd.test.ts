import t from 'tap'
import { parseCsv } from '../gateway/city/csv.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'
import { crowdScheme } from '../simulators/citizen-complaints.ts'
import { inChinese } from '../simulators/citizen-places.ts'
import { Citizens } from '../simulators/citizens.ts'
import { seeded } from '../simulators/seeded.ts'
import { TypingSlips } from '../simulators/typing-slips.ts'
import { exampleFiles } from './city-fixture.ts'

const { city } = await loadCity(exampleCityFolder)
if (city === null) throw new Error('the example city does not load')
const current = city

function write(seed: number, messages: number) {
  const crowd = new Citizens(current, seed)
  return Array.from({ length: messages }, () => crowd.next())
}

const many = write(1, 5000)

t.test('the same seed is the same crowd, another seed another', async (t) => {
  t.same(write(1, 200), many.slice(0, 200))
  t.notSame(write(2, 200), many.slice(0, 200))
})

t.test('every message has a category and a unit grid of the city', async (t) => {
  const scheme = current.scheme(crowdScheme)
  const wrong = many.filter(({ truth }) => {
    if (truth === null) return true
    const category = scheme?.byCode(truth.kind, truth.code) ?? null
    return category === null || (truth.grid !== null && current.gridCentre(truth.grid) === null)
  })
  t.same(wrong, [])
  const kinds = new Set(many.map(({ truth }) => `${truth?.kind} ${truth?.code}`))
  t.ok(kinds.size > 40, `${kinds.size} categories`)
  const placed = many.filter(({ truth }) => truth?.grid !== null).length
  t.ok(placed > 3500 && placed < 4700, `${placed} of 5000 name a unit grid`)
})

t.test('a house number that is spelled out has the unit grid of its address', async (t) => {
  const rows = parseCsv(String(exampleFiles().get('addresses.csv'))).records.map(({ cells }) => cells)
  const [head] = rows
  const cell = (cells: readonly string[], name: string) => cells[head?.indexOf(name) ?? -1] ?? ''
  const houseAt = new Map(
    rows.slice(1).map((cells) => {
      const point = { latitude: Number(cell(cells, 'latitude')), longitude: Number(cell(cells, 'longitude')) }
      // Some houses stand on the border of two grids.
      const found = current.locate(point, 1)
      return [cell(cells, 'text'), [cell(cells, 'grid'), found?.grid, ...(found?.alternatives ?? [])]]
    }),
  )
  const wrong: string[] = []
  let houses = 0
  for (const message of many) {
    const [, house] = /(?:^|[，！ #\p{Script=Han}])([\p{Script=Han}]{2,5}[街路巷弄]\d+号)/u.exec(message.text) ?? []
    if (house === undefined || !houseAt.has(house)) continue
    houses++
    if (!houseAt.get(house)?.includes(message.truth?.grid ?? '')) wrong.push(message.text)
  }
  t.same(wrong, [])
  t.ok(houses > 300, `${houses} houses`)
})

t.test('some send twice, and only what they have just sent', async (t) => {
  const doubled = many.filter((message, i) => message === many[i - 1]).length
  t.ok(doubled > 50 && doubled < 200, `${doubled} of 5000`)
})

t.test('numbers are digits that no subscriber has', async (t) => {
  t.same(
    many.filter(({ from }) => !/^861000600\d{4}$/.test(from)),
    [],
  )
})

t.test('a citizen asks by the number that was answered, once, and by no other', async (t) => {
  const crowd = new Citizens(current, 3)
  const asked: string[] = []
  for (let i = 0; i < 2000; i++) {
    const { from, text, truth } = crowd.next()
    if (truth === null) asked.push(`${from} ${text}`)
    else if (i < 20) crowd.answered(from, String(700_000 + i))
    if (truth === null) t.match(text, /^7000\d\d$/)
  }
  const once = new Set(asked)
  t.ok(once.size > 10, `${once.size} asked`)
})

t.test('a slip is one character of the same sound', async (t) => {
  const slips = new TypingSlips(['路灯', '露台', '等'])
  const slipped = new Set(Array.from({ length: 50 }, (_, i) => slips.slip('路灯12号', seeded(i))))
  t.same([...slipped].sort(), ['路等12号', '露灯12号'].sort())
  t.equal(slips.slip('abc', seeded(1)), 'abc')
})

t.test('numbers are written as by hand', async (t) => {
  const written = [7, 10, 12, 20, 35, 100, 103, 110, 240]
  t.same(written.map(inChinese), ['七', '十', '十二', '二十', '三十五', '一百', '一百零三', '一百一十', '二百四十'])
})
