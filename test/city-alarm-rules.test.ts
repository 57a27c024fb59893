import t from 'tap'
import { loadCity } from '../gateway/city/load-city.ts'
import { alarmRule } from '../gateway/triage/alarm-rules.ts'
import { append, type BrokenCity, editLine, isRefused, smallFiles, writeCity } from './city-fixture.ts'

const rules = 'alarm-rules.csv'
const end = String(smallFiles().get(rules)).trimEnd().split('\n').length

const broken: BrokenCity[] = [
  {
    name: 'what is wrong with a rule for alarms is reported by file and line',
    breakIt: (files) => {
      append(
        files,
        rules,
        'c-999,VMD,,,,,normal,60,0,300,60,7200',
        'camera,V*D,,,,,normal,60,0,300,60,7200',
        'camera,a,,cjt214_2007,event,,normal,60,0,300,60,7200',
        'camera,b,,cjt214_2007,event,0999,normal,60,0,300,60,7200',
        'camera,c,,,,,soon,-1,0,0,often,',
        'camera,VMD,,,,,normal,60,0,300,60,7200',
        'camera,d,,,thing,,normal,60,0,300,60,7200',
      )
    },
    expected: [
      `${rules}:${end + 1}: column subject: "c-999" is no camera, no sensor, no kind of sensor and not *`,
      `${rules}:${end + 2}: column event: must have a * at its end only, not "V*D"`,
      `${rules}:${end + 3}: columns scheme, kind and code: all three name a category, or none does`,
      `${rules}:${end + 4}: column code: "cjt214_2007 event 0999" is not in categories`,
      `${rules}:${end + 5}: column urgency: Invalid option: expected one of "normal"|"urgent"|"emergency", not "soon"`,
      `${rules}:${end + 5}: column joinS: must be a number from 0 to 2592000, not "-1"`,
      `${rules}:${end + 5}: column clearAfterS: must be a number from 1 to 2592000, not "0"`,
      `${rules}:${end + 5}: column chatterPerMinute: must be a number from 1 to 100000, not "often"`,
      `${rules}:${end + 6}: "camera VMD" is already used at ${rules}:2`,
      `${rules}:${end + 7}: column kind: must be component or event, or empty, not "thing"`,
    ],
  },
  {
    name: 'a column that is missing from the rules is reported, and so is a component that is none',
    breakIt: (files) => {
      editLine(files, rules, 1, (line) => line.replace(',stuckAfterS', ''))
      const cameras = String(files.get('cameras.csv')).trimEnd().split('\n')
      const column = (line: string, i: number) => `${line},${i === 0 ? 'component' : i === 1 ? '9901990199000001' : ''}`
      files.set('cameras.csv', `${cameras.map(column).join('\n')}\n`)
    },
    expected: [
      `${rules}:1: columns are missing: stuckAfterS`,
      'cameras.csv:2: column component: "9901990199000001" is not in components',
    ],
  },
]
for (const one of broken) t.test(one.name, isRefused(one))

t.test('of the rules that fit the most specific one holds, wherever it stands', async (t) => {
  const files = smallFiles()
  const rest = ',normal,60,0,300,60,7200'
  const category = (code: string) => `cjt214_2007,event,${code}`
  append(
    files,
    rules,
    `*,*,,${category('0199')}${rest}`,
    `camera,*,,${category('0102')}${rest}`,
    `c-001,*,,${category('0103')}${rest}`,
    `c-001,per*,,${category('0104')}${rest}`,
    `c-001,person*,,${category('0105')}${rest}`,
    `c-001,person,,${category('0106')}${rest}`,
    `c-001,person,gate,${category('0107')}${rest}`,
    `s-001,high,,${category('0108')}${rest}`,
  )
  const { city, problems } = await loadCity(writeCity(t, files))
  if (city === null) throw new Error(problems.map(({ message }) => message).join('\n'))
  const code = (subject: string, event: string, part: string | null = null) => {
    const of = subject.startsWith('s') ? 'sensor' : 'camera'
    return alarmRule(city, subject, { of, event, part }).rule.category?.code ?? null
  }
  t.equal(code('c-001', 'person', 'gate'), '0107')
  t.equal(code('c-001', 'person', 'door'), '0106')
  t.equal(code('c-001', 'persons'), '0105')
  t.equal(code('c-001', 'perhaps'), '0104')
  t.equal(code('c-001', 'VMD'), '0103', 'the subject weighs most')
  t.equal(code('c-002', 'VMD'), null)
  t.equal(code('c-002', 'bark'), '0102')
  t.equal(code('s-001', 'high'), '0108')
  t.equal(code('s-001', 'odd'), '0199')
  t.equal(city.camera('c-001')?.component, null)
  t.match(city.sensor('s-001'), { kind: 'water-level', name: '1号水位传感器' })
})

t.test('the example city maps what cameras and sensors of the usual makes say', async (t) => {
  const { city } = await loadCity(writeCity(t, smallFiles()))
  if (city === null) throw new Error('the small city does not load')
  for (const event of ['VMD', 'fielddetection', 'videoloss', 'motion', 'tns1:RuleEngine/CellMotionDetector/Motion'])
    t.ok(alarmRule(city, 'c-001', { of: 'camera', event, part: null }).mapped, event)
  for (const event of ['high', 'very-high', 'silent'])
    t.ok(alarmRule(city, 's-001', { of: 'sensor', event, part: 'level' }).rule.category, event)
})
