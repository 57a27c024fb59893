import { join } from 'node:path'
import t from 'tap'
import { loadCity } from '../gateway/city/load-city.ts'
import { packageRoot } from '../gateway/package-root.ts'
import type { CallFormReport } from '../gateway/report.ts'
import { caller, callForm } from './call-stage.ts'
import { gps, morning, Stage } from './triage-stage.ts'

const { city } = await loadCity(join(packageRoot, 'config/city-example'))
if (city === null) throw new Error('the example city does not load')
const example = city

const words = '采莲街12号门口路灯不亮'
const read = (more: Partial<CallFormReport>) =>
  new Stage({}, example).take(morning, callForm('c', { caller, ...more })).intents[0]
const reasons = (more: Partial<CallFormReport>) => read(more)?.remarks.map(({ reason }) => reason)

t.test('the text of a form is understood as a text is', async (t) => {
  t.match(read({ text: words, seat: '8001', number: 'F-1', name: '王女士' }), {
    ...{ purpose: 'report', source: 'citizen', kind: 'component', number: 'F-1', text: words, address: '采莲街12号' },
    category: { code: '0118', zh: '路灯' },
    location: { foundBy: 'address', grid: '99010300300602' },
    reporter: { kind: 'citizen', id: caller, name: '王女士' },
    call: { exchange: 'pbx', id: 'c', seat: '8001' },
    queryNumber: /^\d{9}$/,
    remarks: [],
  })
})

t.test('the category that a seat chose holds over the words, and where they differ a remark says so', async (t) => {
  const chosen = { scheme: null, code: '0101', words: null }
  t.match(read({ text: words, caseKind: 'component', category: chosen }), { category: { code: '0101' } })
  t.strictSame(reasons({ text: words, caseKind: 'component', category: chosen }), ['category-contradicts'])
  t.strictSame(reasons({ text: words, caseKind: 'component', category: { ...chosen, code: '0118' } }), [])
  const unknown = read({ text: words, caseKind: 'component', category: { ...chosen, code: '9999' } })
  t.match(unknown, { category: { code: '0118' }, remarks: [{ reason: 'category-not-known', detail: /9999/ }] })
  t.match(read({ text: '你好', caseKind: 'component' }), { kind: 'component', category: { code: null } })
})

t.test('an address, a component and a point on the map hold over the place in the words, the point most', async (t) => {
  const component = example.component('9901010101000001')
  const centre = component === null ? null : example.gridCentre(component.grid)
  if (component === null || centre === null) throw new Error('the example city has no such component')
  t.match(read({ text: '路灯不亮', address: '采莲街12号' }), {
    location: { foundBy: 'address', grid: '99010300300602' },
    address: '采莲街12号',
    place: { certain: true },
  })
  const byComponent = { text: words, componentId: component.id }
  t.match(read(byComponent), {
    location: { foundBy: 'component', grid: component.grid },
    component: { id: component.id },
  })
  t.ok(reasons(byComponent)?.includes('place-contradicts'))
  t.strictSame(reasons({ componentId: 'nothing' }), ['unknown-component', 'category-not-known'])
  t.match(read({ ...byComponent, place: gps(centre) }), { location: { foundBy: 'gps', grid: component.grid } })
  const nowhere = read({ text: words, place: gps({ latitude: 95, longitude: 0 }) })
  t.match(nowhere, { location: { foundBy: 'address' } })
  t.ok((nowhere?.remarks.length ?? 0) > 0, 'a point that is none is said')
})

t.test('who calls may be a collector or a leader, and a call without a number is of the call', async (t) => {
  t.match(read({ caller: 'tel:+8610003000001', text: words }), {
    source: 'leader',
    reporter: { kind: 'leader', id: 'l-01', name: '杨思远' },
  })
  const withheld = new Stage({}, example).take(morning, callForm('c', { text: words })).intents[0]
  t.match(withheld, { reporter: { kind: 'citizen', id: 'call:pbx/c' } })
})

t.test('a seat may say that it is urgent, and an emergency stays one', async (t) => {
  t.equal(read({ text: words, urgent: true })?.urgency, 'urgent')
  t.equal(read({ text: '采莲街12号门口路面塌陷', urgent: true })?.urgency, 'emergency')
  t.equal(read({ text: words, urgent: false })?.urgency, 'normal')
})

t.test('an empty form is an intent, too', async (t) => {
  t.match(read({}), { text: null, category: { code: null }, location: null })
})
