import { readFileSync } from 'node:fs'
import t from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import { GatewayProcess } from './gateway-process.ts'

t.setTimeout(280_000)

const apiToken = 'a token of this test, long enough for anybody'
const authorization = `Bearer ${apiToken}`

/** A recorded request: its content type, an empty line, its body. */
function recorded(name: string): { readonly type: string; readonly body: Buffer } {
  const bytes = readFileSync(`${packageRoot}test/cases/freeswitch/${name}/input.http`)
  const end = bytes.indexOf('\n\n')
  return { type: bytes.toString('latin1', 0, end), body: bytes.subarray(end + 2) }
}

t.test('records that an exchange posts are a call of a running gateway, and shown to the seat', async (t) => {
  const gateway = await GatewayProcess.prepare({
    http: { host: '127.0.0.1', port: 0, apiToken },
    calls: { settleAfter: '1s' },
    adapters: [{ name: 'pbx', kind: 'freeswitch-cdr' }],
    destinations: [{ name: 'core', url: 'http://127.0.0.1:1/', secret: `whsec_${'A'.repeat(43)}=`, types: ['call'] }],
  })
  t.teardown(() => gateway.remove())
  const { http } = await gateway.start()
  const get = async (path: string) => (await fetch(`${http}${path}`, { headers: { authorization } })).json()
  t.equal((await fetch(`${http}/v1/seats/8003/calls`)).status, 401)
  const abort = new AbortController()
  t.teardown(() => abort.abort())
  // The last seconds come again to whoever comes back, so that nothing is missed between two streams.
  const headers = { authorization, 'last-event-id': String(Date.now()) }
  const stream = await fetch(`${http}/v1/seats/8003/calls`, { headers, signal: abort.signal })
  for (const name of ['json-cdr-abandoned-in-the-queue', 'json-form-seat-refused']) {
    const { type, body } = recorded(name)
    const answer = await fetch(`${http}/ingest/pbx/`, { method: 'POST', headers: { 'content-type': type }, body })
    t.equal(answer.status, 200, await answer.text())
  }
  let shown = ''
  for await (const chunk of stream.body ?? []) {
    shown += Buffer.from(chunk as Uint8Array).toString('utf8')
    if (shown.includes('event: end')) break
  }
  t.match(shown, /"seat":"8003"/)
  const deadline = Date.now() + 30_000
  let calls: unknown[] = []
  while (calls.length === 0 && Date.now() < deadline) calls = ((await get('/v1/calls')) as { calls: unknown[] }).calls
  t.match(calls, [{ exchange: 'pbx', ending: 'lost', seats: [{ seat: '8003', ending: 'refused' }], heard: 'record' }])
  t.match(await get('/v1/calls/figures'), { calls: 1, byEnding: { lost: 1 }, withForm: 0 })
  t.match(await (await fetch(`${http}/metrics`)).text(), /chengguan_calls\{ending="lost",heard="record"\} 1/)
  t.equal(await gateway.stop(), 0, 'though somebody listens')
})
