import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../gateway/package-root.ts'

const rows = readFileSync(join(packageRoot, 'docs/seed-duties.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, number, duty, does, shown] = /^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/.exec(line) ?? []
    return number === undefined ? [] : [{ number: Number(number), duty, does, shown: shown ?? '' }]
  })

t.test('each of the 75 duties has its row', async (t) => {
  t.strictSame(
    rows.map(({ number }) => number),
    Array.from({ length: 75 }, (_, i) => i + 1),
  )
})

t.test('what is said to be shown by a test is, and what is not says so', async (t) => {
  for (const { number, does, shown } of rows) {
    const tests = [...shown.matchAll(/`(test\/[^`]+)`/g)].map(([, path = '']) => path)
    for (const path of tests) t.ok(existsSync(join(packageRoot, path)), `${number}: ${path}`)
    if (tests.length === 0) t.match(shown, /^(not yet|—)$/, `${number}`)
    if (shown === 'not yet') t.match(does, /not yet/i, `${number} says so in its words, too`)
  }
})
