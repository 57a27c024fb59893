import t from 'tap'
import { loadCity } from '../gateway/city/load-city.ts'
import { readCategory } from '../gateway/triage/text/read-category.ts'
import { exampleCityFolder } from '../scripts/generate-city.ts'
import { sentences } from './category-sentences.ts'

const { city: loaded } = await loadCity(exampleCityFolder)
if (loaded === null) throw new Error('the example city does not load')
const city = loaded

const old = 'cjt214_2007'
const current = 'gbt47678_5_2026'

/** Each sentence with the category it should be read as; of the current edition the kind is not told apart. */
function ask(scheme: typeof old | typeof current): { readonly text: string; readonly wanted: string }[] {
  return sentences.flatMap(([cjt214, gbt47678, one, other]) => {
    const wanted = scheme === old ? cjt214 : gbt47678
    return wanted === '' ? [] : [one, other].map((text) => ({ text, wanted }))
  })
}

const reached = (scheme: string, text: string) =>
  readCategory(city, text, scheme).candidates.map(({ kind, code }) => (scheme === old ? `${kind} ${code}` : code))

for (const scheme of [old, current] as const) {
  t.test(`every category of ${scheme} is reached by two natural sentences`, async (t) => {
    const reachedBy = new Map<string, number>()
    for (const { text, wanted } of ask(scheme)) {
      const candidates = reached(scheme, text)
      t.ok(candidates.includes(wanted), `${wanted}: ${text}: ${candidates.join(', ')}`)
      reachedBy.set(wanted, (reachedBy.get(wanted) ?? 0) + 1)
    }
    for (const { kind, code, zh } of city.scheme(scheme)?.categories ?? []) {
      const times = reachedBy.get(scheme === old ? `${kind} ${code}` : code) ?? 0
      t.ok(times >= 2, `${kind} ${code} ${zh} is asked for ${times} times`)
    }
  })

  t.test(`nearly all are the first candidate of ${scheme}, and none that is certain is wrong`, async (t) => {
    const asked = ask(scheme)
    const right = asked.filter(({ text, wanted }) => reached(scheme, text)[0] === wanted)
    t.ok(right.length >= asked.length * 0.97, `${right.length} of ${asked.length}`)
    const misled = asked.filter(
      ({ text, wanted }) => readCategory(city, text, scheme).certain && reached(scheme, text)[0] !== wanted,
    )
    t.ok(misled.length <= asked.length * 0.01, misled.map(({ text }) => text).join('\n'))
  })
}
