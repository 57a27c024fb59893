import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { nvrFrigate } from '../adapters/nvr/frigate.ts'
import { nvrMotion } from '../adapters/nvr/motion.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { SimulatedMotion } from '../simulators/nvr-motion.ts'
import { runContract } from './contract.ts'
import { httpPeer } from './http-peer.ts'
import { jpeg, readAs, videoStage } from './video-stage.ts'

const peer = (
  http: FastifyInstance,
  post: (quality: 'good' | 'malformed', n: number) => { path: string; body: string },
) =>
  httpPeer(
    http,
    (quality, n) => {
      const { path, body } = post(quality, n)
      const headers = { 'x-api-key': 'word' }
      return { path: `/ingest/contract${path}`, contentType: 'application/json', headers, body }
    },
    (status) => status < 500,
  )

runContract({
  name: 'nvr-motion',
  kind: nvrMotion as unknown as AdapterKind<never>,
  options: nvrMotion.options.parse({ key: 'word' }),
  acknowledges: true,
  taken: null,
  connect: (_link, http) =>
    peer(http, (quality, n) => ({
      path: `?hook=${quality === 'good' ? 'event_start' : 'nothing'}&camera=7&event=${n}&began=20261126080000`,
      body: '',
    })),
})

runContract({
  name: 'nvr-frigate by webhook',
  kind: nvrFrigate as unknown as AdapterKind<never>,
  options: nvrFrigate.options.parse({ webhook: { key: 'word' } }),
  acknowledges: true,
  taken: null,
  connect: (_link, http) =>
    peer(http, (quality, n) => ({
      path: '/events',
      body: JSON.stringify({
        type: quality === 'good' ? 'new' : 'old',
        after: { id: `${n}-a`, camera: 'yard', label: 'car' },
      }),
    })),
})

t.test('motion counts from 1 again after a restart, and no event is taken for another', async (t) => {
  const stage = await videoStage(t, nvrMotion, { key: 'word' })
  await stage.adapter.start()
  const motion = new SimulatedMotion(stage.url, 'word')
  await motion.event('7', jpeg, new Date('2026-11-26T00:00:00Z'))
  motion.restart()
  await motion.event('7', jpeg, new Date('2026-11-26T01:00:00Z'))
  t.equal(stage.alarms.length, motion.tally.posts)
  t.strictSame(
    [...new Set(stage.alarms.map(({ occurrence }) => occurrence))],
    ['7/01/20261126000000', '7/01/20261126010000'],
  )
  t.match(stage.alarms[1], { phase: 'going-on', attachments: [{ mediaType: 'image/jpeg', content: jpeg }] })
  const got = await fetch(`${stage.url}?key=word&hook=event_start&camera=8`)
  t.equal(got.status, 200, 'GET does as well')
  t.match(stage.alarms.at(-1), { subject: 'motion/8', occurrence: null, deviceTime: null })
  t.notOk(
    stage.handed.some(({ envelope }) => JSON.stringify(envelope).includes('word')),
    'the key is kept nowhere',
  )
})

t.test('times that are none are dead letters', async (t) => {
  const options = nvrMotion.options.parse({})
  const read = (time: string) =>
    readAs(nvrMotion, options, {
      raw: Buffer.alloc(0),
      envelope: { query: `${new URLSearchParams({ hook: 'event_start', camera: '7', time })}` },
    })
  for (const time of ['noon', '2026-02-31T08:00:00+0800', '2026-11-26T08:00:00', '2026-11-26T25:00:00+0800'])
    t.equal(read(time), 'DECODE_FIELD', time)
  t.match(read('2026-11-26T08:00:00-0330'), [{ deviceTime: new Date('2026-11-26T11:30:00Z') }])
})
