import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sha256 } from '../gateway/city/folder.ts'
import { type FileKind, manifestName } from '../gateway/city/manifest.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { equip } from './example-city/equipment.ts'
import { layOut } from './example-city/layout.ts'
import { employ } from './example-city/people.ts'
import { name } from './example-city/places.ts'
import { Random } from './example-city/random.ts'

/** The invented city that comes with the gateway. */
export const exampleCityFolder = join(packageRoot, 'config', 'city-example')

/** Facts and the city's own words: kept by hand in the folder, everything else is generated around them. */
const keptByHand = [
  'category-schemes.csv',
  'categories-cjt214_2007.csv',
  'categories-gbt47678_5_2026.csv',
  'category-concepts.csv',
  'category-words.csv',
  'category-words-examples.csv',
  'emergency-categories.csv',
  'alarm-rules.csv',
  'departments.csv',
  'message-templates.csv',
]

/** Every file of the example city by name, the same bytes at every call. */
export function generateCity(): ReadonlyMap<string, string> {
  const random = new Random(12_319)
  const layout = layOut(random)
  const files = new Map([
    ...layout.files,
    ...keptByHand.map((name) => [name, readFileSync(join(exampleCityFolder, name), 'utf8')] as const),
    ...employ(random, layout),
    ...equip(random, layout),
    ...name(random, layout),
  ])
  return new Map([...files, [manifestName, manifest(files)]])
}

function manifest(files: ReadonlyMap<string, string>): string {
  const head = {
    name: '芦洲市（虚构示例）',
    version: '2026.11.2',
    about: 'An invented city. No place, person, number or device in it exists; category tables are second-hand facts.',
    timeZone: 'Asia/Shanghai',
    gridScheme: 'cjt213_2005',
    defaultScheme: 'cjt214_2007',
  }
  const entries = [...files].map(([path, content]) => ({ kind: kindOf(path), path, sha256: sha256(content) }))
  return `${JSON.stringify({ ...head, files: entries }, null, 2)}\n`
}

function kindOf(path: string): FileKind {
  const stem = path.replace(/\.[a-z]+$/, '')
  const kind = ['categories', 'category-words'].find((one) => stem.startsWith(`${one}-`))
  return (kind ?? stem) as FileKind
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  mkdirSync(exampleCityFolder, { recursive: true })
  for (const [name, content] of generateCity()) writeFileSync(join(exampleCityFolder, name), content)
}
