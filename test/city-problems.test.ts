import t from 'tap'
import { loadCity } from '../gateway/city/load-city.ts'
import { formatProblems } from '../gateway/city/problems.ts'
import { append, type BrokenCity, editLine, isRefused, smallFiles, writeCity } from './city-fixture.ts'

const grids = 'grids.geojson'
const ring = (line: string, coordinates: string) =>
  line.replace(/"coordinates":.*\]\]\]/, `"coordinates":${coordinates}`)
const brokenGrids: BrokenCity[] = [
  {
    name: 'a unit grid that lies on its neighbour is reported with both lines and the area',
    breakIt: (files) => editLine(files, grids, 3, (line) => line.replaceAll('119.376441', '119.376041')),
    expected: ['grids.geojson:3: the grid 99010100100102 overlaps 99010100100101 (grids.geojson:2) by 1784 m²'],
  },
  {
    name: 'a unit grid inside another is an overlap',
    breakIt: (files) =>
      editLine(files, grids, 3, (line) =>
        ring(
          line,
          '[[[119.3756,32.4178],[119.3760,32.4178],[119.3760,32.4182],[119.3756,32.4182],[119.3756,32.4178]]]',
        ),
      ),
    expected: ['grids.geojson:3: the grid 99010100100102 overlaps 99010100100101 (grids.geojson:2) by 1669 m²'],
  },
  {
    name: 'a ring that is not closed is refused',
    breakIt: (files) => editLine(files, grids, 2, (line) => line.replace(',[119.375354,32.417511]]]', ']]')),
    expected: ['grids.geojson:2: the ring is not closed: its last position is not its first'],
  },
  {
    name: 'a ring of three positions is refused',
    breakIt: (files) => editLine(files, grids, 2, (line) => ring(line, '[[[119.3,32.4],[119.4,32.4],[119.3,32.4]]]')),
    expected: ['grids.geojson:2: the ring has fewer than four positions'],
  },
  {
    name: 'a ring that crosses itself is refused',
    breakIt: (files) =>
      editLine(files, grids, 2, (line) =>
        ring(line, '[[[119.30,32.40],[119.31,32.41],[119.31,32.40],[119.30,32.41],[119.30,32.40]]]'),
      ),
    expected: ['grids.geojson:2: the ring crosses itself near 119.31, 32.4'],
  },
  {
    name: 'a ring without area is refused',
    breakIt: (files) =>
      editLine(files, grids, 2, (line) => ring(line, '[[[119.3,32.4],[119.31,32.4],[119.32,32.4],[119.3,32.4]]]')),
    expected: ['grids.geojson:2: the ring has no area'],
  },
  {
    name: 'a grid that is no polygon is refused',
    breakIt: (files) => editLine(files, grids, 2, (line) => line.replace('"Polygon"', '"LineString"')),
    expected: ['grids.geojson:2: the geometry is no Polygon or MultiPolygon'],
  },
  {
    name: 'a grid code of the wrong length is refused',
    breakIt: (files) => editLine(files, grids, 45, (l) => l.replace('99010100100144', '990101001001440')),
    expected: [
      'collectors.csv:4: column workGrids: "99010100100144" is not in grids',
      'grids.geojson:45: property code: must be 14 digits in cjt213_2005, not "990101001001440"',
    ],
  },
  {
    name: 'a grid whose community is unknown is refused',
    breakIt: (files) => editLine(files, 'communities.csv', 2, (line) => line.replace('990101001001', '990101001099')),
    expected: Array.from(
      { length: 49 },
      (_, i) => `grids.geojson:${i + 2}: community: "990101001001" is not in communities`,
    ),
  },
  {
    name: 'a community that its grid contradicts is refused',
    breakIt: (files) => editLine(files, grids, 2, (line) => line.replace('"}', '","community":"990101001002"}')),
    expected: ['grids.geojson:2: property community: "990101001002" is not the beginning of the code 99010100100101'],
  },
  {
    name: 'a community of an unknown street and a street of an unknown district are refused',
    breakIt: (files) => {
      append(files, 'communities.csv', '990101099001,无街社区')
      append(files, 'streets.csv', '990199001,无区街道')
    },
    expected: [
      'communities.csv:109: column code: "990101099" is not in streets',
      'streets.csv:18: column code: "990199" is not in districts',
    ],
  },
  {
    name: 'an unknown property of a grid is refused',
    breakIt: (files) => editLine(files, grids, 2, (line) => line.replace('"code"', '"colour":1,"code"')),
    expected: ['grids.geojson:2: property "colour": is unknown'],
  },
]

/** The table is kept by hand, and grows. */
const concepts = String(smallFiles().get('category-concepts.csv')).trimEnd().split('\n').length

const brokenIds: BrokenCity[] = [
  {
    name: 'ids used twice are reported with the place of the first use, whatever the kind',
    breakIt: (files) => {
      const again = (name: string, line: number) =>
        append(files, name, String(files.get(name)).split('\n')[line - 1] ?? '')
      for (const name of ['districts.csv', 'companies.csv', 'shifts.csv', 'components.csv', 'towers.csv'])
        again(name, 2)
      for (const name of ['category-concepts.csv', 'addresses.csv', 'sub-numbers.csv', 'vehicle-rules.csv'])
        again(name, 2)
      editLine(files, grids, 3, (line) => line.replace('99010100100102', '99010100100101'))
      editLine(files, 'routes.geojson', 3, (line) => line.replace('r-002', 'r-001'))
      editLine(files, 'collectors.csv', 2, (line) => line.replace('99010100100102 ', ''))
      editLine(files, 'vehicles.csv', 3, (line) => line.replace('r-002', 'r-001'))
    },
    expected: [
      'addresses.csv:26: "a-0009" is already used at addresses.csv:2',
      `category-concepts.csv:${concepts + 1}: "井盖 cjt214_2007 component 0103" is already used at category-concepts.csv:2`,
      'companies.csv:7: "cj-01" is already used at companies.csv:2',
      'components.csv:13: "9901010101000001" is already used at components.csv:2',
      'districts.csv:6: "990101" is already used at districts.csv:2',
      'grids.geojson:3: "99010100100101" is already used at grids.geojson:2',
      'routes.geojson:3: "r-001" is already used at routes.geojson:2',
      'shifts.csv:6: "early" is already used at shifts.csv:2',
      'sub-numbers.csv:6: "123191" is already used at sub-numbers.csv:2',
      'towers.csv:202: "460-1-9901-10001" is already used at towers.csv:2',
      'vehicle-rules.csv:5: "off-route" is already used at vehicle-rules.csv:2',
    ],
  },
  {
    name: 'a leader, a camera and a collector cannot share a device id',
    breakIt: (files) => {
      editLine(files, 'leaders.csv', 2, (line) => line.replace('l-01', 'h-0001'))
      editLine(files, 'cameras.csv', 2, (line) => line.replace('c-001', 'v-001'))
    },
    expected: [
      'cameras.csv:2: "v-001" is already used at vehicles.csv:2',
      'leaders.csv:2: "h-0001" is already used at collectors.csv:2',
    ],
  },
  {
    name: 'references that lead nowhere are reported with their column',
    breakIt: (files) => {
      editLine(files, 'vehicles.csv', 2, (line) => line.replace('hw-01,r-001,early,w-001', 'hw-09,r-999,dawn,w-999'))
      editLine(files, 'collectors.csv', 5, (line) => line.replace('99010100100214', '99010100100299'))
      editLine(files, 'vehicle-rules.csv', 3, (line) => line.replace('0104', '0177'))
      editLine(files, 'vehicle-rules.csv', 4, (line) => line.replace('cjt214_2007', 'cjt214_1999'))
      editLine(files, 'category-concepts.csv', 4, (line) => line.replace('0114', '0199'))
      editLine(files, 'emergency-categories.csv', 2, (line) => line.replace('0401', '0477'))
      editLine(files, 'cameras.csv', 3, (line) => line.replace('99010100100218', '99010100100298'))
      editLine(files, 'sub-numbers.csv', 2, (line) => line.replace('990101', '990109'))
      editLine(files, 'manifest.json', 7, (line) => line.replace('cjt214_2007', 'cjt214'))
    },
    expected: [
      'cameras.csv:3: column grid: "99010100100298" is not in grids',
      'category-concepts.csv:4: column code: "cjt214_2007 component 0199" is not in categories',
      'collectors.csv:5: column workGrids: "99010100100299" is not in grids',
      'emergency-categories.csv:2: column code: "cjt214_2007 event 0477" is not in categories',
      'manifest.json:7: defaultScheme: "cjt214" is not in category-schemes',
      'sub-numbers.csv:2: column district: "990109" is not in districts',
      'vehicle-rules.csv:3: column code: "cjt214_2007 event 0177" is not in categories',
      'vehicle-rules.csv:4: column scheme: "cjt214_1999" is not in category-schemes',
      'vehicles.csv:2: column company: "hw-09" is not in companies',
      'vehicles.csv:2: column routeId: "r-999" is not in routes',
      'vehicles.csv:2: column shiftId: "dawn" is not in shifts',
      'vehicles.csv:2: column workAreaId: "w-999" is not in work-areas',
    ],
  },
  {
    name: 'a component id must be as long as its scheme says and hold its category',
    breakIt: (files) => {
      editLine(files, 'components.csv', 2, (line) => line.replace('9901010101000001', '990101010100001'))
      editLine(files, 'components.csv', 3, (line) => line.replace('9901010102000002', '9901010103000002'))
      editLine(files, 'components.csv', 4, (line) => line.replace('9901010103000003', '9909010103000003'))
    },
    expected: [
      'components.csv:2: column id: must be 16 digits in cjt214_2007',
      'components.csv:3: column id: 9901010103000002 does not say 0102 after the district',
      'components.csv:4: column id: "990901" is not in districts',
    ],
  },
  {
    name: 'a category code must be as long as its scheme says and begin with its class',
    breakIt: (files) => {
      append(
        files,
        'categories-cjt214_2007.csv',
        'cjt214_2007,event,01981,新类,new,01,市容环境,City appearance,site,site',
      )
      append(
        files,
        'categories-cjt214_2007.csv',
        'cjt214_2007,event,0298,新类,new,01,市容环境,City appearance,site,site',
      )
    },
    expected: [
      'categories-cjt214_2007.csv:139: column code: must be 4 digits in cjt214_2007',
      'categories-cjt214_2007.csv:140: column majorCode: 01 does not begin the code 0298',
    ],
  },
]

const brokenCells: BrokenCity[] = [
  {
    name: 'coordinates outside China, exchanged or no numbers are refused',
    breakIt: (files) => {
      editLine(files, 'cameras.csv', 2, (line) => line.replace('32.415066,119.376976', '119.376976,32.415066'))
      editLine(files, 'sensors.csv', 2, (line) => line.replace('32.415942', 'north'))
      editLine(files, grids, 20, (line) => ring(line, '[[[32.4,119.3],[32.5,119.3],[32.5,119.4],[32.4,119.3]]]'))
      editLine(files, 'routes.geojson', 2, (line) => line.replace('[119.375354,32.361587]', '[0,0]'))
    },
    expected: [
      'cameras.csv:2: column latitude: must be a latitude inside China (0.8293 to 55.8271), not "119.376976"',
      'cameras.csv:2: column longitude: must be a longitude inside China (72.004 to 137.8347), not "32.415066"',
      'grids.geojson:20: the coordinate 32.4, 119.3 is outside China; longitude and latitude are exchanged',
      'routes.geojson:2: the coordinate 0, 0 is outside China',
      'sensors.csv:2: column latitude: must be a latitude inside China (0.8293 to 55.8271), not "north"',
    ],
  },
  {
    name: 'cells of the wrong kind are refused with their column and value',
    breakIt: (files) => {
      editLine(files, 'shifts.csv', 3, (line) => line.replace('08:00', '8 am'))
      editLine(files, 'vehicle-rules.csv', 2, (line) => line.replace('120', '-1').replace('normal', 'later'))
      editLine(files, 'components.csv', 2, (line) => line.replace('完好', '很好'))
      editLine(files, 'companies.csv', 2, (line) => line.replace('荷风信息采集有限公司', ''))
      editLine(files, 'towers.csv', 2, (line) => line.replace('460', '460.5'))
    },
    expected: [
      'companies.csv:2: column name: must not be empty, not ""',
      'components.csv:2: column state: must be 完好, 破损, 丢失, 废弃 or 移除, not "很好"',
      'shifts.csv:3: column start: must be a time of day such as 06:30, not "8 am"',
      'towers.csv:2: column mcc: must be a whole number, not "460.5"',
      'vehicle-rules.csv:2: column afterS: must be a number from 0 to 86400, not "-1"',
      'vehicle-rules.csv:2: column urgency: Invalid option: expected one of "normal"|"urgent"|"emergency", not "later"',
    ],
  },
  {
    name: 'missing, unknown and repeated columns are reported on the line of the header',
    breakIt: (files) => {
      editLine(files, 'leaders.csv', 1, (line) => line.replace('phone', 'telephone'))
      editLine(files, 'shifts.csv', 1, (line) => `${line},end`)
    },
    expected: [
      'leaders.csv:1: columns are missing: phone',
      'leaders.csv:1: columns are unknown or twice: "telephone"',
      'shifts.csv:1: columns are unknown or twice: "end"',
    ],
  },
  {
    name: 'a row with too few or too many cells is refused',
    breakIt: (files) => {
      editLine(files, 'streets.csv', 3, (line) => `${line},more`)
      append(files, 'addresses.csv', 'a-9999')
    },
    expected: [
      'addresses.csv:26: has 1 cells where the header has 5',
      'streets.csv:3: has 3 cells where the header has 2',
    ],
  },
  {
    name: 'a quote that is never closed is reported where its record begins',
    breakIt: (files) => {
      append(files, 'leaders.csv', 'l-91,"两行', '名字",,wgs84', '', 'l-92,"没有关,,wgs84', 'l-93,甲,,wgs84')
    },
    expected: ['leaders.csv:11: a quote is opened and never closed'],
  },
  {
    name: 'text behind a closing quote is reported on its line',
    breakIt: (files) => editLine(files, 'leaders.csv', 4, (line) => line.replace('卫思远', '"卫"思远')),
    expected: ['leaders.csv:4: text follows a closing quote'],
  },
  {
    name: 'lines are counted through quoted line breaks and empty lines',
    breakIt: (files) => {
      append(files, 'leaders.csv', '', 'l-91,"两', '', '行",,wgs84', 'l-92,甲,,mars', '"l', '93",乙,,wgs84')
    },
    expected: [
      'leaders.csv:12: column coordinateSystem: Invalid option: expected one of "wgs84"|"gcj02"|"bd09"|"cgcs2000", not "mars"',
      'leaders.csv:13: column id: must be letters, digits, dots and dashes, not "l\\n93"',
    ],
  },
  {
    name: 'a table saved as GBK is named as such, with the first line that shows it',
    breakIt: (files) => {
      // 市 in GBK.
      const gbk = Buffer.from([0xca, 0xd0])
      files.set(
        'leaders.csv',
        Buffer.concat([Buffer.from('id,name,phone,coordinateSystem\nl-01,'), gbk, Buffer.from(',,wgs84\n')]),
      )
    },
    expected: ['leaders.csv:2: is not UTF-8 text; a table saved as GBK must be saved as UTF-8'],
  },
  {
    name: 'GeoJSON that ends early or is something else is refused',
    breakIt: (files) => {
      files.set('routes.geojson', String(files.get('routes.geojson')).split('\n').slice(0, 5).join('\n'))
      files.set('work-areas.geojson', '{"type":"Feature"}\n')
    },
    expected: ['routes.geojson:5: is not JSON', 'work-areas.geojson:1: is not a GeoJSON FeatureCollection'],
  },
]

for (const broken of [...brokenGrids, ...brokenIds, ...brokenCells]) t.test(broken.name, isRefused(broken))

t.test(
  'a city of the 2026 scheme has grids of 15 characters that name their community, and needs no vehicles',
  async (t) => {
    const files = smallFiles()
    const name = (line: string) => line.replace(/"code":"(\d{12})(\d\d)"/, '"code":"$1A$2","community":"$1"')
    files.set(grids, String(files.get(grids)).split('\n').map(name).join('\n'))
    const kept = new Set(['districts', 'streets', 'communities', 'grids', 'category-schemes', 'categories'])
    const manifest = JSON.parse(String(files.get('manifest.json')))
    manifest.gridScheme = 'gbt47678_3_2026'
    manifest.files = manifest.files.filter((file: { readonly kind: string }) => kept.has(file.kind))
    files.set('manifest.json', JSON.stringify(manifest, null, 2))
    const { city, problems } = await loadCity(writeCity(t, files))
    t.same(problems, [])
    t.equal(city?.locate({ latitude: 32.418, longitude: 119.3758 }, null)?.grid, '990101001001A01')

    editLine(files, grids, 2, (line) => line.replace(',"community":"990101001001"', ''))
    editLine(files, grids, 3, (line) => line.replace('990101001001A02', '990101001001a02'))
    const { problems: broken } = await loadCity(writeCity(t, files))
    t.same(formatProblems(broken).split('\n'), [
      'grids.geojson:2: property community: is missing',
      'grids.geojson:3: property code: must be 15 digits and capital letters in gbt47678_3_2026, not "990101001001a02"',
    ])
  },
)

t.test('a feature has the line it begins on, however the file is laid out', async (t) => {
  const files = smallFiles()
  const pretty = JSON.stringify({ features: 1, ...JSON.parse(String(files.get('work-areas.geojson'))) }, null, 1)
  files.set('work-areas.geojson', pretty.replace('"w-002"', '"w 002"'))
  const at = pretty.slice(0, pretty.lastIndexOf('"Feature"', pretty.indexOf('"w-002"'))).split('\n').length - 1
  const { problems } = await loadCity(writeCity(t, files))
  t.equal(problems[0]?.line, at)
  t.equal(problems.length, 1, 'the vehicle that refers to the unreadable area is not blamed')
})
