import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t, { type Test } from 'tap'
import type { City } from '../gateway/city/city.ts'
import type { Compound, Landmark, NamedPlace, Road } from '../gateway/city/gazetteer.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { NameTrie, unitsOf } from '../gateway/city/name-trie.ts'
import { numeralAt } from '../gateway/city/numerals.ts'
import { syllableOf } from '../gateway/city/syllables.ts'
import { Random } from '../scripts/example-city/random.ts'
import { append, type BrokenCity, editLine, type Files, isRefused, smallFiles, writeCity } from './city-fixture.ts'

const grid = '99010100100125'
/** Metres east and north of the middle of the small city. */
const origin = { latitude: 32.4153, longitude: 119.379 }
const at = (eastM: number, northM: number) => ({
  latitude: (origin.latitude + northM / 110_885).toFixed(7),
  longitude: (origin.longitude + eastM / 94_050).toFixed(7),
})

function road(files: Files, name: string, aliases: string, ...course: [eastM: number, northM: number][]): void {
  const coordinates = course.map(([e, n]) => [Number(at(e, n).longitude), Number(at(e, n).latitude)])
  const geometry = { type: 'LineString', coordinates }
  const feature = JSON.stringify({ type: 'Feature', properties: { name, aliases }, geometry })
  const text = String(files.get('roads.geojson'))
  files.set('roads.geojson', text.replace('"features":[\n', `"features":[\n${feature},\n`))
}

let ids = 0
function address(files: Files, text: string, eastM: number, northM: number): void {
  const { latitude, longitude } = at(eastM, northM)
  append(files, 'addresses.csv', `g-${++ids},${text},${latitude},${longitude},${grid}`)
}

async function loaded(t: Test, change: (files: Files) => void): Promise<City> {
  const files = smallFiles()
  change(files)
  const { city, problems } = await loadCity(writeCity(t, files))
  if (city === null) throw new Error(JSON.stringify(problems.slice(0, 3)))
  return city
}

function placesOf<K extends NamedPlace['place']['kind']>(city: City, name: string, kind: K) {
  const places = city.gazetteer.names.find(({ text }) => text === name)?.places ?? []
  return places.map(({ place }) => place).filter((place) => place.kind === kind) as Extract<
    NamedPlace['place'],
    { kind: K }
  >[]
}
const roadOf = (city: City, name: string): Road => placesOf(city, name, 'road')[0] as Road
const offM = (city: City, point: { latitude: number; longitude: number }, eastM: number, northM: number) =>
  city.gazetteer.plan.distanceM(point, {
    latitude: Number(at(eastM, northM).latitude),
    longitude: Number(at(eastM, northM).longitude),
  })

t.test('roads cross where their lines do, or nearly do, and nowhere else', async (t) => {
  const city = await loaded(t, (files) => {
    road(files, '长虹大道', '', [-400, 0], [400, 0])
    road(files, '青石巷', '', [100, 300], [100, 12])
    road(files, '曲水路', '', [-300, -50], [-200, 40], [-100, -50], [0, 40])
    road(files, '远山路', '', [-300, 60], [300, 60])
    road(files, '平行路', '', [-300, -80], [300, -80])
  })
  const { gazetteer } = city
  const [dead, more] = gazetteer.crossings(roadOf(city, '长虹大道'), roadOf(city, '青石巷'))
  if (dead === undefined) return t.fail('the lane has no mouth')
  t.equal(more, undefined)
  t.ok(offM(city, dead, 100, 0) < 1, 'a lane that ends twelve metres short opens into the street')
  t.equal(gazetteer.crossings(roadOf(city, '长虹大道'), roadOf(city, '曲水路')).length, 3)
  t.same(gazetteer.crossings(roadOf(city, '长虹大道'), roadOf(city, '平行路')), [])
  t.same(gazetteer.crossings(roadOf(city, '曲水路'), roadOf(city, '长虹大道')).length, 3, 'in both orders')
  t.ok(gazetteer.crossingsOf(roadOf(city, '远山路')).length >= 1)
})

t.test('records of a road that lie together are one road, far apart two, and each house goes to its own', async (t) => {
  const city = await loaded(t, (files) => {
    road(files, '平安巷', '', [-300, 100], [-300, 250])
    road(files, '平安巷', '平安里', [-300, 260], [-300, 400])
    road(files, '平安巷', '', [500, -200], [500, -100])
    address(files, '平安巷5号', -295, 150)
    address(files, '平安巷7号', 505, -150)
    address(files, '青荷区平安里8号', -305, 160)
  })
  const roads = placesOf(city, '平安巷', 'road')
  t.equal(roads.length, 2)
  const [west, east] = roads.toSorted((a, b) => a.middle.longitude - b.middle.longitude) as [Road, Road]
  t.same([west.houses.count, east.houses.count], [2, 1])
  t.ok(west.houses.has({ lane: 0, number: 5, sub: 0 }))
  t.ok(west.houses.has({ lane: 0, number: 8, sub: 0 }), 'by the alias, with the district before it')
  t.ok(east.houses.has({ lane: 0, number: 7, sub: 0 }))
})

t.test('a house is where the table has it, or where its neighbours on the same side say', async (t) => {
  const city = await loaded(t, (files) => {
    road(files, '长虹大道', '', [0, 0], [400, 0])
    for (const number of [1, 3, 9]) address(files, `长虹大道${number}号`, number * 20, 15)
    for (const number of [2, 4, 6, 8]) address(files, `长虹大道${number}号`, number * 40, -15)
    address(files, '长虹大道4-2号', 165, -30)
    address(files, '长虹大道6弄3号', 240, -60)
    address(files, '长虹大道6弄5号', 240, -80)
  })
  const { houses } = roadOf(city, '长虹大道')
  const find = (number: number, sub = 0, lane = 0) =>
    houses.find({ lane, number, sub }) as NonNullable<ReturnType<typeof houses.find>>
  t.match(find(3), { found: 'listed', accuracyM: 20 })
  t.ok(offM(city, find(3).point, 60, 15) < 0.1)
  t.equal(find(5).found, 'between')
  t.ok(offM(city, find(5).point, 100, 15) < 1, 'a third of the way from 3 to 9, on their side')
  t.ok(find(5).accuracyM > 40, 'with less accuracy')
  t.ok(offM(city, find(4, 2).point, 165, -30) < 0.1)
  t.match(find(4, 7), { found: 'beside' })
  t.ok(offM(city, find(4, 7).point, 160, -15) < 0.1, 'an unknown second number is at the house')
  t.match(find(3, 0, 6), { found: 'listed' })
  t.match(find(9, 0, 6), { found: 'lane' })
  t.ok(offM(city, find(9, 0, 6).point, 240, -70) < 1)
  t.match(find(0, 0, 8), { found: 'lane' })
  t.ok(offM(city, find(0, 0, 8).point, 320, -15) < 0.1, 'a lane without houses begins at the house of its number')
  t.match(find(11), { found: 'beyond', accuracyM: 90 })
  t.match(find(99), { found: 'far' })
  t.equal(find(99).accuracyM > 100, true)
})

t.test('addresses alone make roads, buildings and named places', async (t) => {
  const city = await loaded(t, (files) => {
    address(files, '无图路1号', 0, 0)
    address(files, '无图路3号', 30, 0)
    address(files, '青荷区荷香街道竹苑12幢', 100, 100)
    address(files, '春园小区77号', 120, 100)
    address(files, '老供销社大院', -100, 0)
  })
  const unmapped = roadOf(city, '无图路')
  t.equal(unmapped.courses.length, 0)
  t.equal(unmapped.houses.count, 2)
  t.ok(offM(city, unmapped.middle, 15, 0) < 1)
  t.ok(city.gazetteer.compounds.some((compound) => compound.buildings.has('12')))
  t.ok((placesOf(city, '春园小区', 'compound')[0] as Compound).buildings.has('77'))
  t.match(placesOf(city, '老供销社大院', 'landmark')[0] as Landmark, { what: 'address' })
})

t.test('areas are circles around their unit grids, and have the names that people give them', async (t) => {
  const city = await loaded(t, () => {})
  for (const name of ['春园社区', '春园居委会', '荷香街道办事处', '荷香街办']) {
    t.equal(placesOf(city, name, 'area').length, 1, name)
  }
  const [community] = placesOf(city, '春园社区', 'area')
  t.ok((community?.radiusM ?? 0) > 450 && (community?.radiusM ?? 0) < 550, 'seven grids of a hundred metres square')
})

t.test('a name trie finds the longest name, as trying all names does', (t) => {
  const random = new Random(1)
  const names = Array.from({ length: 400 }, () =>
    Array.from({ length: random.integer(1, 4) }, () => random.pick(['东', '西', '南', '北', '路'])).join(''),
  )
  const trie = new NameTrie(names.map(unitsOf))
  for (let i = 0; i < 500; i++) {
    const text = Array.from({ length: 6 }, () => random.pick(['东', '西', '南', '北', '路', '街'])).join('')
    let node = 0
    let found = ''
    for (let at = 0; at < text.length; at++) {
      node = trie.next(node, text.charCodeAt(at))
      if (node === 0) break
      if (trie.valueAt(node) >= 0) found = text.slice(0, at + 1)
    }
    const longest = names.filter((name) => text.startsWith(name)).sort((a, b) => b.length - a.length)[0] ?? ''
    if (found !== longest) t.fail(`${text}: ${found} and not ${longest}`)
  }
  t.equal(new NameTrie([]).next(0, 0x4e00), 0)
  t.end()
})

t.test('characters that are typed for one another sound alike', (t) => {
  const alike = ['荫阴', '莲连', '荷河', '街接', '南兰', '长藏', '英音'].map((pair) =>
    [...pair].map((c) => syllableOf(c.charCodeAt(0))),
  )
  for (const [a, b] of alike) t.equal(a, b)
  t.not(syllableOf('东'.charCodeAt(0)), syllableOf('西'.charCodeAt(0)))
  t.equal(syllableOf('7'.charCodeAt(0)), '7'.charCodeAt(0))
  t.end()
})

t.test('numerals are read as people write them', (t) => {
  const values = {
    十二: 12,
    一百二十: 120,
    一百二: 120,
    一百零二: 102,
    一二〇: 120,
    二十: 20,
    两百: 200,
    三: 3,
    120: 120,
    一千: 1000,
  }
  for (const [words, value] of Object.entries(values)) t.match(numeralAt(words, 0), { value, end: words.length }, words)
  for (const words of ['号', '', '1234567', '米3']) t.equal(numeralAt(words, 0), null, words)
  t.end()
})

t.test('a loaded city keeps none of the tables that it was read from', async (t) => {
  const folder = writeCity(t, smallFiles())
  const load = async () => {
    const read = await loadCity(folder)
    return { city: read.city, table: new WeakRef(read.folder?.files[0] ?? {}) }
  }
  const { city, table } = await load()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What was dereferenced in a turn of the loop lives to its end.
  await new Promise((resolve) => setImmediate(resolve))
  collect()
  t.equal(table.deref(), undefined)
  t.equal(city?.name, '芦洲市（虚构示例）', 'while the city itself is in use')
})

const broken: BrokenCity[] = [
  {
    name: 'a road that is no line is refused',
    breakIt: (files) => road(files, '断头路', ''),
    expected: ['roads.geojson:2: the geometry is no LineString'],
  },
  {
    name: 'a road with exchanged coordinates is refused',
    breakIt: (files) => {
      road(files, '反路', '', [0, 0], [10, 0])
      editLine(files, 'roads.geojson', 2, (line) => line.replace(/\[(119\.\d+),(32\.\d+)\]/, '[$2,$1]'))
    },
    expected: [
      'roads.geojson:2: the coordinate 32.4153, 119.379 is outside China; longitude and latitude are exchanged',
    ],
  },
  {
    name: 'a landmark in an unknown grid is refused',
    breakIt: (files) => append(files, 'landmarks.csv', 'p-900,钟楼,,sight,32.41,119.38,99010100199999'),
    expected: ['landmarks.csv:4: column grid: "99010100199999" is not in grids'],
  },
  {
    name: 'a compound without a name is refused',
    breakIt: (files) => append(files, 'compounds.csv', `x-9000,,,1幢,32.41,119.38,${grid}`),
    expected: ['compounds.csv:22: column name: must not be empty, not ""'],
  },
]
for (const city of broken) t.test(city.name, isRefused(city))
