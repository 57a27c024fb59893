import t from 'tap'
import { addIncidents } from '../gateway/http/incidents.ts'
import { createHttp } from '../gateway/http/server.ts'
import { IncidentSweep } from '../gateway/incidents/sweep.ts'
import { Metrics } from '../gateway/metrics.ts'
import type { AlarmReport, Attachment } from '../gateway/report.ts'
import { incidentGauges } from '../gateway/store/incidents.ts'
import { audit } from '../gateway/store/ledger.ts'
import { keepUp } from '../gateway/store/upkeep.ts'
import type { SubjectMemory } from '../gateway/triage/memory.ts'
import { alarm } from './alarm-stage.ts'
import { forEachDatabase, silent } from './database.ts'
import { IntakeStage } from './intake-stage.ts'

t.setTimeout(280_000)

const vmd = (phase: AlarmReport['phase'], more: Partial<AlarmReport> = {}) => alarm('cam-1', 'VMD', { phase, ...more })
const picture: Attachment = {
  ...{ name: 'p.jpg', mediaType: 'image/jpeg', claimedType: null },
  ...{ content: new Uint8Array([1, 2, 3]), sha256: null, url: null },
}

t.test('incidents', (t) =>
  forEachDatabase(t, async (t, database) => {
    const { pool, prisma } = database
    t.beforeEach(async () => {
      await pool.query('TRUNCATE message, message_key, intent, outbox, errand, tally, device, incident CASCADE')
    })
    const sweepOf = (stage: IntakeStage, aheadS: number) =>
      new IncidentSweep({ desk: stage.desk, log: silent, posted: () => {}, now: () => Date.now() + aheadS * 1000 })
    const events = async () => {
      const rows = await prisma.outbox.findMany({ where: { type: 'incident' }, orderBy: { seq: 'asc' } })
      return rows.map(({ eventId, orderingKey, body }) => {
        const { data } = JSON.parse(body) as { data: { what: string; incidentId: string; flags: string[] } }
        return { eventId, orderingKey, ...data }
      })
    }
    let said = 0
    const say = (stage: IntakeStage, ...reports: AlarmReport[]) => stage.say(`m${++said}`, ...reports)

    await t.test('signals become one incident with a timeline, an intent and its events', async (t) => {
      const stage = await IntakeStage.open(t, database)
      t.equal(await say(stage, vmd('began')), 'stored')
      t.equal(await say(stage, vmd('going-on')), 'filtered')
      t.equal(await say(stage, vmd('ended')), 'stored')
      const [incident] = await prisma.incident.findMany()
      t.match(incident, { subject: 'cam-1', state: 'open', signals: 3, grid: '32100200100133', district: '321002' })
      t.match(await prisma.intent.findMany(), [{ purpose: 'alarm', id: incident?.intentId }])
      const lines = await prisma.incidentEntry.findMany({ orderBy: { seq: 'asc' } })
      t.match(lines, [{ what: 'opened' }, { what: 'case' }, { what: 'signals', signals: 2, phase: 'ended' }])
      t.equal(await sweepOf(stage, 59).look(), 0)
      t.equal(await sweepOf(stage, 61).look(), 1)
      t.match(await prisma.incident.findMany(), [{ state: 'cleared', clearedWhy: 'ended', dueAt: null }])
      t.match(await events(), [{ what: 'opened' }, { what: 'cleared', incidentId: incident?.id }])
      for (const { orderingKey, incidentId } of await events()) t.equal(orderingKey, incidentId)
      t.strictSame((await audit(pool)).faults, [])
    })

    await t.test('a restart in the middle changes nothing', async (t) => {
      const first = await IntakeStage.open(t, database)
      await say(first, vmd('began', { occurrence: 'o1' }))
      await first.intake.stop()
      const second = await IntakeStage.open(t, database)
      await say(second, vmd('going-on', { occurrence: 'o1' }))
      await say(second, vmd('ended', { occurrence: 'o1' }))
      t.match(await prisma.incident.findMany(), [{ signals: 3 }])
      t.equal(await prisma.intent.count(), 1)
    })

    await t.test('two gateways that hear one camera make one incident of it', async (t) => {
      const stages = [
        await IntakeStage.open(t, database, { gateway: 'one' }),
        await IntakeStage.open(t, database, { gateway: 'two' }),
      ]
      for (let round = 0; round < 8; round++)
        await Promise.all(stages.map((stage) => say(stage, vmd('once'), vmd('once'))))
      t.match(await prisma.incident.findMany(), [{ signals: 32 }])
      t.equal(await prisma.intent.count(), 1)
      t.equal((await events()).filter(({ what }) => what === 'opened').length, 1)
      t.strictSame((await audit(pool)).faults, [])
    })

    await t.test('two sweeps and an alarm at one moment: one of them writes, and the next sees it', async (t) => {
      const one = await IntakeStage.open(t, database, { gateway: 'one' })
      const two = await IntakeStage.open(t, database, { gateway: 'two' })
      for (let round = 0; round < 10; round++) {
        await pool.query('TRUNCATE incident, device, outbox, intent CASCADE')
        one.desk.memories.forget(['cam-1'])
        two.desk.memories.forget(['cam-1'])
        await say(one, vmd('once'))
        await Promise.all([sweepOf(one, 61).look(), say(two, vmd('began')), sweepOf(two, 61).look()])
        const incidents = await prisma.incident.findMany({ orderBy: { seq: 'asc' } })
        const cleared = (await events()).filter(({ what }) => what === 'cleared')
        const told = new Set(cleared.map(({ incidentId }) => incidentId))
        t.equal(cleared.length, told.size, 'told once')
        t.equal(cleared.length, incidents.filter(({ state }) => state === 'cleared').length)
        t.equal(await prisma.intent.count(), incidents.length)
        const [device] = await prisma.device.findMany()
        const { alarms } = (device?.memory ?? {}) as unknown as SubjectMemory
        for (const { id, state } of incidents) {
          const remembered = alarms?.incidents.find((each) => each.id === id)
          t.equal(remembered?.cleared === null, state === 'open', 'what is remembered is what is stored')
        }
      }
    })

    await t.test('what goes on becomes a case by time alone, and what is stuck is flagged', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, alarm('cam-1', 'loitering', { phase: 'began' }))
      t.equal(await prisma.intent.count(), 0)
      await sweepOf(stage, 121).look()
      t.match(await prisma.intent.findMany(), [{ purpose: 'alarm', categoryCode: '0501', reporter: 'cam-1' }])
      await say(stage, alarm('level-1', 'high', { of: 'sensor', phase: 'began', detail: { value: '3', unit: 'm' } }))
      await sweepOf(stage, 3601).look()
      t.match(await prisma.incident.findMany({ where: { of: 'sensor' } }), [
        { flags: ['stuck'], state: 'open', value: 3 },
      ])
      t.match(
        (await events()).filter(({ what }) => what === 'flagged'),
        [{ flags: ['stuck'] }],
      )
    })

    await t.test('an incident that its device’s memory has lost is ended, and not looked at for ever', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, vmd('once'))
      await pool.query('DELETE FROM device')
      stage.desk.memories.forget(['cam-1'])
      await sweepOf(stage, 61).look()
      t.match(await prisma.incident.findMany(), [{ state: 'cleared', clearedWhy: 'lost', dueAt: null }])
      t.equal(await sweepOf(stage, 61).look(), 0)
    })

    await t.test('a picture is an errand, and its incident gets it after it is over', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, vmd('once', { snapshot: 'http://192.0.2.1/snap.jpg' }))
      const [incident] = await prisma.incident.findMany()
      const [errand] = await prisma.errand.findMany()
      t.match(errand, { id: incident?.id, adapter: 'tested', subject: 'cam-1' })
      t.equal(Buffer.from(errand?.content ?? []).toString('utf8'), 'http://192.0.2.1/snap.jpg')
      await sweepOf(stage, 61).look()
      stage.desk.memories.forget(['cam-1'])
      await say(stage, alarm('cam-1', 'VMD', { phase: 'going-on', attachments: [picture] }))
      t.match(await prisma.incident.findMany(), [
        { state: 'cleared', attachments: [{ sizeBytes: 3, sha256: /^039058/ }] },
      ])
      t.match(await events(), [
        { what: 'opened' },
        { what: 'cleared' },
        { what: 'picture', attachments: [{ sizeBytes: 3 }] },
      ])
      t.equal(await prisma.intent.count(), 1)
    })

    await t.test(
      'a storm of one category in one district is one case, but for emergencies, until it calms',
      async (t) => {
        const stage = await IntakeStage.open(t, database, { how: { storm: { incidents: 5, withinMs: 600_000 } } })
        for (let i = 0; i < 12; i++) await say(stage, alarm(`x-${i}`, 'VMD', { where: fix }))
        t.equal(await prisma.intent.count(), 5)
        const [head] = await prisma.incident.findMany({ where: { flags: { has: 'storm' } } })
        t.equal(await prisma.incident.count({ where: { mergedInto: head?.id ?? null } }), 7)
        t.equal((await events()).filter(({ what }) => what === 'merged').length, 7)
        await Promise.all(Array.from({ length: 6 }, (_, i) => say(stage, alarm(`y-${i}`, 'VMD', { where: fix }))))
        t.equal(await prisma.intent.count(), 5, 'many in one batch, too')
        await say(stage, alarm('z-1', 'smoke', { where: fix }), alarm('z-2', 'loitering', { where: fix }))
        t.equal(await prisma.intent.count(), 6, 'an emergency')
        // What a storm swallowed is told when it turns into an emergency, and only then.
        await say(stage, alarm('y-1', 'smoke', { where: fix }))
        t.equal(await prisma.intent.count(), 7)
        t.match(await prisma.incident.findMany({ where: { subject: 'y-1' } }), [
          { urgency: 'emergency', mergedInto: null },
        ])
        await pool.query(`UPDATE incident SET case_at = case_at - interval '11 minutes'`)
        await say(stage, alarm('late', 'VMD', { where: fix }))
        t.equal(await prisma.intent.count(), 8)
        t.match(
          (await incidentGauges(pool)).totals.find(({ outcome }) => outcome === 'merged'),
          { n: 13 },
        )
        t.strictSame((await audit(pool)).faults, [])
      },
    )

    await t.test('what the city does not map is kept, counted and no case', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, alarm('cam-1', 'bark'))
      t.equal(await prisma.intent.count(), 0)
      t.equal((await events()).length, 0)
      const { open, totals } = await incidentGauges(pool)
      t.match(totals, [{ outcome: 'unmapped', n: 1 }])
      t.same(open.map(({ flag }) => flag).sort(), ['any', 'unmapped'])
    })

    await t.test('what is taken for another thing is stored as that', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, alarm('cam-1', 'bark', { phase: 'began', occurrence: '7' }))
      await say(stage, alarm('cam-1', 'smoke', { phase: 'going-on', occurrence: '7', part: 'roof' }))
      t.match(await prisma.incident.findMany(), [
        { event: 'smoke', part: 'roof', categoryKind: 'event', categoryScheme: 'cjt214_2007', flags: [] },
      ])
      t.equal(await prisma.intent.count(), 1)
    })

    await t.test('the routes list them and tell each with its timeline', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, vmd('began'), alarm('cam-1', 'bark'), alarm('cam-2', 'smoke'))
      const app = await createHttp({ apiToken: null, log: silent, metrics: new Metrics(), unready: async () => null })
      addIncidents(app, prisma)
      t.teardown(() => app.close())
      const get = async (url: string) => (await app.inject({ url })).json()
      const all = await get('/incidents')
      t.equal(all.incidents.length, 3)
      t.equal((await get(`/incidents?after=${all.next}`)).incidents.length, 0)
      t.match((await get('/incidents?flag=unmapped')).incidents, [{ event: 'bark', intentId: null }])
      t.match((await get('/incidents?subject=cam-2&state=open')).incidents, [{ urgency: 'emergency' }])
      t.equal((await get('/incidents?to=2020-01-01T00:00:00Z')).incidents.length, 0)
      const one = await get(`/incidents/${all.incidents[0].id}`)
      t.match(one, {
        incident: { subject: 'cam-1', event: 'VMD' },
        timeline: [{ what: 'opened' }, { what: 'case' }],
        evidence: [{ raw: /^\/v1\/messages\/.*\/raw$/ }],
        intent: { incident: { id: all.incidents[0].id } },
      })
      t.equal((await app.inject({ url: '/incidents/ffffffff-ffff-7fff-8fff-ffffffffffff' })).statusCode, 404)
    })

    await t.test('what is over goes when its time is over, with its timeline', async (t) => {
      const stage = await IntakeStage.open(t, database)
      await say(stage, vmd('once'), alarm('cam-1', 'bark'), alarm('cam-2', 'smoke', { phase: 'began' }))
      await sweepOf(stage, 61).look()
      const dayMs = 86_400_000
      const long = { messagesMs: 9 * dayMs, positionsMs: 9 * dayMs, settledMs: 9 * dayMs, keysMs: 9 * dayMs }
      const retention = { ...long, reportersMs: 9 * dayMs, incidentsMs: dayMs, callsMs: 9 * dayMs }
      await keepUp({ database, retention, log: silent, now: () => Date.now() + 2 * dayMs })
      const left = async () => (await prisma.incident.findMany({ orderBy: { seq: 'asc' } })).map(({ event }) => event)
      t.strictSame(await left(), ['VMD', 'smoke'], 'what was no case goes earlier')
      await keepUp({ database, retention, log: silent, now: () => Date.now() + 10 * dayMs })
      t.strictSame(await left(), ['smoke'], 'what goes on stays')
      t.equal(await prisma.incidentEntry.count({ where: { incident: { subject: 'cam-1' } } }), 0)
    })
  }),
)

const fix = {
  ...{ system: null, latitude: 32.3925, longitude: 119.4025, valid: true, fixedAt: null, accuracyM: 5 },
  ...{ altitudeM: null, speedKmh: null, headingDeg: null, satellites: null, hdop: null },
}
