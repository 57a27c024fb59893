import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packageRoot } from '../gateway/package-root.ts'
import { endAll, type Outcome, runFile } from './runner/file.ts'
import { countOf, sayFile, saySkipped, sayTotal } from './runner/say.ts'

/**
 * `npm test [-- <part of a name>…] [--jobs 2] [--timeout 300]`: every test file in a process of its own. tap's library and
 * parser are used, but not tap's runner: its terminal reporter (ink) breaks on the React 19 that prisma's CLI brings.
 */

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '2' }, timeout: { type: 'string', default: '300' } },
})
const jobs = Math.max(1, Number(values.jobs))
const timeoutMs = Number(values.timeout) * 1000

// Found by their sources: what a deleted test left in dist/ is not run.
const names = readdirSync(join(packageRoot, 'test'), { encoding: 'utf8', recursive: true })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => path.replace(/\.test\.ts$/, ''))
  .filter((name) => positionals.length === 0 || positionals.some((part) => name.includes(part)))
  .sort()
const outcomes: [string, Outcome][] = []

async function run(name: string): Promise<void> {
  const file = join(packageRoot, 'dist/test', `${name}.test.js`)
  const outcome = existsSync(file)
    ? await runFile(file, timeoutMs)
    : { points: [], faults: ['is not compiled'], said: '', seconds: 0 }
  outcomes.push([name, outcome])
  console.log(sayFile(name, outcome))
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endAll()
    process.exit(130)
  })
}

const alone = names.filter((name) => name.endsWith('.serial'))
const waiting = names.filter((name) => !alone.includes(name))
const lane = async () => {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await run(name)
}
await Promise.all(Array.from({ length: jobs }, lane))
for (const name of alone) await run(name)

const skipped = saySkipped(outcomes)
if (skipped !== '') console.log(`\n${skipped}`)
const all = outcomes.map(([, outcome]) => outcome)
const counts = all.map(countOf)
const ran = counts.some(({ passed, failed }) => passed + failed > 0)
console.log(`\n${sayTotal(all)}`)
process.exitCode = ran && counts.every(({ failed }) => failed === 0) ? 0 : 1
