import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import { type Outcome, runFile } from './runner/file.ts'
import { readTap } from './runner/points.ts'
import { countOf, sayFile, saySkipped, sayTotal } from './runner/say.ts'

const tap = join(packageRoot, 'node_modules/tap/dist/esm/index.js')

/** Runs a test file made of `body`, with tap imported as `t`. */
function run(test: Test, body: string, timeoutMs = 60_000): Promise<Outcome> {
  const file = join(test.testdir({}), 'example.mjs')
  writeFileSync(file, `import t from ${JSON.stringify(tap)}\n${body}\n`)
  return runFile(file, timeoutMs)
}

function read(text: string) {
  const reader = readTap()
  for (const character of text) reader.write(character)
  return reader.end()
}

t.test('a file that passes is counted by its assertions, skipped tests apart and with their reason', async (t) => {
  const outcome = await run(
    t,
    `t.test('one', async (t) => { t.ok(1); t.test('in one', async (t) => { t.ok(1); t.ok(1) }) })
     t.test('two', { skip: 'gpsd is not installed' }, () => {})`,
  )
  t.same(outcome.faults, [])
  t.same(countOf(outcome), { passed: 3, failed: 0, skipped: 1 })
  t.match(sayFile('example', outcome), /^✓ example {2}3 passed, 1 skipped {2}\d+\.\d s$/)
  t.equal(saySkipped([['example', outcome]]), '- example: two (skipped: gpsd is not installed)')
})

t.test('a failing assertion is told with the tests it stands in and all that it saw', async (t) => {
  const outcome = await run(
    t,
    `t.test('outer', async (t) => t.test('inner', async (t) => { t.same({ a: 1 }, { a: 2 }); t.ok(1) }))`,
  )
  t.same(countOf(outcome), { passed: 1, failed: 1, skipped: 0 })
  const said = sayFile('example', outcome)
  t.match(said, /^✗ example {2}1 passed, 1 failed/)
  t.match(said, '✗ outer > inner > should be equivalent')
  t.match(said, '-  "a": 2,')
  t.match(said, 'example.mjs')
})

t.test('a test that throws fails', async (t) => {
  const outcome = await run(t, `t.test('it', async () => { throw new Error('on purpose') })`)
  t.same(countOf(outcome), { passed: 0, failed: 1, skipped: 0 })
  t.match(sayFile('example', outcome), 'on purpose')
})

t.test('a file that crashes before its plan fails, and what it said is shown', async (t) => {
  const outcome = await run(t, `console.log('so far'); console.error('the reason'); t.ok(1); process.reallyExit(7)`)
  t.same(countOf(outcome), { passed: 1, failed: 1, skipped: 0 })
  const said = sayFile('example', outcome)
  t.match(said, 'ended before its plan')
  t.match(said, 'so far')
  t.match(said, 'the reason')
})

t.test('a file that cannot even be loaded fails with the reason', async (t) => {
  const outcome = await run(t, `import './is-not-there.js'`)
  t.equal(countOf(outcome).failed, 1)
  t.match(sayFile('example', outcome), 'is-not-there.js')
})

t.test('a file that runs no test fails', async (t) => {
  t.same((await run(t, '')).faults, ['ran no test'])
})

t.test('a file whose status contradicts its points fails', async (t) => {
  const outcome = await run(t, `t.ok(1); t.end(); process.on('exit', () => process.reallyExit(3))`)
  t.same(outcome.faults, ['ended with status 3'])
})

t.test('a file whose time is over is ended with everything it started', async (t) => {
  const started = join(t.testdir({}), 'started')
  const body = `
    import { spawn } from 'node:child_process'
    import { writeFileSync } from 'node:fs'
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
    writeFileSync(${JSON.stringify(started)}, String(child.pid))
    t.test('it', () => new Promise(() => setInterval(() => {}, 1000)))`
  const outcome = await run(t, body, 3000)
  t.same(outcome.faults, ['did not end within 3 s'])
  t.ok(await gone(Number(readFileSync(started, 'utf8'))), 'the process that the test started is gone')
})

t.test('what outlives a test and still holds its output fails the file, and is ended', async (t) => {
  const started = join(t.testdir({}), 'started')
  const body = `
    import { spawn } from 'node:child_process'
    import { writeFileSync } from 'node:fs'
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' })
    child.unref()
    writeFileSync(${JSON.stringify(started)}, String(child.pid))
    t.ok(1)`
  const outcome = await run(t, body)
  t.same(outcome.faults, ['something it started outlived it and still holds its output'])
  t.ok(await gone(Number(readFileSync(started, 'utf8'))))
})

t.test(
  'output as it may come: cut anywhere, without a plan, beyond the plan, bailed out, skipped as a whole',
  async (t) => {
    t.same(read('TAP version 14\nok 1 - a\n1..1\n').faults, [])
    t.match(read('TAP version 14\nok 1 - a\n').faults, ['no plan'])
    t.match(read('').faults, ['ran no test'])
    t.match(read('1..0\n').faults, ['ran no test'])
    t.match(read('garbage\n'), { faults: ['ran no test'], said: 'garbage\n' })
    t.equal(read('ok 1\nok 2\n1..3\n').faults.length, 1, 'one is missing')
    t.match(read('1..2\nok 1\nBail out! no database\n').faults, [/bailed out: no database/])
    t.match(read('1..0 # no broker here\n').points, [{ outcome: 'skipped', detail: 'no broker here' }])
    t.match(read('    # Subtest: in\n    ok 1 - a\n    1..1\nnot ok 1 - in # time=1ms\n1..1\n').points, [
      { name: 'in > a', outcome: 'passed' },
      { name: 'in', outcome: 'failed' },
    ])
  },
)

t.test('the last line counts everything, and names the skipped only when there are some', async (t) => {
  const point = (outcome: 'passed' | 'failed' | 'skipped') => ({ name: 'x', outcome, detail: null })
  const of = (points: Outcome['points'], faults: readonly string[] = []): Outcome => ({
    points,
    faults,
    said: '',
    seconds: 1,
  })
  t.equal(sayTotal([of([point('passed'), point('passed')]), of([point('passed')])]), '3 passed, 0 failed')
  t.equal(
    sayTotal([of([point('passed'), point('skipped')]), of([point('failed')], ['no plan'])]),
    '1 passed, 2 failed, 1 skipped',
  )
})

t.test('a run that finds no test fails', async (t) => {
  const runner = join(packageRoot, 'dist/test/run.js')
  const { status, stdout } = spawnSync(process.execPath, [runner, 'no-test-has-this-name'], { encoding: 'utf8' })
  t.equal(status, 1)
  t.equal(stdout, '\n0 passed, 0 failed\n')
})

/** Resolves with true once there is no process of that number, or one that has ended and was not asked for its status. */
async function gone(pid: number): Promise<boolean> {
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline) {
    try {
      if (/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return true
    } catch {
      return true
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return false
}
