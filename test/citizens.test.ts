import t from 'tap'
import type { CategoryReading, PlaceReading } from '../gateway/case-intent.ts'
import { loadCity } from '../gateway/city/load-city.ts'
import { understandText } from '../gateway/triage/text/understand-text.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'
import { categoryIsRight, type Label, placeIsRight, placeMisleads, readLabels } from './citizens-labels.ts'

/**
 * The project's promise on texts, held on the half that nobody tunes on. The figures go down or up with the code; the
 * thresholds and the labels stay (test/citizens/README.md).
 */

const { city } = await loadCity(exampleCityFolder)
if (city === null) throw new Error('the example city does not load')
const current = city

interface Read {
  readonly label: Label
  readonly category: CategoryReading
  readonly place: PlaceReading
}

function read(half: 'tune' | 'report' | 'fresh', scheme: string): Read[] {
  return readLabels(half).map((label) => ({ label, ...understandText(current, label.text, scheme) }))
}

interface Share {
  readonly part: number
  readonly of: number
}

const percent = ({ part, of }: Share) => (100 * part) / of
const say = (share: Share) => `${percent(share).toFixed(1)} % (${share.part} of ${share.of})`

function share(reads: readonly Read[], holds: (read: Read) => boolean): Share {
  return { part: reads.filter(holds).length, of: reads.length }
}

function figures(reads: readonly Read[], scheme: string) {
  const placed = reads.filter(({ label }) => label.place !== null)
  return {
    category: share(reads, ({ label, category }) => categoryIsRight(label, scheme, category)),
    grid: share(placed, ({ label, place }) => placeIsRight(label, place)),
    // Whatever the messages name: 'certain' is what a reader would act on without asking.
    categoryMisleads: share(
      reads,
      ({ label, category }) => category.certain && !categoryIsRight(label, scheme, category),
    ),
    placeMisleads: share(reads, ({ label, place }) => placeMisleads(label, place)),
    categoryCertain: share(reads, ({ category }) => category.certain),
    placeCertain: share(placed, ({ place }) => place.certain),
  }
}

for (const scheme of ['cjt214_2007', 'gbt47678_5_2026']) {
  for (const half of ['tune', 'report'] as const) {
    const found = figures(read(half, scheme), scheme)
    const said = Object.entries(found).map(([what, each]) => `${what} ${say(each)}`)
    t.comment(`${half}, ${scheme}: ${said.join(', ')}`)
  }
}

const fresh = figures(read('fresh', 'cjt214_2007'), 'cjt214_2007')
t.comment(`fresh, cjt214_2007: category ${say(fresh.category)}, misleads ${say(fresh.categoryMisleads)}`)

const promised = figures(read('report', 'cjt214_2007'), 'cjt214_2007')

t.test('the category is right at 90 %', async (t) => {
  t.ok(percent(promised.category) >= 90, say(promised.category))
})

t.test('the unit grid is right at 85 % of those that name a place', async (t) => {
  t.ok(percent(promised.grid) >= 85, say(promised.grid))
})

t.test('a wrong category or place is given as certain in under 2 %', async (t) => {
  t.ok(percent(promised.categoryMisleads) < 2, `category ${say(promised.categoryMisleads)}`)
  t.ok(percent(promised.placeMisleads) < 2, `place ${say(promised.placeMisleads)}`)
})
