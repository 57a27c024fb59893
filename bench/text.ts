import { cpus } from 'node:os'
import { readCategory } from '../gateway/triage/text/read-category.ts'
import { readPlace } from '../gateway/triage/text/read-place.ts'
import { understandText } from '../gateway/triage/text/understand-text.ts'
import { Random } from '../scripts/example-city/random.ts'
import { bigCity } from './big-city.ts'
import { ratio, table, thousands } from './table.ts'

/**
 * Understanding texts on one core, with 1,000 roads and 100,000 addresses, beside cutting the same texts into words, which
 * is where a program of one's own would begin: Node's Intl.Segmenter.
 */
const messages = Number(process.argv[2] ?? 20_000)
const roadCount = Number(process.argv[3] ?? 1000)
const rounds = 5

const before = process.memoryUsage()
const { city, roads, loadMs } = await bigCity(roadCount)
globalThis.gc?.()
const heapMb = (process.memoryUsage().heapUsed - before.heapUsed) / 1e6
const texts = write(messages)

function write(count: number): string[] {
  const random = new Random(3)
  const road = () => random.pick(roads as [string, ...string[]])
  const house = () => `${random.integer(1, 99)}`
  const places: [() => string, ...(() => string)[]] = [
    () => `${road()}${house()}号`,
    () => `${road()}${house()}号`,
    () => `青荷区${road()}${house()}号门口`,
    () => `${road()}和${road()}路口`,
    () => random.pick(['春溪小区3幢', '明渡小区6号楼', '兰庭小区', '桂园小区二栋楼下']),
    () => random.pick(['望月公园北门往北50米', '白鹭汽车站旁边', '枫坊小学门口往西200米', '九曲菜场后门']),
    () => random.pick(['春园社区', '荷香街道这边', '我家楼下', '单位门口', '']),
    () => `${road().replace(/.$/, '')}${house()}号对面`,
  ]
  const problems: [string, ...string[]] = [
    '井盖没了，昨天晚上有个骑电瓶车的差点掉进去',
    '路灯不亮，晚上黑灯瞎火的，老人小孩都不敢走',
    '垃圾桶满出来好几天了，苍蝇乱飞，没人管吗',
    '有人占道经营卖烧烤，油烟熏得窗户都不敢开，城管来了就跑，走了又来',
    '下水道堵了，脏水漫到路上来',
    '半夜十二点工地还在施工，还让不让人睡觉',
    '到处贴的小广告',
    '一棵树倒了压到车子，电话10012345678，请快来处理谢谢',
    '人行道地砖翘起来了',
    '共享单车乱停乱放把盲道都占了',
  ]
  return Array.from({ length: count }, (_, i) => {
    const [place, problem] = [random.pick(places)(), random.pick(problems)]
    return i % 3 === 0
      ? `${problem}，${place}`
      : i % 3 === 1
        ? `${place}${problem}`
        : `你好，我要反映一下${place}，${problem}`
  })
}

const segmenter = new Intl.Segmenter('zh', { granularity: 'word' })
const contenders = {
  'Intl.Segmenter, words only': (text: string) => [...segmenter.segment(text)].length,
  place: (text: string) => readPlace(city, text).candidates.length,
  category: (text: string) => readCategory(city, text).candidates.length,
  'category and place': (text: string) => understandText(city, text).place.candidates.length,
}
type Contender = keyof typeof contenders

/** Messages a second of processor time: what else runs on the machine counts less than in elapsed time. */
function rateOf(name: Contender): number {
  const run = contenders[name]
  const start = process.cpuUsage()
  for (const text of texts) run(text)
  const { user, system } = process.cpuUsage(start)
  return (texts.length / (user + system)) * 1e6
}

const names = Object.keys(contenders) as Contender[]
const best = new Map(names.map((name) => [name, 0]))
// Turn and turn about, so that none has the quieter minutes of the machine to itself.
for (let round = 0; round < rounds; round++) {
  for (const name of names) best.set(name, Math.max(best.get(name) ?? 0, rateOf(name)))
}
const base = best.get('Intl.Segmenter, words only') ?? 1
const characters = texts.reduce((sum, text) => sum + text.length, 0) / texts.length
const whole = roads.filter((road) =>
  [...segmenter.segment(`我在${road}看到`)].some(({ segment }) => segment === road),
).length
const placed = texts.filter((text) => readPlace(city, text).certain).length / texts.length
console.log(
  [
    `${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}; ${texts.length} messages of ${characters.toFixed(0)} characters on average`,
    `${city.counts.roads} roads, ${city.counts.addresses} addresses, loaded in ${(loadMs / 1000).toFixed(1)} s of processor time, ${heapMb.toFixed(0)} MB of heap; ${(placed * 100).toFixed(0)} % have a certain place`,
    `Intl.Segmenter leaves ${whole} of ${roads.length} names of roads whole`,
    '',
    table(
      ['', 'messages/s', 'beside cutting into words'],
      names.map((name) => [name, thousands(best.get(name) ?? 0), ratio((best.get(name) ?? 0) / base)]),
    ),
  ].join('\n'),
)
