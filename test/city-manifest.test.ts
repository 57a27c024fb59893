import t from 'tap'
import { sha256 } from '../gateway/city/folder.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { fileKinds } from '../gateway/city/manifest.ts'
import { formatProblems } from '../gateway/city/problems.ts'
import { append, type BrokenCity, editLine, exampleFiles, isRefused, writeCity } from './city-fixture.ts'

const brokenManifests: BrokenCity[] = [
  {
    name: 'a folder without a manifest is refused',
    breakIt: (files) => files.delete('manifest.json'),
    digests: 'left',
    expected: ['manifest.json: is missing'],
  },
  {
    name: 'a file that is named and not there is reported on its line of the manifest, and nothing that refers to it',
    breakIt: (files) => files.delete('companies.csv'),
    expected: ['manifest.json:81: companies.csv is missing'],
  },
  {
    name: 'unknown keys of the manifest are reported with their line',
    breakIt: (files) => {
      editLine(files, 'manifest.json', 4, (line) => `${line} "colour": "green",`)
      editLine(files, 'manifest.json', 11, (line) => `${line} "size": 12,`)
    },
    expected: ['manifest.json:4: "colour" is unknown', 'manifest.json:11: "size" is unknown'],
  },
  {
    name: 'wrong values of the manifest are reported with their line',
    breakIt: (files) => {
      editLine(files, 'manifest.json', 3, (line) => line.replace('2026.11.2', '../2026'))
      editLine(files, 'manifest.json', 5, (line) => line.replace('Shanghai', 'Luzhou'))
      editLine(files, 'manifest.json', 6, (line) => line.replace('cjt213_2005', 'cjt213'))
      editLine(files, 'manifest.json', 10, (line) => line.replace('districts', 'provinces'))
      editLine(files, 'manifest.json', 16, (line) => line.replace('streets.csv', '../streets.csv'))
      editLine(files, 'manifest.json', 22, (line) => line.replace(/[0-9a-f]{64}/, 'abc'))
    },
    digests: 'left',
    expected: [
      'manifest.json:3: version: must be letters, digits, dots, dashes, at most 64, such as 2026.11.1',
      'manifest.json:5: timeZone: "Asia/Luzhou" is no IANA time zone',
      'manifest.json:6: gridScheme: Invalid option: expected one of "cjt213_2005"|"gbt47678_3_2026"',
      `manifest.json:10: files.0.kind: must be one of ${fileKinds.join(', ')}`,
      'manifest.json:16: files.1.path: must be a plain file name',
      'manifest.json:22: files.2.sha256: must be 64 hexadecimal digits',
    ],
  },
  {
    name: 'a manifest that is no JSON is reported where it breaks',
    breakIt: (files) => editLine(files, 'manifest.json', 5, () => '  "timeZone": "Asia/Shanghai'),
    digests: 'left',
    expected: ['manifest.json:5: is not JSON'],
  },
  {
    name: 'a city without a needed kind of file, or with a file named twice, is refused',
    breakIt: (files) => {
      editLine(files, 'manifest.json', 15, (line) => line.replace('streets', 'communities'))
      editLine(files, 'manifest.json', 16, (line) => line.replace('streets.csv', 'communities.csv'))
    },
    expected: [
      'manifest.json:8: no file of the kind streets is named, and a city needs one',
      'manifest.json:19: communities.csv is named twice',
    ],
  },
]

for (const broken of brokenManifests) t.test(broken.name, isRefused(broken))

t.test('a file that was changed after its digest was taken is reported on its line of the manifest', async (t) => {
  const files = exampleFiles()
  append(files, 'leaders.csv', 'l-07,甲,,wgs84')
  const { problems } = await loadCity(writeCity(t, files, 'left'))
  t.same(
    formatProblems(problems),
    `manifest.json:111: leaders.csv was changed: its sha256 is ${sha256(String(files.get('leaders.csv')))}`,
  )
})
