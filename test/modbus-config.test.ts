import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadConfiguration } from '../config/load.ts'
import { adapterKinds } from '../gateway/adapter-kinds.ts'

async function problemsOf(t: Test, map: string, block = ''): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'chengguan-modbus-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'gauge.yaml'), map)
  const text = `adapters:
  - name: bus
    kind: modbus
    transport: tcp
    host: 127.0.0.1
    units: [{ unit: 1, map: ./gauge.yaml, sensor: s-001${block} }]
destinations: []
`
  await writeFile(join(folder, 'gateway.yaml'), text)
  const loaded = loadConfiguration(join(folder, 'gateway.yaml'), adapterKinds)
  return 'problems' in loaded
    ? loaded.problems.map(({ path, message }) => `${path}: ${message.replace(folder, '')}`)
    : []
}

const good = 'points:\n  - { point: level, function: holding, address: 0, unit: m }\n'

t.test('a register map is a file of its own', async (t) => {
  t.same(await problemsOf(t, good), [])
})

t.test('what is wrong in a register map is said with its file, line and column', async (t) => {
  const where = 'adapters[0].units[0].map'
  for (const [map, says] of [
    [
      'points:\n  - { point: level, function: holdin, address: 0 }\n',
      /^\/gauge\.yaml:2:\d+: points\[0\]\.function: must be one of .*did you mean "holding"\?/,
    ],
    [
      'points:\n  - { point: level, function: holding, adress: 0 }\n',
      /gauge\.yaml:2:\d+: points\[0\]: "adress" is unknown here; did you mean "address"\?/,
    ],
    [
      'points:\n  - { point: level, function: coil, address: 0, type: f32 }\n',
      /gauge\.yaml:2:\d+: points\[0\]\.type: a coil is a bit/,
    ],
    ['points:\n  - { point: level, function: holding, address: 65535, type: u32 }\n', /the value ends beyond 65535/],
    [
      'points:\n  - point: level\n    function: holding\n    address: 0\n    alarms: [{ event: high, above: 1, below: 2 }]\n',
      /gauge\.yaml:5:\d+: points\[0\]\.alarms\[0\]: needs either above or below/,
    ],
    [`${good}  - { point: level, function: holding, address: 2 }\n`, /two points of a sensor have one name/],
    ['points: [\n', /gauge\.yaml:\d+:\d+: not valid YAML/],
    ['', /gauge\.yaml:1:1: points: is missing/],
  ] as const) {
    const problems = await problemsOf(t, map)
    const found = problems.filter((one) => one.startsWith(where)).map((one) => one.slice(where.length + 2))
    t.ok(
      found.some((one) => says.test(one)),
      `${says} in ${JSON.stringify(problems)}`,
    )
  }
})

t.test('a point that belongs to no sensor, and one that is none, are found', async (t) => {
  t.match(await problemsOf(t, good, ', sensors: { flow: s-002 }'), [/sensors\.flow: is no point of the map/])
})
