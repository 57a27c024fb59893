import t from 'tap'
import { mmsRetriever } from '../adapters/mms/retriever.ts'
import { isAllowed } from '../adapters/mms/retriever-options.ts'
import { isPrivate, publicLookup } from '../gateway/web/private-address.ts'
import { gzipBomb, type MmscMood, SimulatedMmsc } from '../simulators/mms-mmsc.ts'
import { gif, manhole, RetrieverStage } from './mms-stage.ts'

t.test('an announced MMS is fetched, stored and confirmed', async (t) => {
  const stage = await RetrieverStage.open(t, { profile: 'http://profile.example/a.xml' })
  const id = stage.mmsc.keep(manhole)
  await stage.retriever.perform(stage.errand(stage.mmsc.push(id)))
  const [text, ...others] = stage.texts
  t.strictSame(others, [])
  t.match(text, {
    subject: 'tel:+8613800138000',
    to: '12319',
    title: '井盖',
    text: '文昌中路120号门口井盖丢了\n没人管',
    medium: 'mms',
    missingParts: [],
  })
  t.strictSame(text?.attachments, [
    { name: 'p.gif', mediaType: 'image/gif', claimedType: 'image/jpeg', content: gif, sha256: null, url: null },
  ])
  t.strictSame(stage.mmsc.confirmed, [id])
  const [get, post] = stage.mmsc.requestHeaders
  t.match(get, {
    'user-agent': 'chengguan-gateway',
    'x-wap-profile': 'http://profile.example/a.xml',
    'accept-encoding': 'identity',
  })
  t.match(post, { 'content-type': 'application/vnd.wap.mms-message' })
})

t.test('a push that comes again in other bytes fetches nothing and stores nothing', async (t) => {
  const stage = await RetrieverStage.open(t)
  const id = stage.mmsc.keep(manhole)
  const pushes = [stage.mmsc.push(id), stage.mmsc.push(id), stage.mmsc.push(id)]
  t.notSame(pushes[0], pushes[1])
  await Promise.all(pushes.slice(0, 2).map((push) => stage.retriever.perform(stage.errand(push))))
  await stage.retriever.perform(stage.errand(pushes[2] ?? new Uint8Array()))
  t.equal(stage.mmsc.fetches, 1)
  t.equal(stage.texts.length, 1)
  t.strictSame(stage.mmsc.confirmed, [id])
})

t.test('after a restart a repeated push makes no report of an MMS that is gone', async (t) => {
  const stage = await RetrieverStage.open(t)
  const id = stage.mmsc.keep(manhole)
  const [first, again] = [stage.mmsc.push(id), stage.mmsc.push(id)]
  await stage.retriever.perform(stage.errand(first))
  const restarted = stage.another()
  await restarted.start()
  t.teardown(() => restarted.stop())
  await restarted.perform(stage.errand(again))
  t.equal(stage.mmsc.fetches, 2, 'it asked, and was told 404')
  t.equal(stage.texts.length, 1)
  t.strictSame(stage.reasons, [])
})

t.test('nothing is confirmed to the centre before it is stored', async (t) => {
  const stage = await RetrieverStage.open(t)
  const id = stage.mmsc.keep(manhole)
  stage.intake.refuse = () => true
  await t.rejects(stage.retriever.perform(stage.errand(stage.mmsc.push(id))), { code: 'STORE_UNAVAILABLE' })
  t.strictSame(stage.mmsc.confirmed, [])
  stage.intake.refuse = () => false
  await stage.retriever.perform(stage.errand(stage.mmsc.push(id), { attempt: 2 }))
  t.equal(stage.texts.length, 1)
  t.strictSame(stage.mmsc.confirmed, [id])
})

t.test('a centre that does not take the confirmation is asked again, and not for ever', async (t) => {
  const stage = await RetrieverStage.open(t)
  const push = stage.mmsc.push(stage.mmsc.keep(manhole))
  stage.mmsc.respondWith = 500
  await t.rejects(stage.retriever.perform(stage.errand(push)), { code: 'LINK_LOST' })
  await stage.retriever.perform(stage.errand(push, { attempt: 5 }))
  t.equal(stage.texts.length, 1)
})

t.test('what may pass is rejected to be tried again, and leaves no report', async (t) => {
  const stage = await RetrieverStage.open(t, { timeout: '300ms', idle: '100ms' })
  const id = stage.mmsc.keep(manhole)
  const passing: Record<string, MmscMood> = {
    'a centre in trouble': { does: 'status', status: 503 },
    'a centre that does not know the gateway yet': { does: 'status', status: 403 },
    'a transient retrieve status': { does: 'retrieve-status', status: 64 },
    'a slow one': { does: 'slow', everyMs: 20 },
    'a silent one': { does: 'silent' },
    'one that cuts the line': { does: 'cut' },
    'a login page': { does: 'page' },
    'a circle of redirects': { does: 'redirect', to: `/mms/${id}` },
  }
  for (const [name, mood] of Object.entries(passing)) {
    stage.mmsc.mood = () => mood
    await t.rejects(stage.retriever.perform(stage.errand(stage.mmsc.push(id))), { code: /^LINK_/ }, name)
  }
  t.equal(stage.intake.stored.size, 0)
  stage.mmsc.mood = () => ({ does: 'serve' })
  await stage.retriever.perform(stage.errand(stage.mmsc.push(id)))
  t.equal(stage.texts.length, 1, 'and then it is there')
})

t.test('what will not pass leaves the sender and the subject, and a dead errand', async (t) => {
  const hopeless: Record<string, [MmscMood, string]> = {
    gone: [{ does: 'status', status: 404 }, 'DECODE_UNFETCHED'],
    'a permanent retrieve status': [{ does: 'retrieve-status', status: 98 }, 'DECODE_UNFETCHED'],
    endless: [{ does: 'endless' }, 'DECODE_TOO_LARGE'],
    'a gzip bomb': [{ does: 'gzip-bomb', bomb: gzipBomb(300_000_000) }, 'DECODE_TOO_LARGE'],
    'a redirect to a port that is not listed': [{ does: 'redirect', to: 'http://127.0.0.1:1/' }, 'DECODE_NOT_ALLOWED'],
    'a redirect to a file': [{ does: 'redirect', to: 'file:///etc/passwd' }, 'DECODE_NOT_ALLOWED'],
  }
  for (const [name, [mood, code]] of Object.entries(hopeless)) {
    const stage = await RetrieverStage.open(t, { maxSize: '256KiB' })
    stage.mmsc.mood = () => mood
    const push = stage.mmsc.push(stage.mmsc.keep(manhole))
    const before = process.memoryUsage().arrayBuffers
    await t.rejects(stage.retriever.perform(stage.errand(push)), { code }, name)
    t.ok(process.memoryUsage().arrayBuffers - before < 64_000_000, `${name}: memory is bounded`)
    const [text] = stage.texts
    t.match(text, { subject: 'tel:+8613800138000', title: '井盖', text: null, attachments: [] }, name)
    t.equal(stage.reasons.length, 1, name)
    t.strictSame(stage.mmsc.confirmed, [], name)
    await stage.retriever.perform(stage.errand(push))
    t.equal(stage.texts.length, 1, `${name}: told once`)
  }
})

t.test('one that could not be fetched and then can is stored all the same', async (t) => {
  const stage = await RetrieverStage.open(t)
  const id = stage.mmsc.keep(manhole)
  stage.mmsc.mood = () => ({ does: 'status', status: 404 })
  await t.rejects(stage.retriever.perform(stage.errand(stage.mmsc.push(id))), { code: 'DECODE_UNFETCHED' })
  stage.mmsc.mood = () => ({ does: 'serve' })
  await stage.retriever.perform(stage.errand(stage.mmsc.push(id)))
  t.strictSame(
    stage.texts.map(({ text }) => text === null),
    [true, false],
  )
})

t.test('an MMS that expired is tried a last time, and then told as lost', async (t) => {
  const stage = await RetrieverStage.open(t)
  const hour = 3_600_000
  const push = stage.mmsc.push(stage.mmsc.keep({ ...manhole, expiry: { inS: 60 } }))
  stage.mmsc.mood = () => ({ does: 'status', status: 503 })
  const late = { receivedAt: new Date(Date.now() - hour), attempt: 9 }
  await t.rejects(stage.retriever.perform(stage.errand(push, late)), {
    code: 'DECODE_UNFETCHED',
    detail: /expired at 2/,
  })
  t.match(stage.texts, [{ subject: 'tel:+8613800138000', text: null }])
  t.match(stage.reasons, [/expired/])

  const kept = stage.mmsc.push(stage.mmsc.keep({ ...manhole, expiry: { at: new Date(Date.now() - hour) } }))
  stage.mmsc.mood = () => ({ does: 'serve' })
  await stage.retriever.perform(stage.errand(kept))
  t.match(stage.texts[1], { text: /井盖丢了/ }, 'a centre that still has it gives it')
})

t.test('nothing is fetched from a host that is not listed, and nobody is named', async (t) => {
  const stage = await RetrieverStage.open(t)
  const other = new SimulatedMmsc()
  const host = await other.start()
  t.teardown(() => other.stop())
  const id = stage.mmsc.keep(manhole)
  for (const location of [
    `http://${host}/x`,
    'http://169.254.169.254/latest',
    'file:///etc/passwd',
    'not a url',
    'http://a@127.0.0.1/',
  ])
    await t.rejects(
      stage.retriever.perform(stage.errand(stage.mmsc.push(id, location))),
      { code: 'DECODE_NOT_ALLOWED' },
      location,
    )
  t.equal(other.fetches + stage.mmsc.fetches, 0)
  t.equal(stage.intake.stored.size, 0)
})

t.test('a listed host at a private address is refused unless it is allowed', async (t) => {
  const stage = await RetrieverStage.open(t, { privateAddresses: 'refused' })
  const id = stage.mmsc.keep(manhole)
  await t.rejects(stage.retriever.perform(stage.errand(stage.mmsc.push(id))), {
    code: 'LINK_CONNECT',
    detail: /private/,
  })
  t.equal(stage.mmsc.fetches, 0)
})

t.test('a name that resolves to this machine is refused where the connection is made', async (t) => {
  const mmsc = new SimulatedMmsc()
  const port = (await mmsc.start()).split(':')[1]
  t.teardown(() => mmsc.stop())
  const stage = await RetrieverStage.open(t, { hosts: [`localhost:${port}`], privateAddresses: 'refused' })
  const id = stage.mmsc.keep(manhole)
  const push = stage.mmsc.push(id, `http://localhost:${port}/mms/${id}`)
  await t.rejects(stage.retriever.perform(stage.errand(push)), { code: 'LINK_CONNECT', detail: /private/ })
  t.equal(mmsc.fetches, 0)
  await t.rejects(
    new Promise((resolve, reject) =>
      publicLookup('localhost', {}, (error, address) => (error === null ? resolve(address) : reject(error))),
    ),
    { code: 'LINK_CONNECT' },
  )
})

t.test('private addresses are known in every form they are written in', async (t) => {
  const inside = ['127.0.0.1', '10.0.0.172', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0']
  const more = [
    '::1',
    '::',
    'fd00::1',
    'fe80::1',
    '::ffff:127.0.0.1',
    '::ffff:a00:1',
    '64:ff9b::a00:1',
    '224.0.0.1',
    'x',
  ]
  for (const address of [...inside, ...more]) t.ok(isPrivate(address), address)
  for (const address of ['221.130.56.11', '2408:8000::1', '172.32.0.1', '::ffff:8.8.8.8'])
    t.notOk(isPrivate(address), address)
})

t.test('a host is listed with its port, or has the one of its scheme', async (t) => {
  const listed = (url: string, ...hosts: string[]) => isAllowed(new URL(url), hosts)
  t.ok(listed('http://MMSC.example/x', 'mmsc.example'))
  t.ok(listed('https://mmsc.example/x', 'mmsc.example'))
  t.ok(listed('http://mmsc.example:80/x', 'mmsc.example:80'))
  t.ok(listed('http://mmsc.example:8002/x', 'mmsc.example:8002'))
  t.ok(listed('http://[2408::1]:8002/', '[2408::1]:8002'))
  t.notOk(listed('http://mmsc.example:8002/x', 'mmsc.example'))
  t.notOk(listed('https://mmsc.example/x', 'mmsc.example:80'))
  t.notOk(listed('http://mmsc.example.evil.example/', 'mmsc.example'))
  t.notOk(listed('http://mmsc.example@evil.example/', 'mmsc.example'))
  t.notOk(listed('ftp://mmsc.example/', 'mmsc.example'))
  for (const bad of ['http://mmsc.example', 'mmsc.example/path', 'a b', '', 'user@host', 'host:port'])
    t.notOk(mmsRetriever.options.safeParse({ hosts: [bad] }).success, bad)
})

t.test('gzip that nobody asked for is read within the limit', async (t) => {
  const stage = await RetrieverStage.open(t)
  stage.mmsc.mood = () => ({ does: 'gzip' })
  await stage.retriever.perform(stage.errand(stage.mmsc.push(stage.mmsc.keep(manhole))))
  t.equal(stage.texts.length, 1)
})

t.test('a fetch under way ends when the retriever stops, and is performed again', async (t) => {
  const stage = await RetrieverStage.open(t)
  const id = stage.mmsc.keep(manhole)
  stage.mmsc.mood = () => ({ does: 'silent' })
  const push = stage.mmsc.push(id)
  const performing = t.rejects(stage.retriever.perform(stage.errand(push)), { code: /^LINK_/ })
  await stage.intake.until('it is being fetched', () => stage.mmsc.fetches === 1)
  await stage.retriever.stop()
  await performing
  await t.rejects(stage.retriever.perform(stage.errand(push)), { code: 'LINK_LOST' })
  stage.mmsc.mood = () => ({ does: 'serve' })
  await stage.retriever.start()
  await stage.retriever.perform(stage.errand(push))
  t.equal(stage.texts.length, 1)
})

t.test('a datagram that is no notification makes a dead errand', async (t) => {
  const stage = await RetrieverStage.open(t)
  const push = Buffer.from(stage.mmsc.push(stage.mmsc.keep(manhole)))
  const bad: Record<string, Buffer> = {
    empty: Buffer.alloc(0),
    'another WSP PDU': Buffer.from('0140', 'hex'),
    'a service indication': Buffer.from('010601ae02056a0045c60c0300', 'hex'),
    'no transaction id': Buffer.from('010603beaf848c828d928a80', 'hex'),
    'a length that lies': Buffer.from('0106ffffffff7fbe', 'hex'),
    cut: push.subarray(0, 30),
  }
  for (const [name, bytes] of Object.entries(bad))
    await t.rejects(stage.retriever.perform(stage.errand(bytes)), { code: /^DECODE_/ }, name)
})
