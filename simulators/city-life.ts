import type { PlacePayload, ReportPayload } from '../adapters/mqtt/codec.ts'
import type { City, Point, Subject } from '../gateway/city/city.ts'

/** What people and vehicles of a city do all day, made of its own base data; the same random numbers make the same day. */

const metresPerDegree = 111_320

/** Points along a line and back again for ever, about `stepM` metres apart. */
export function* along(line: readonly Point[], stepM: number): Generator<Point> {
  const loop = [...line, ...line.toReversed().slice(1)]
  for (;;) {
    for (const [i, from] of loop.entries()) {
      const to = loop[i + 1] ?? from
      const steps = Math.max(1, Math.round(apartM(from, to) / stepM))
      for (let step = 0; step < steps; step++) yield between(from, to, step / steps)
    }
  }
}

function between(from: Point, to: Point, share: number): Point {
  return {
    latitude: from.latitude + (to.latitude - from.latitude) * share,
    longitude: from.longitude + (to.longitude - from.longitude) * share,
  }
}

function apartM(a: Point, b: Point): number {
  const y = (a.latitude - b.latitude) * metresPerDegree
  const x = (a.longitude - b.longitude) * metresPerDegree * Math.cos((a.latitude * Math.PI) / 180)
  return Math.hypot(x, y)
}

/** A collector's beat: the middles of the unit grids that are theirs, one after the other. */
export function beatOf(collector: Subject, city: City): Point[] {
  return collector.workGrids.flatMap((grid) => city.gridCentre(grid) ?? [])
}

/** A fix as a handheld's receiver gives it: some metres beside the truth. */
export function fixAt(place: Point, random: () => number): PlacePayload {
  const accuracyM = Math.round(4 + random() * 12)
  const wander = () => ((random() - 0.5) * accuracyM) / metresPerDegree
  const degrees = (value: number) => Math.round((value + wander()) * 1e6) / 1e6
  return { lat: degrees(place.latitude), lon: degrees(place.longitude), accuracyM, valid: true }
}

interface Sight {
  readonly kind: 'component' | 'event'
  readonly words: string
  readonly text: string
}

const sights: readonly Sight[] = [
  { kind: 'component', words: '雨水井盖', text: '路口雨水井盖丢了，已放警示标' },
  { kind: 'component', words: '路灯不亮', text: '连续三盏路灯不亮' },
  { kind: 'event', words: '占道经营', text: '人行道上有流动摊点' },
  { kind: 'event', words: '小广告', text: '墙面有大量小广告' },
  { kind: 'event', words: '暴露垃圾', text: '路边垃圾堆放' },
  { kind: 'event', words: '乱停车', text: '非机动车乱停放，挡住盲道' },
]

/** What a collector reports at a place; one in fifty is an SOS. Seed's mix: a fifth components, the rest events. */
export function reportAt(place: Point, random: () => number): ReportPayload {
  const here = fixAt(place, random)
  if (random() < 0.02) return { kind: 'sos', text: '请求支援', place: here }
  const kind = random() < 0.206 ? 'component' : 'event'
  const choices = sights.filter((sight) => sight.kind === kind)
  const sight = choices[Math.floor(random() * choices.length)]
  if (sight === undefined) throw new Error(`nothing to report of kind ${kind}`)
  return { kind, category: { words: sight.words }, text: sight.text, place: here }
}
