import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { City } from '../gateway/city/city.ts'
import { sha256 } from '../gateway/city/folder.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { geoJson, padded, table } from '../scripts/example-city/files.ts'
import { layOut, place } from '../scripts/example-city/layout.ts'
import { gridsByPlan } from '../scripts/example-city/old-town.ts'
import { Random } from '../scripts/example-city/random.ts'
import { generateCity } from '../scripts/generate-city.ts'

const housesPerRoad = 100
const first = [
  ...'文武春秋东西青红金银龙凤江海湖山松柏梅兰竹菊荷桂枫杨柳桃李杏梨云雨风雪星月日光明华中建国泰安康宁福寿喜庆',
]
const second = [
  ...'昌兴盛荣宁安平和顺达通运祥瑞丰裕泰康乐欣悦怡雅清秀丽景园庭苑桥溪港湾塘池洲滩岭峰谷源泉林森田野村店门关',
]

export interface BigCity {
  readonly city: City
  readonly roads: readonly string[]
  /** Of processor time: reading, checking and indexing. */
  readonly loadMs: number
}

/** The example city with so many roads more, a hundred houses on each, loaded from a folder as any city is. */
export async function bigCity(roadCount: number): Promise<BigCity> {
  const roads = roadNames(roadCount)
  const gridAt = gridsByPlan(layOut(new Random(12_319)))
  const random = new Random(7)
  const lines = roads.map((_, i) => {
    const length = random.integer(8, 30)
    const [x, y] = [random.between(0.2, 83 - length), random.between(0.2, 62 - length)]
    return i % 2 === 0 ? { x1: x, y1: y, x2: x + length, y2: y + 0.7 } : { x1: x, y1: y, x2: x - 0.1, y2: y + length }
  })
  const features = roads.map((name, i) => {
    const { x1, y1, x2, y2 } = lines[i] ?? { x1: 0, y1: 0, x2: 1, y2: 1 }
    const steps = Array.from({ length: 8 }, (_, k) => place(x1 + ((x2 - x1) * k) / 7, y1 + ((y2 - y1) * k) / 7))
    return { properties: { name, aliases: '' }, geometry: { type: 'LineString' as const, coordinates: steps } }
  })
  const rows = roads.flatMap((name, i) => {
    const { x1, y1, x2, y2 } = lines[i] ?? { x1: 0, y1: 0, x2: 1, y2: 1 }
    return Array.from({ length: housesPerRoad }, (_, k) => {
      const [x, y] = [
        x1 + ((x2 - x1) * k) / housesPerRoad,
        y1 + ((y2 - y1) * k) / housesPerRoad + (k % 2 === 0 ? 0.1 : -0.1),
      ]
      const [longitude, latitude] = place(x, y)
      const id = `b-${padded(i * housesPerRoad + k, 6)}`
      return { id, text: `${name}${k + 1}号`, latitude, longitude, grid: gridAt(x, y) ?? '99010100100101' }
    })
  })
  const folder = mkdtempSync(join(tmpdir(), 'bench-city-'))
  try {
    const files = new Map(generateCity())
    files.set('more-roads.geojson', geoJson(features))
    files.set('more-addresses.csv', table(rows))
    const manifest = JSON.parse(files.get('manifest.json') ?? '{}') as { files: object[] }
    for (const [kind, path] of [
      ['roads', 'more-roads.geojson'],
      ['addresses', 'more-addresses.csv'],
    ] as const) {
      manifest.files.push({ kind, path, sha256: sha256(files.get(path) ?? '') })
    }
    files.set('manifest.json', JSON.stringify(manifest))
    for (const [name, content] of files) writeFileSync(join(folder, name), content)
    const start = process.cpuUsage()
    const { city, problems } = await loadCity(folder)
    if (city === null) throw new Error(JSON.stringify(problems.slice(0, 3)))
    const { user, system } = process.cpuUsage(start)
    return { city, roads, loadMs: (user + system) / 1000 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function roadNames(count: number): string[] {
  const suffixes = ['路', '街', '巷', '大道']
  return Array.from({ length: count }, (_, i) => {
    const [a, b] = [first[i % first.length], second[Math.floor(i / first.length) % second.length]]
    return `${a}${b}${suffixes[i % suffixes.length]}`
  })
}
