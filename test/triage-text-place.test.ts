import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadCity } from '../gateway/city/load-city.ts'
import { readPlace } from '../gateway/triage/text/read-place.ts'
import { Random } from '../scripts/example-city/random.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'
import { smallCity } from './small-city.ts'

const loaded = await loadCity(exampleCityFolder)
if (loaded.city === null) throw new Error(JSON.stringify(loaded.problems.slice(0, 3)))
const { city } = loaded

/** Rows of a table of the example city, read without the gateway. */
function rows(file: string): string[][] {
  return readFileSync(join(exampleCityFolder, file), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
}
const houses = new Map(
  rows('addresses.csv').map(([, text, latitude, longitude, grid]) => [text, { latitude, longitude, grid }]),
)
const landmarks = new Map(
  rows('landmarks.csv').map(([, name, , , latitude, longitude, grid]) => [name, { latitude, longitude, grid }]),
)
const buildings = new Map(rows('compounds.csv').map(([, name, , building, , , grid]) => [`${name}${building}`, grid]))

const first = (text: string) => readPlace(city, text).candidates[0] ?? null
const metresNorth = (a: { latitude: number }, b: { latitude: number }) => (a.latitude - b.latitude) * 110_885
const metresEast = (a: { longitude: number }, b: { longitude: number }) => (a.longitude - b.longitude) * 94_080

/** All are one place, by name; certain where they stand under `certain`. */
function sameName(
  title: string,
  name: string,
  texts: { readonly certain?: readonly string[]; readonly unsure?: readonly string[] },
) {
  t.test(title, (t) => {
    for (const text of texts.certain ?? []) {
      const { candidates, certain } = readPlace(city, text)
      t.equal(candidates[0]?.name, name, text)
      t.equal(certain, true, `${text} is certain`)
      t.not(candidates[0]?.grid, null, `${text} has a grid`)
    }
    for (const text of texts.unsure ?? []) {
      const { candidates, certain } = readPlace(city, text)
      t.equal(candidates[0]?.name, name, text)
      t.equal(certain, false, `${text} is not certain`)
    }
    t.end()
  })
}

sameName('a house is read however its number is written', '采莲街12号', {
  certain: [
    '采莲街12号井盖没了',
    '采莲街十二号对面有个坑',
    '采莲街12#门口',
    '采莲街的12号门前',
    '采莲街１２号',
    '采　莲　街　１２　号',
    '採蓮街12號對面垃圾沒人清',
    '采莲街12旁边路灯不亮',
    '锦帆区采莲街12号',
    '江苏省芦洲市锦帆区采莲街12号',
    '采莲街12号301室',
    '采莲大街12号',
    '采莲12号',
    '投诉人：张三，地址：采莲街12号，内容：路灯不亮，电话10012345678',
    '你好，路灯坏了，在采莲街12号门口。',
  ],
  unsure: ['采莲路12号门口', '采蓬街12号', '采莲街12号晚上施工', '采莲街12号附近', '青荷区采莲街12号'],
})

sameName('a road written as it sounds is the road, and certain when most of it is right', '采莲街12号', {
  certain: ['采连街12号', '菜莲街12号', '采莲接12号'],
  unsure: ['踩连街12号'],
})

sameName('long numbers in characters are numbers', '文昌中路120号', {
  certain: ['文昌中路120号井盖没了', '文昌中路一百二十号', '文昌中路一二〇号', '文昌路120号', '文昌大道120号门口'],
})

t.test('every house of the table is found where the table has it', (t) => {
  const wrong: string[] = []
  // Two lanes have one name: below.
  for (const [text, house] of houses) {
    if (text?.startsWith('幸福巷') === true) continue
    const { candidates, certain } = readPlace(city, `${text}门口的路灯不亮`)
    const [place] = candidates
    const there = place?.latitude === Number(house.latitude) && place.longitude === Number(house.longitude)
    if (!there || !certain || place.grid === null) wrong.push(`${text}: ${place?.name}`)
  }
  t.same(wrong, [])
  t.ok(houses.size > 1800)
  t.end()
})

t.test(
  'a number that the table lacks lies between its neighbours, with less accuracy, and far ones are the road',
  (t) => {
    const [before, behind] = [first('文昌中路15号'), first('文昌中路19号')]
    const between = first('文昌中路17号')
    if (before === null || behind === null || between === null) return t.fail('a house is missing')
    t.ok(Math.abs(metresEast(between, { longitude: (before.longitude + behind.longitude) / 2 })) < 1)
    t.ok(between.accuracyM > before.accuracyM && between.confidence < before.confidence)
    t.match(first('采莲街80号'), { name: '采莲街', how: 'road', grid: null })
    t.match(readPlace(city, '采莲街64号'), { certain: false })
    t.end()
  },
)

sameName('a second number is its own house, or the main one', '文昌中路12-1号', {
  certain: ['文昌中路12-1号门口', '文昌中路12号之1', '文昌中路十二号之一'],
})
sameName('a house in a lane is read with its lane', '文昌中路118弄3号', {
  certain: ['文昌中路118弄3号', '文昌中路一百一十八弄三号'],
})
t.test('a stretch of numbers is its middle', (t) => {
  const [from, to, middle] = [first('文昌中路36号'), first('文昌中路38号'), first('文昌中路36号到38号之间')]
  if (from === null || to === null || middle === null) return t.fail('a house is missing')
  t.ok(Math.abs(metresEast(middle, { longitude: (from.longitude + to.longitude) / 2 })) < 1)
  t.end()
})

t.test('numbers that are no house numbers are none', (t) => {
  const texts = [
    '采莲街120米处有个坑',
    '采莲街3天了没人扫',
    '采莲街13812345678',
    '采莲街12345热线打不通',
    '采莲街10点以后施工',
    '采莲街110警察不管',
    '采莲街8月12号开始施工',
    '采莲街2盏路灯不亮',
    '采莲街三个井盖没了',
    '采莲街第12号路灯杆不亮',
    '采莲街12号灯杆倒了',
    '采莲街12路公交站',
  ]
  for (const text of texts) t.match(first(text), { name: '采莲街', how: 'road', grid: null }, text)
  t.end()
})

sameName('a crossing is read however two roads are joined', '采莲街与竹影路路口', {
  certain: [
    '采莲街与竹影路交叉口',
    '采莲街竹影路路口红绿灯坏了',
    '采莲街竹影路口',
    '采莲街/竹影路',
    '采莲街和竹影路交界处',
    '采莲街(竹影路口)',
    '采莲街（竹影路口）',
    '采莲街跟竹影路那个路口',
    '采莲街近竹影路',
    '采莲街靠近竹影路的地方',
    '采莲竹影路口',
    '采连街竹影路路口',
  ],
  unsure: ['采连街和竹映路路口', '采莲街和竹影路之间有个坑'],
})

t.test('a crossing lies where the lines meet, and a corner of it to its side', (t) => {
  const crossing = first('采莲街与竹影路交叉口')
  const corner = first('采莲街与竹影路交叉口东北角')
  if (crossing === null || corner === null) return t.fail('no crossing')
  t.ok(Math.abs(crossing.latitude - 32.367901) < 1e-5 && Math.abs(crossing.longitude - 119.382795) < 1e-5)
  t.ok(metresNorth(corner, crossing) > 5 && metresEast(corner, crossing) > 5)
  t.match(first('枕河路口的路灯一闪一闪的，就是和望潮街交叉的那个口子'), { name: '枕河路与望潮街路口' })
  t.match(first('采莲街和听荷街'), { how: 'road', grid: null }, 'roads that do not meet are no crossing')
  t.match(first('采莲街和竹影路都没人扫'), { how: 'road' }, 'nor are two whole roads')
  t.end()
})

t.test('roads in a row are no crossing, and where both may be meant whole it is doubtful', (t) => {
  t.match(readPlace(city, '采莲街、竹影路、听荷街路灯都不亮'), {
    certain: false,
    candidates: [{ how: 'road', grid: null }],
  })
  t.match(readPlace(city, '采莲街和竹影路的路灯都不亮'), { certain: false, candidates: [{ how: 'crossing' }] })
  t.match(readPlace(city, '采莲街、竹影路路灯不亮'), { certain: false })
  t.end()
})

t.test('the end of a road in a direction is a guess at its tip', (t) => {
  const [north, south] = [first('东关街北头'), first('东关街南端')]
  if (north === null || south === null) return t.fail('no tip')
  t.ok(metresNorth(north, south) > 200)
  t.equal(readPlace(city, '东关街北头').certain, false)
  t.end()
})

t.test('the mouth of a lane is where it meets its only street', (t) => {
  const [mouth, moved] = [first('东关街口'), first('东关街口往北50米')]
  if (mouth === null || moved === null) return t.fail('no mouth')
  t.match(mouth, { how: 'crossing' })
  t.ok(Math.abs(metresNorth(moved, mouth) - 50) < 1)
  t.match(first('采莲街口'), { how: 'road', grid: null }, 'a long street has many')
  t.end()
})

t.test('a stretch between two crossings is as wide as it is long', (t) => {
  for (const text of [
    '采莲街柳荫路到竹影路段路灯全灭',
    '采莲街（柳荫路至竹影路）',
    '柳荫路到竹影路之间的采莲街',
    '采莲街柳荫路-竹影路',
  ]) {
    t.match(first(text), { name: '采莲街柳荫路至竹影路段', how: 'road', grid: null }, text)
    t.ok((first(text)?.accuracyM ?? 0) > 300)
  }
  t.end()
})

sameName('a building is read however it is called', '春溪小区3幢', {
  certain: [
    '春溪小区3号楼',
    '春溪小区3幢楼下',
    '春溪小区三栋',
    '春溪小区3#楼',
    '春溪小区3幢2单元501室漏水',
    '春溪3幢',
    '春溪小区里面3栋',
    '你好，我是春溪小区的，3幢楼下垃圾桶都满了',
    '春西小区3幢',
    '桅影街道春溪社区春溪小区3幢',
  ],
  unsure: ['春溪社区3号楼', '春溪小区3-2-501'],
})
sameName('a compound is no grid without a building that is known', '春溪小区', {
  unsure: [
    '春溪小区到处是小广告',
    '春溪小区2单元',
    '春溪小区33幢',
    '春溪小区3天没人扫',
    '春溪小区北门',
    '春溪小区12345热线',
  ],
})

t.test('every building and every landmark of the tables is found', (t) => {
  const wrong: string[] = []
  for (const [name, grid] of buildings) {
    if (/小区\d+幢$/.test(name) && first(`${name}楼下`)?.grid !== grid) wrong.push(name)
  }
  for (const [name, { grid }] of landmarks) {
    if (name !== '实验小学' && first(`${name}门口有人摆摊`)?.grid !== grid) wrong.push(name ?? '')
  }
  t.same(wrong, [])
  t.end()
})

t.test('direction and distance are measured from the place', (t) => {
  const cases: [text: string, from: string, east: number, north: number][] = [
    ['九曲菜场北面50米垃圾成堆', '九曲菜市场', 0, 50],
    ['月坊派出所往东30米有个大坑', '月坊派出所', 30, 0],
    ['从望月医院出来往南走大概100米', '望月医院', 0, -100],
    ['望月小学向西五十来米', '望月小学', -50, 0],
    ['望月小学东北100米', '望月小学', 70.7, 70.7],
    ['望月小学往东一公里', '望月小学', 1000, 0],
    ['采莲街12号往东30米', '采莲街12号', 30, 0],
    ['采莲街12号，再往北走两百米', '采莲街12号', 0, 200],
  ]
  for (const [text, from, east, north] of cases) {
    const [place, anchor] = [first(text), landmarks.get(from) ?? houses.get(from)]
    if (place === null || anchor === undefined) return t.fail(text)
    t.ok(Math.abs(metresEast(place, { longitude: Number(anchor.longitude) }) - east) < 2, text)
    t.ok(Math.abs(metresNorth(place, { latitude: Number(anchor.latitude) }) - north) < 2, text)
  }
  const around = readPlace(city, '距望月公园200米的路边')
  t.match(around, { certain: false, candidates: [{ name: '望月公园', grid: null }] })
  t.equal(readPlace(city, '望月小学附近').certain, false)
  t.equal(readPlace(city, '望月小学后面').certain, false)
  const side = first('望月小学东侧')
  t.ok(metresEast(side ?? { longitude: 0 }, { longitude: Number(landmarks.get('望月小学')?.longitude) }) > 10)
  t.end()
})

t.test('a road, a community, a street and a district are the best that is known, without a grid', (t) => {
  const areas = {
    柳荫路上有个坑: 'road',
    春园社区没人扫地: 'area',
    荷香街道停水了: 'area',
    青荷区有人打架: 'area',
    春园居委会: 'area',
  } as const
  for (const [text, how] of Object.entries(areas))
    t.match(readPlace(city, text), { certain: false, candidates: [{ how, grid: null }] }, text)
  t.match(first('青荷区荷香街道春园社区'), { name: '春园社区' }, 'the narrowest')
  t.end()
})

t.test('two places of one name are both named, until the district or another place decides', (t) => {
  const lanes = readPlace(city, '幸福巷8号路灯不亮')
  t.match(lanes, { certain: false, candidates: [{ name: '幸福巷8号' }, { name: '幸福巷8号' }] })
  t.not(lanes.candidates[0]?.grid, lanes.candidates[1]?.grid)
  t.match(readPlace(city, '青荷区幸福巷8号'), { certain: true, candidates: [{ grid: /^990101/ }] })
  t.match(readPlace(city, '南亭区幸福巷8号'), { certain: true, candidates: [{ grid: /^990104/ }] })
  t.match(
    readPlace(city, '南亭幸福巷8号'),
    { certain: true, candidates: [{ grid: /^990104/ }] },
    'also without its last word',
  )
  t.match(readPlace(city, '和平新村2幢').candidates.length, 2)
  t.match(readPlace(city, '青荷区实验小学门口'), { candidates: [{ grid: /^990101/ }] })
  t.end()
})

sameName('of two places the one with the problem is meant', '采莲街12号', {
  certain: [
    '我住在春溪小区，举报采莲街12号占道经营',
    '我家住春溪小区3幢，采莲街12号工地太吵',
    '春溪小区3幢的居民反映采莲街12号烧烤扰民',
    '采莲街12号有人占道，我是春溪小区3幢的业主',
    '从春溪小区3幢出来，看到采莲街12号有个坑',
    '不是竹影路13号，是采莲街12号',
    '上回报的采莲街10号已经弄好了，谢谢，这回是采莲街12号',
  ],
  unsure: ['采莲街12号门口有坑，采莲街15号也有', '采莲街12号到竹影路5号都没有路灯', '采莲街12号和竹影路50号都有人摆摊'],
})
t.test('home is the place when the problem is at home, and doubtful when nothing says so', (t) => {
  t.match(readPlace(city, '我家住春溪小区3幢，楼下垃圾没人清'), {
    certain: true,
    candidates: [{ name: '春溪小区3幢' }],
  })
  t.match(readPlace(city, '我家住春溪小区3幢，路灯不亮'), { certain: false, candidates: [{ name: '春溪小区3幢' }] })
  t.equal(readPlace(city, '从望月公园到望月小学的路上').certain, false)
  t.end()
})

t.test('the longest name is meant, and common words name nothing', (t) => {
  t.match(first('云锦路小学旁边'), { name: '云锦路' })
  t.match(first('望月公园门口'), { name: '望月公园' })
  t.match(first('星桥体育馆门口'), { name: '星桥体育馆' })
  t.match(first('路灯厂宿舍2号楼门口'), { name: '路灯厂宿舍2幢' })
  t.match(first('市一院门口'), { name: '芦洲市第一人民医院' })
  for (const text of ['这个公园很好', '我在一院子里', '春溪', '采莲', '车站', '明月照我还', '井盖', '', '谢谢', '🙂']) {
    t.same(readPlace(city, text), { candidates: [], certain: false, steps: [], address: null, names: [] }, text)
  }
  t.end()
})

t.test('the address is the sender’s own words, and names are where they stand in them', (t) => {
  const text = '您好：採蓮街 １２ 號門口路燈不亮'
  const { address, names } = readPlace(city, text)
  t.equal(address, '採蓮街 １２ 號門口')
  t.same(
    names.map(([from, to]) => text.slice(from, to)),
    ['採蓮街'],
  )
  t.end()
})

t.test('a wider claim is allowed where the limits allow it', (t) => {
  t.equal(readPlace(city, '春溪小区', 500).candidates[0]?.grid, '99010300300425')
  t.equal(readPlace(city, '采莲街12号', 10).candidates[0]?.grid, null)
  t.end()
})

t.test('whatever is written, nothing is thrown and nothing takes long', (t) => {
  const random = new Random(5)
  const characters = [...'采莲街柳荫路春溪小区3幢12号弄#-/（）与到口北往米百十二0９。，\n\ud83d\udc4d\u0000']
  const pieces: [string, ...string[]] = ['采莲街', '望月公园', '和', '路口', '12号', '往北', '50米', ...characters]
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: random.integer(0, 30) }, () => random.pick(pieces)).join('')
    const { candidates } = readPlace(city, text)
    for (const { latitude, longitude, accuracyM, confidence } of candidates) {
      const sound = latitude > 32 && latitude < 33 && longitude > 119 && longitude < 120 && accuracyM > 0
      if (!sound || !(confidence >= 0 && confidence <= 1)) t.fail(text)
    }
  }
  const start = performance.now()
  for (const long of [
    '采莲街'.repeat(30_000),
    '1'.repeat(60_000),
    '采莲街与'.repeat(20_000),
    '一'.repeat(60_000),
    '春溪小区3幢'.repeat(9000),
  ])
    readPlace(city, long)
  t.ok(performance.now() - start < 5000)
  t.same(readPlace(smallCity, '采莲街12号').candidates, [], 'a city that names nothing')
  t.end()
})
