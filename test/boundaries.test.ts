import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { adapterKinds } from '../gateway/adapter-kinds.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { importProblems, importsOf, type Sources } from './boundaries/imports.ts'
import { protocolProblems, shapeProblems, sleepProblems } from './boundaries/shape.ts'

const houses = ['adapters', 'bench', 'config', 'docs', 'gateway', 'scripts', 'simulators', 'test'].filter((house) =>
  existsSync(join(packageRoot, house)),
)

const paths = houses.flatMap((house) =>
  readdirSync(join(packageRoot, house), { encoding: 'utf8', recursive: true }).map((path) => `${house}/${path}`),
)

/** Prisma's client is generated; cases hold bytes. */
const sources: Sources = new Map(
  paths
    .filter(
      (path) => path.endsWith('.ts') && !path.startsWith('gateway/store/client/') && !path.startsWith('test/cases/'),
    )
    .map((path) => [path, readFileSync(join(packageRoot, path), 'utf8')]),
)

const exampleKinds = (
  parse(readFileSync(join(packageRoot, 'config/example.yaml'), 'utf8')) as { adapters: { kind: string }[] }
).adapters.map(({ kind }) => kind)

/** Files of the tests that may use timers for something else than waiting. */
const timersAllowed = {
  'test/promise.serial.test.ts': 'kills at random moments, which are drawn from a seed',
  'test/promise-texts.serial.test.ts': 'kills at random moments, and sets the pace at which people write',
  'test/promise-signals.serial.test.ts': 'kills at random moments, and sets the pace at which peers speak',
  'test/promise-links.serial.test.ts': 'kills at random moments, which are drawn from a seed',
  'test/promise-stage.ts': 'sets the pace at which a crowd of devices talks',
  'test/runner/file.ts': 'ends a test file whose time is over',
  'test/boundaries.test.ts': 'holds the bad examples',
}

t.test('no file imports what it must not know', async (t) => {
  t.ok(sources.size > 50, 'the sources were found')
  t.same(importProblems(sources), [])
})

t.test('no file is too long, and every name says something', async (t) => {
  t.same(shapeProblems(sources), [])
})

t.test(
  'every protocol has its simulator, tests, cases, its line in the list and its block in the example',
  async (t) => {
    t.same(protocolProblems(paths, sources.get('gateway/adapter-kinds.ts') ?? '', exampleKinds), [])
  },
)

t.test('every kind in the list has a block in the example', async (t) => {
  t.same(
    adapterKinds.map(({ kind }) => kind).filter((kind) => !exampleKinds.includes(kind)),
    [],
  )
})

t.test('no test sleeps', async (t) => {
  t.same(sleepProblems(sources, timersAllowed), [])
})

t.test('imports are found in every form they are written in', async (t) => {
  const text = [
    "import a from 'one'",
    "import type { B } from './two.ts'",
    "import {\n  c,\n} from '../three.ts'",
    "import './four.ts'",
    "export { d } from './five.ts'",
    "export * from './six.ts'",
    "const e = await import('./seven.ts')",
  ].join('\n')
  t.same(importsOf('gateway/http/x.ts', text), [
    'one',
    'gateway/http/two.ts',
    'gateway/three.ts',
    'gateway/http/four.ts',
    'gateway/http/five.ts',
    'gateway/http/six.ts',
    'gateway/http/seven.ts',
  ])
})

t.test('each rule on imports fails on a bad example', async (t) => {
  const bad: readonly (readonly [from: string, target: string, says: RegExp])[] = [
    ['adapters/mqtt/broker.ts', '../../gateway/intake/intake.ts', /an adapter knows the contract/],
    ['adapters/mqtt/broker.ts', '../../gateway/city/city.ts', /an adapter knows the contract/],
    ['adapters/mqtt/broker.ts', '../nmea/codec.ts', /an adapter knows the contract/],
    ['adapters/mqtt/broker.ts', '../../config/schema.ts', /an adapter knows the contract/],
    ['adapters/mqtt/broker.ts', '../../simulators/core.ts', /an adapter knows the contract/],
    ['gateway/gateway.ts', '../adapters/mqtt/broker.ts', /known to gateway\/adapter-kinds\.ts alone/],
    ['config/schema.ts', '../adapters/mqtt/broker.ts', /known to gateway\/adapter-kinds\.ts alone/],
    ['gateway/cli/simulate.ts', '../../simulators/core.ts', /stands without simulators/],
    ['gateway/gateway.ts', '../test/contract.ts', /stands without simulators/],
    ['simulators/fleet.ts', '../adapters/mqtt/broker.ts', /through codecs and framing/],
    ['simulators/fleet.ts', '../adapters/mqtt/behind.ts', /through codecs and framing/],
    ['simulators/demo.ts', '../gateway/gateway.ts', /the gateway is a process to it/],
    ['simulators/demo.ts', '../gateway/intake/intake.ts', /the gateway is a process to it/],
    ['gateway/cli/commands.ts', '../main.ts', /nobody imports main\.ts/],
    ['test/cli.test.ts', '../gateway/main.ts', /nobody imports main\.ts/],
  ]
  for (const [from, target, says] of bad) {
    const example: Sources = new Map([
      ['adapters/mqtt/broker.ts', "import { Aedes } from 'aedes'"],
      ['adapters/mqtt/behind.ts', "import { x } from './broker.ts'"],
      [from, `import { x } from '${target}'`],
    ])
    const [problem] = importProblems(example).filter((one) => one.startsWith(from))
    t.match(problem ?? `${from} may import ${target}`, says)
  }
})

t.test('what the rules on imports allow is allowed', async (t) => {
  const good: Sources = new Map([
    [
      'adapters/mqtt/broker.ts',
      "import { c } from './codec.ts'\nimport { A } from '../../gateway/adapter.ts'\nimport { Aedes } from 'aedes'",
    ],
    ['adapters/mqtt/codec.ts', "import type { Packet } from 'mqtt'\nimport { R } from '../../gateway/report.ts'"],
    ['gateway/adapter-kinds.ts', "import { mqtt } from '../adapters/mqtt/broker.ts'"],
    [
      'simulators/fleet.ts',
      "import { c } from '../adapters/mqtt/codec.ts'\nimport { C } from '../gateway/city/city.ts'\nimport 'mqtt'",
    ],
    ['test/x.test.ts', "import { b } from '../adapters/mqtt/broker.ts'\nimport { g } from '../gateway/gateway.ts'"],
  ])
  t.same(importProblems(good), [])
})

t.test('a long file and an empty name are found', async (t) => {
  const problems = shapeProblems(
    new Map([
      ['gateway/long.ts', 'x\n'.repeat(401)],
      ['gateway/just-right.ts', 'x\n'.repeat(400)],
      ['gateway/string-utils.ts', ''],
      ['adapters/mqtt/session-manager.ts', ''],
      ['adapters/common/x.ts', ''],
      ['simulators/baseLine.ts', ''],
    ]),
  )
  t.same(problems, [
    'gateway/long.ts has 401 lines; split it by subject',
    'gateway/string-utils.ts: the name "utils" says nothing',
    'adapters/mqtt/session-manager.ts: the name "manager" says nothing',
    'adapters/common/x.ts: the name "common" says nothing',
    'simulators/baseLine.ts is not kebab-case',
  ])
})

t.test('a protocol that lacks a part is found, whichever it is', async (t) => {
  const whole = [
    'adapters/smpp/codec.ts',
    'simulators/smpp-centre.ts',
    'test/smpp.test.ts',
    'test/cases/smpp/dlr/bytes.hex',
  ]
  const kinds = "import { smpp } from '../adapters/smpp/link.ts'"
  t.same(protocolProblems(whole, kinds, ['smpp']), [])
  t.same(protocolProblems(whole, kinds, ['smpp-bind']), [])
  for (const missing of whole.slice(1)) {
    t.equal(
      protocolProblems(
        whole.filter((path) => path !== missing),
        kinds,
        ['smpp'],
      ).length,
      1,
      missing,
    )
  }
  t.same(protocolProblems(whole, '', ['smpp']), ['adapters/smpp has not a line in gateway/adapter-kinds.ts'])
  t.same(protocolProblems(whole, kinds, ['smp']), ['adapters/smpp has not a block in config/example.yaml'])
})

t.test('a sleep is found, a wait for a condition with a deadline is none', async (t) => {
  const sleeps = ['await new Promise((done) => setTimeout(done, 50))', 'await wait(1000)', 'await sleep(5)']
  for (const line of sleeps) {
    t.match(
      sleepProblems(new Map([['test/x.test.ts', `connect()\n${line}\n`]]), {}),
      [/^test\/x\.test\.ts:2 sleeps/],
      line,
    )
    const waiting = `const deadline = Date.now() + 1000\nwhile (!connected) {\n  if (Date.now() > deadline) throw late\n  ${line}\n}`
    t.same(sleepProblems(new Map([['test/x.test.ts', waiting]]), {}), [], `in a loop: ${line}`)
  }
  t.same(sleepProblems(new Map([['test/x.test.ts', 't.setTimeout(60_000)']]), {}), [])
  t.same(sleepProblems(new Map([['test/x.ts', 'await wait(1)']]), { 'test/x.ts': 'a reason' }), [])
})
