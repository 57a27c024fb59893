import t from 'tap'
import type { MessageTemplate } from '../gateway/city/city.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { fill, placeholdersOf, tells, templateFor, written } from '../gateway/notices/template.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'
import { append, type BrokenCity, editLine, isRefused, smallFiles, writeCity } from './city-fixture.ts'

t.setTimeout(120_000)

const plain: MessageTemplate = {
  id: 'closed',
  audience: 'citizen',
  title: '{queryNumber} 办结',
  text: '您反映的{category}已办结（{queryNumber}）。',
  urgent: false,
  stage: 'closed',
}

t.test('a text is filled with what it asks for, and says what is missing and what has no place', async (t) => {
  t.strictSame(placeholdersOf('{a}{b}{a}'), ['a', 'b'])
  t.strictSame(fill(plain, { queryNumber: 'Q1', category: '井盖' }), {
    text: '您反映的井盖已办结（Q1）。',
    missing: [],
    unknown: [],
  })
  t.strictSame(fill(plain, { queryNumber: '', colour: 'red' }), {
    text: '您反映的{category}已办结（）。',
    missing: ['category', 'queryNumber'],
    unknown: ['colour'],
  })
  t.strictSame(fill(plain, { toString: 'x', queryNumber: 'Q', category: 'c' } as never).unknown, ['toString'])
})

t.test('what a citizen wrote is never read as a template', async (t) => {
  t.equal(written('{place}：{reason}', { place: '{reason}', reason: '{place}$&' }), '{reason}：{place}$&')
})

t.test('a reporter is answered by what has no stage, and told the result by what has one', async (t) => {
  t.equal(tells(plain), 'result')
  t.equal(tells({ ...plain, stage: null }), 'answer')
  t.equal(tells({ ...plain, audience: 'department' }), null)
})

t.test('the example city has the words for every step, for whom they are, and short', async (t) => {
  const { city, problems } = await loadCity(exampleCityFolder)
  t.strictSame(problems, [])
  if (city === null) throw new Error('the example city is one')
  const wanted = [
    ...['received', 'accepted', 'rejected', 'postponed', 'processing', 'closed', 'reward', 'state', 'help'],
    ...['forwarded', 'verify', 'check', 'remind'],
  ]
  for (const id of wanted) t.not(city.template(id), null, id)
  t.equal(templateFor(city, 'rejected', 'collector')?.audience, 'collector')
  t.equal(templateFor(city, 'closed', 'collector')?.audience, 'citizen', 'where there is one only')
  t.equal(city.template('closed', 'collector'), null)
  // Two letters of GSM or UCS-2: 70 characters go in one part.
  const sample = {
    ...{ queryNumber: '261125000017', caseNumber: '2026112500017', category: '井盖丢失', place: '采莲街12号' },
    ...{ state: '已修复', reason: '不属城管职责', deadline: '11月30日', department: '市政设施养护中心', amount: '10' },
    ...{ time: '11月25日9时' },
  }
  for (const id of wanted)
    for (const audience of ['citizen', 'collector', 'department'] as const) {
      const template = city.template(id, audience)
      if (template === null) continue
      const { text, missing } = fill(template, sample)
      t.strictSame(missing, [], `${id} for a ${audience} asks for nothing strange`)
      t.ok(text.length <= 70, `${id} for a ${audience} has ${text.length} characters`)
    }
  t.strictSame(city.department('sz-01'), {
    code: 'sz-01',
    name: '市政设施养护中心',
    phones: ['10004000001', '10004000002'],
    dutyHours: null,
  })
  t.strictSame(city.department('yl-01')?.dutyHours, { startMinute: 480, endMinute: 1080 })
  t.equal(city.department('nobody'), null)
  t.equal(city.counts['message-templates'], 16)
})

const templates = 'message-templates.csv'
const departments = 'departments.csv'

const broken: readonly BrokenCity[] = [
  {
    name: 'a template with a brace too many, of an unknown audience, or twice is refused',
    breakIt(files) {
      append(
        files,
        templates,
        'closed2,citizen,,您的{query Number}已办结,no,',
        'x,everybody,,字,no,',
        'closed,citizen,,又一个,no,closed',
        'y,citizen,,字,perhaps,Closed now',
      )
    },
    expected: [
      'message-templates.csv:18: column text: has a brace that is no field such as {caseNumber}',
      'message-templates.csv:19: column audience: must be citizen, collector or department, not "everybody"',
      'message-templates.csv:20: "closed for citizen" is already used at message-templates.csv:9',
      'message-templates.csv:21: column urgent: must be yes or no, not "perhaps"',
      'message-templates.csv:21: column stage: must be a word such as rejected, not "Closed now"',
    ],
  },
  {
    name: 'the gateway’s own answers ask for nothing that the gateway does not know',
    breakIt(files) {
      editLine(files, templates, 2, (line) => line.replace('{queryNumber}', '{queryNumber}{name}'))
    },
    expected: ['message-templates.csv:2: column text: {name} is not among what the gateway fills in here: queryNumber'],
  },
  {
    name: 'a department with a phone of letters, odd hours or a code that is taken is refused',
    breakIt(files) {
      append(files, departments, 'a-1,甲,1000 abc,', 'a-2,乙,1000,8-18', 'sz-01,丙,1000,')
    },
    expected: [
      'departments.csv:7: column phones: must be numbers with spaces between them, not "1000 abc"',
      'departments.csv:8: column dutyHours: must be hours such as 08:00-18:00, or empty, not "8-18"',
      'departments.csv:9: "sz-01" is already used at departments.csv:2',
    ],
  },
]

for (const one of broken) t.test(one.name, isRefused(one))

t.test('a city without templates and departments is one all the same', async (t) => {
  const files = smallFiles()
  const manifest = JSON.parse(String(files.get('manifest.json'))) as { files: { kind: string }[] }
  manifest.files = manifest.files.filter(({ kind }) => kind !== 'message-templates' && kind !== 'departments')
  files.set('manifest.json', JSON.stringify(manifest, null, 2))
  const { city, problems } = await loadCity(writeCity(t, files))
  t.strictSame(problems, [])
  t.equal(city?.template('received'), null)
})
