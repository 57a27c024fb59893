import type { NamedPlace } from './gazetteer.ts'

/** Last words that people leave out, or say otherwise, in every city alike; what only one city says is its alias. */
const roadWord = /(大道|大街|胡同|公路|路|街|巷|弄)$/
const compoundWord = /(小区|花园|新村|公寓|家园|花苑)$/
const said: readonly (readonly [RegExp, readonly string[]])[] = [
  [/菜市场$/, ['菜场', '农贸市场']],
  [/农贸市场$/, ['菜场', '菜市场']],
  [/汽车站$/, ['车站', '客运站']],
  [/派出所$/, ['公安派出所']],
]

export function otherNames(place: NamedPlace['place']): {
  readonly alias: readonly string[]
  readonly short: readonly string[]
} {
  const { name } = place
  if (place.kind === 'road') return { alias: [], short: without(name, roadWord) }
  if (place.kind === 'compound') return { alias: [], short: without(name, compoundWord) }
  if (place.kind === 'landmark') {
    return {
      alias: said.flatMap(([word, others]) => (word.test(name) ? others.map((o) => name.replace(word, o)) : [])),
      short: [],
    }
  }
  const [stem = ''] = without(name, /(社区|街道|居委会|镇|乡|区|县)$/)
  if (stem === '') return { alias: [], short: [] }
  if (place.level === 'community') {
    return { alias: [`${name}居委会`, `${stem}居委会`, `${stem}居民委员会`], short: [stem] }
  }
  if (place.level === 'street')
    return { alias: [`${name}办事处`, `${name}办`, `${stem}街办`, `${stem}办事处`], short: [stem] }
  return { alias: [], short: [stem] }
}

function without(name: string, word: RegExp): string[] {
  const stem = name.replace(word, '')
  return stem === name || stem.length < 2 ? [] : [stem]
}
