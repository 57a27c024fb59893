import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'
import { smallFiles, temporaryFolder, writeCity } from './city-fixture.ts'

t.setTimeout(120_000)
const bin = join(packageRoot, 'dist/gateway/main.js')

function explain(words: readonly string[], input = '') {
  const ran = spawnSync(process.execPath, [bin, 'explain', ...words], { encoding: 'utf8', timeout: 60_000, input })
  return { code: ran.status, out: ran.stdout, err: ran.stderr }
}

t.test('a text is explained step by step, with the example city where none is named', (t) => {
  const { code, out } = explain(['张三#文昌中路120号#井盖没了'])
  t.equal(code, 0)
  t.match(out, /# text\n张三#/)
  t.match(out, /# grammar\nname: 张三\naddress: 文昌中路120号\ncontent: 井盖没了/)
  t.match(
    out,
    /# place\n[\s\S]*0\.96 文昌中路120号 \(road-number\) 32\.\d{6}, 119\.\d{6} ± 20 m, grid 990101\d{8}\ncertain/,
  )
  t.match(out, /# category, cjt214_2007\n[\s\S]*井盖/)
  t.match(explain(['采莲街12号', '井盖没了']).out, /# text\n采莲街12号 井盖没了\n/, 'without quotes')
  t.match(
    explain(['井盖没了', '--scheme', 'gbt47678_5_2026']).out,
    /# place\nno place[\s\S]*# category, gbt47678_5_2026/,
  )
  t.end()
})

t.test('lines of texts are answered in order, other keys kept, bad lines named, and then the exit code is 1', (t) => {
  const given = [
    JSON.stringify({ id: 7, text: '采莲街12号路灯不亮', nested: { kept: true } }),
    'no json',
    '',
    '["a list"]',
    JSON.stringify({ id: 8, words: '路灯' }),
    JSON.stringify({ text: '谢谢' }),
  ]
  const { code, out } = explain(['--jsonl', '--scheme', 'cjt214_2007'], `${given.join('\r\n')}\n`)
  t.equal(code, 1)
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.equal(lines.length, given.length)
  const [lamp, noJson, empty, list, noText, thanks] = lines
  t.match(lamp, { id: 7, nested: { kept: true } })
  t.match(lamp.place, { certain: true })
  t.same(Object.keys(lamp.place.candidates[0]), [
    ...['name', 'how', 'latitude', 'longitude', 'accuracyM', 'grid', 'confidence', 'because'],
  ])
  t.match(lamp.place.candidates[0], { name: '采莲街12号', how: 'road-number', grid: '99010300300602' })
  t.match(lamp.category.candidates[0], { kind: 'component', code: '0118', name: '路灯' })
  t.same(Object.keys(lamp.category.candidates[0]), ['kind', 'code', 'name', 'confidence', 'because'])
  for (const bad of [noJson, empty, list]) t.same(Object.keys(bad), ['error'])
  t.match(noText, { id: 8, error: /text/ })
  t.match(thanks, { category: { candidates: [], certain: false }, place: { candidates: [], certain: false } })
  t.equal(explain(['--jsonl'], '{"text":"采莲街12号"}\n').code, 0)
  t.same(explain(['--jsonl'], ''), { code: 0, out: '', err: '' })
  t.end()
})

t.test('a line is answered before the next one is written', async (t) => {
  const child = spawn(process.execPath, [bin, 'explain', '--jsonl'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  for (const id of [1, 2]) {
    child.stdin.write(`${JSON.stringify({ id, text: '采莲街12号' })}\n`)
    t.match(JSON.parse((await answers.next()).value ?? '{}'), { id, place: { certain: true } })
  }
  child.stdin.end()
  t.same(await once(child, 'exit'), [0, null])
})

t.test('a reader that goes away ends it quietly', async (t) => {
  const child = spawn(process.execPath, [bin, 'explain', '--jsonl'], { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString('utf8')
  })
  child.stdin.on('error', () => {})
  child.stdout.once('data', () => child.stdout.destroy())
  const exited = once(child, 'exit')
  for (let i = 0; i < 20_000; i++) child.stdin.write(`${JSON.stringify({ text: '采莲街12号路灯不亮' })}\n`)
  child.stdin.end()
  await exited
  t.equal(complaint, '')
})

t.test('the city is the example, a folder, or the one of a configuration, and no data folder is made', async (t) => {
  const folder = writeCity(t, smallFiles())
  t.match(explain(['春园小区3幢', '--city', folder]).out, /春园小区3幢 \(building\)/)
  t.match(explain(['兰溪小区3幢', '--city', folder]).out, /no place that the city knows/)
  const site = temporaryFolder(t)
  const file = join(site, 'site.yaml')
  await writeFile(file, `name: s\ndata: ${join(site, 'data')}\ncity: ${folder}\nadapters: []\ndestinations: []\n`)
  t.match(explain(['春园小区3幢', '--config', file]), { code: 0, out: /春园小区3幢 \(building\)/ })
  t.notOk(existsSync(join(site, 'data')))
  t.match(explain(['春园小区3幢', '--city', site]), { code: 78, err: /manifest\.json/ })
  t.match(explain(['春园小区3幢', '--config', join(site, 'none.yaml')]), { code: 78, err: /no such file/ })
})

t.test('wrong words are a usage error that says what is right', (t) => {
  t.match(explain(['路灯', '--scheme', 'cjt214_1999']), { code: 64, err: /cjt214_2007, gbt47678_5_2026/ })
  t.match(explain([]), { code: 64, err: /^usage: chengguan-gateway explain/ })
  t.match(explain(['--jsonl', '路灯']), { code: 64, err: /^usage/ })
  t.match(explain(['config/minimal.yaml']), { code: 64, err: /<message id>/ })
  t.match(explain(['路灯', '--city', exampleCityFolder, '--config', 'x.yaml']), { code: 64, err: /^usage/ })
  t.match(explain(['路灯', '--verbose']), { code: 64, err: /Unknown option/ })
  t.match(explain(['a.yaml', 'id']), { code: 78, err: /no such file/ })
  t.end()
})
