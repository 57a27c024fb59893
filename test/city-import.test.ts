import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { type CityHolder, openCity } from '../gateway/city/holder.ts'
import { CityRefused, currentVersion, importCity } from '../gateway/city/import.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { compareVersions } from '../gateway/city/versions.ts'
import { append, editLine, type Files, smallFiles, temporaryFolder, writeCity } from './city-fixture.ts'

/** The small example with another version, name or more. */
function cityOf(t: Test, version: string, change: (files: Files) => void = () => {}): string {
  const files = smallFiles()
  if (version !== '2026.11.2') editLine(files, 'manifest.json', 3, (line) => line.replace('2026.11.2', version))
  change(files)
  return writeCity(t, files)
}

const broken = (files: Files) => editLine(files, 'vehicles.csv', 2, (line) => line.replace('r-001', 'r-999'))

/** A log that is a list of its messages, each with its level before it. */
function listeningLog() {
  const lines: string[] = []
  const write = (text: string) => {
    const { level, msg } = JSON.parse(text)
    lines.push(`${pino.levels.labels[level]}: ${msg}`)
  }
  return { log: pino({ level: 'debug' }, { write }), lines }
}

/** Opens with a watch that looks only when the test says so. */
async function openWatched(t: Test, data: string, configured: string) {
  const { log, lines } = listeningLog()
  let look = () => {}
  let watching = true
  const holder = await openCity(data, configured, log, (each) => {
    look = each
    return () => {
      watching = false
    }
  })
  t.teardown(() => holder.stop())
  // A reload waits for the looks before it.
  const looked = async (times = 1) => {
    for (let i = 0; i < times; i++) look()
    await settled(holder)
  }
  return { holder, lines, looked, watching: () => watching }
}

/** `look` is queued; the microtasks and file reads before an answer are waited for by asking once more. */
async function settled(holder: CityHolder): Promise<void> {
  await holder.reload()
}

t.test('the first start imports the configured city, and a later one needs it no more', async (t) => {
  const data = temporaryFolder(t)
  const { holder } = await openWatched(t, data, cityOf(t, '2026.11.2'))
  t.equal(holder.current().version, '2026.11.2')
  t.equal(readFileSync(join(data, 'city', 'current'), 'utf8'), '2026.11.2\n')
  const again = await openWatched(t, data, join(data, 'nowhere'))
  t.equal(again.holder.current().version, '2026.11.2')
  t.same(again.lines, ['error: configured city refused, the imported one stays'])
})

t.test('a first start with a broken city is refused with every problem, and leaves nothing behind', async (t) => {
  const data = temporaryFolder(t)
  const folder = cityOf(t, '2026.11.2', (files) => {
    broken(files)
    append(files, 'streets.csv', '990199001,无区街道')
  })
  const { log } = listeningLog()
  const refused = await openCity(data, folder, log).catch((error: unknown) => error)
  t.ok(refused instanceof CityRefused)
  t.match(refused, {
    code: 'CITY_INVALID',
    problems: [
      { file: 'streets.csv', line: 18 },
      { file: 'vehicles.csv', line: 2 },
    ],
  })
  t.match(String(refused), /has 2 problems\nstreets\.csv:18: .*\nvehicles\.csv:2: /)
  t.notOk(existsSync(join(data, 'city')))
})

t.test('an imported city is the folder byte for byte, without what its manifest does not name', async (t) => {
  const data = temporaryFolder(t)
  const source = cityOf(t, '2026.11.2')
  writeFileSync(join(source, 'notes.txt'), 'not part of it')
  const city = await importCity(source, data)
  t.equal(city.version, '2026.11.2')
  const target = join(data, 'city', '2026.11.2')
  const names = readdirSync(source).filter((name) => name !== 'notes.txt')
  t.same(readdirSync(target).sort(), names.sort())
  for (const name of names) t.ok(readFileSync(join(target, name)).equals(readFileSync(join(source, name))), name)
  t.same(readdirSync(join(data, 'city')).sort(), ['2026.11.2', 'current'], 'no draft is left')
})

t.test('a broken city is not imported and the current one is not touched', async (t) => {
  const data = temporaryFolder(t)
  await importCity(cityOf(t, '2026.11.2'), data)
  const before = statSync(join(data, 'city', 'current'), { bigint: true })
  await t.rejects(importCity(cityOf(t, '2026.12.1', broken), data), {
    code: 'CITY_INVALID',
    message: /vehicles\.csv:2/,
  })
  const after = statSync(join(data, 'city', 'current'), { bigint: true })
  t.equal(after.ino, before.ino)
  t.equal(after.mtimeNs, before.mtimeNs)
  t.same(readdirSync(join(data, 'city')).sort(), ['2026.11.2', 'current'])
})

t.test(
  'the same version with other content is refused with words; with the same content it is current again',
  async (t) => {
    const data = temporaryFolder(t)
    const first = cityOf(t, '2026.11.2')
    await importCity(first, data)
    const other = cityOf(t, '2026.11.2', (files) => append(files, 'leaders.csv', 'l-07,甲,,wgs84'))
    await t.rejects(importCity(other, data), {
      code: 'CITY_INVALID',
      message: /2026\.11\.2 was imported before with other content/,
    })
    await importCity(cityOf(t, '2026.12.1'), data)
    t.equal(await currentVersion(data), '2026.12.1')
    await importCity(first, data)
    t.equal(await currentVersion(data), '2026.11.2', 'an older version may be switched back to')
  },
)

t.test('importing again mends a damaged copy', async (t) => {
  const data = temporaryFolder(t)
  const source = cityOf(t, '2026.11.2')
  await importCity(source, data)
  const copy = join(data, 'city', '2026.11.2')
  writeFileSync(join(copy, 'grids.geojson'), 'torn')
  await importCity(source, data)
  t.same((await loadCity(copy)).problems, [])
})

t.test('whoever looks while a city is switched finds the old one or the new one, whole', async (t) => {
  const data = temporaryFolder(t)
  await importCity(cityOf(t, '2026.11.2'), data)
  const seen = new Set<string | null>()
  const incomplete: string[] = []
  const whole = smallFiles().size
  const state = { done: false }
  const switching = importCity(cityOf(t, '2026.12.1'), data).finally(() => {
    state.done = true
  })
  while (!state.done) {
    const version = await currentVersion(data)
    seen.add(version)
    const names = readdirSync(join(data, 'city', version ?? ''))
    if (names.length !== whole) incomplete.push(`${version}: ${names.length}`)
  }
  await switching
  seen.add(await currentVersion(data))
  t.same([...seen], ['2026.11.2', '2026.12.1'])
  t.same(incomplete, [])
})

t.test(
  'what a crash in the middle of an import leaves disturbs neither the next start nor the next import',
  async (t) => {
    const data = temporaryFolder(t)
    const source = cityOf(t, '2026.11.2')
    await importCity(source, data)
    mkdirSync(join(data, 'city', '.importing-x'))
    writeFileSync(join(data, 'city', '.importing-x', 'grids.geojson'), '{"type":')
    writeFileSync(join(data, 'city', 'current.x'), '20')
    const { holder, lines } = await openWatched(t, data, source)
    t.equal(holder.current().version, '2026.11.2')
    t.same(lines, [])
    await importCity(cityOf(t, '2026.12.1'), data)
    t.equal(await currentVersion(data), '2026.12.1')
  },
)

t.test('a running gateway follows a switch, and work begun with the old city keeps it', async (t) => {
  const data = temporaryFolder(t)
  const { holder, lines, looked } = await openWatched(t, data, cityOf(t, '2026.11.2'))
  const old = holder.current()
  await looked()
  t.equal(holder.current(), old, 'nothing happened yet')
  await importCity(
    cityOf(t, '2026.12.1', (files) => append(files, 'leaders.csv', 'l-07,甲,,wgs84')),
    data,
  )
  await looked(3)
  t.equal(holder.current().version, '2026.12.1')
  t.equal(holder.current().subject('l-07')?.name, '甲')
  t.equal(old.subject('l-07'), null)
  t.same(lines, ['info: city switched'])
})

t.test('a new city that is broken is logged once and the old one stays, until a good one comes', async (t) => {
  const data = temporaryFolder(t)
  const { log, lines } = listeningLog()
  const looks: (() => void)[] = []
  const holder = await openCity(data, cityOf(t, '2026.11.2'), log, (look) => {
    looks.push(look)
    return () => {}
  })
  await importCity(cityOf(t, '2026.12.1'), data)
  writeFileSync(join(data, 'city', '2026.12.1', 'streets.csv'), 'code,name\n')
  for (let i = 0; i < 3; i++) looks[0]?.()
  while (lines.length === 0) await new Promise((resolve) => setImmediate(resolve))
  t.equal(holder.current().version, '2026.11.2')
  await importCity(cityOf(t, '2026.12.2'), data)
  await holder.reload()
  t.equal(holder.current().version, '2026.12.2')
  t.same(lines, ['error: new city refused, the old one stays', 'info: city switched'])
  holder.stop()
})

t.test('a current file that is gone or names nothing usable keeps the city in force', async (t) => {
  const data = temporaryFolder(t)
  const { holder, lines } = await openWatched(t, data, cityOf(t, '2026.11.2'))
  for (const content of ['../../etc\n', '', '2099.1\n']) {
    writeFileSync(join(data, 'city', 'current'), content)
    await holder.reload()
    t.equal(holder.current().version, '2026.11.2')
  }
  t.same(lines, Array(3).fill('error: new city refused, the old one stays'))
})

t.test(
  'at a start a newer version of the same city is imported; older, changed, broken or other ones are not',
  async (t) => {
    const configured = [
      {
        folder: cityOf(t, '2026.9.1'),
        version: '2026.11.2',
        says: 'info: configured city is older, the imported one stays',
      },
      {
        folder: cityOf(t, '2026.11.2', (files) => append(files, 'leaders.csv', 'l-07,甲,,wgs84')),
        version: '2026.11.2',
        says: 'warn: configured city was changed without a new version, the imported one stays',
      },
      {
        folder: cityOf(t, '2026.12.1', broken),
        version: '2026.11.2',
        says: 'error: configured city refused, the imported one stays',
      },
      {
        folder: cityOf(t, '2027.1', (files) =>
          editLine(files, 'manifest.json', 2, (line) => line.replace('芦洲市', '苇洲市')),
        ),
        version: '2026.11.2',
        says: 'warn: configured folder is another city, the imported one stays',
      },
      { folder: cityOf(t, '2026.12.1'), version: '2026.12.1', says: 'info: city imported' },
    ]
    const data = temporaryFolder(t)
    await importCity(cityOf(t, '2026.11.2'), data)
    for (const { folder, version, says } of configured) {
      const { holder, lines } = await openWatched(t, data, folder)
      t.equal(holder.current().version, version, says)
      t.same(lines, [says])
      t.equal(await currentVersion(data), version)
    }
  },
)

t.test('an imported city that was damaged is mended from the configured folder, or the start is refused', async (t) => {
  const data = temporaryFolder(t)
  const source = cityOf(t, '2026.11.2')
  await importCity(source, data)
  writeFileSync(join(data, 'city', '2026.11.2', 'grids.geojson'), 'torn')
  const { holder, lines } = await openWatched(t, data, source)
  t.equal(holder.current().version, '2026.11.2')
  t.same(lines, ['error: imported city cannot be used, trying the configured one'])
  writeFileSync(join(data, 'city', '2026.11.2', 'grids.geojson'), 'torn')
  const { log } = listeningLog()
  await t.rejects(openCity(data, cityOf(t, '2026.11.2', broken), log), { code: 'CITY_INVALID' })
})

t.test('stopping ends the watch, and may be done twice', async (t) => {
  const { holder, watching } = await openWatched(t, temporaryFolder(t), cityOf(t, '2026.11.2'))
  t.equal(watching(), true)
  holder.stop()
  holder.stop()
  t.equal(watching(), false)
})

t.test('versions are compared number by number', (t) => {
  const ordered = ['2026', '2026.9', '2026.9.1', '2026.11', '2026.11.2', '2026.11.b', '2026.11.2-2', '2027.1']
  const sorted = ['2027.1', '2026.11.2', '2026.9', '2026.11', '2026', '2026.9.1'].sort(compareVersions)
  t.same(
    sorted,
    ordered.filter((version) => sorted.includes(version)),
  )
  t.equal(compareVersions('2026.11.2', '2026.11.2'), 0)
  t.end()
})
