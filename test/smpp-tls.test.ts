import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { esmeOf, secretWord, smsc, until } from './smpp-link-stage.ts'

/** A key and a certificate for `localhost` that vouches for itself. */
function certificate(t: Test): { cert: string; key: string } {
  const folder = mkdtempSync(join(tmpdir(), 'smpp-tls-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost'
  const names = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert]
  execFileSync('openssl', [...words.split(' '), ...names], { stdio: 'ignore' })
  return { cert, key }
}

t.test('texts go both ways over TLS, with certificates on both sides', async (t) => {
  const { cert, key } = certificate(t)
  const port = await smsc(t, { tls: { cert, key, ca: cert, clientCertificates: 'required' } })
  const at = { port: port.port, systemId: 'peer-1', password: secretWord }
  const bound = await esmeOf(t, { ...at, tls: { ca: cert, cert, key, servername: 'localhost' } })
  await bound.adapter.start()
  t.match(bound.links.at(-1), { state: 'connected' })
  const texts = bound.adapter.texts
  const text = { id: 'n-1', to: 'tel:+8613800138000', extension: null, title: null, text: '路灯不亮', attachments: [] }
  for (const part of texts?.parts({ ...text, validUntil: null }) ?? [])
    t.match(await texts?.submit(part), { outcome: 'accepted' })
  t.match(port.read, [[{ kind: 'text', text: '路灯不亮' }]])
  const back = port.adapter.texts
  for (const part of back?.parts({ ...text, validUntil: null }) ?? [])
    t.match(await back?.submit(part), { outcome: 'accepted' })
  t.match(bound.read, [[{ kind: 'text', text: '路灯不亮' }]])
})

t.test(
  'a centre that nobody vouches for is not bound to; who does not speak TLS, or has no certificate, is turned away',
  async (t) => {
    const { cert, key } = certificate(t)
    const port = await smsc(t, { tls: { cert, key, ca: cert, clientCertificates: 'required' } })
    const at = { port: port.port, systemId: 'peer-1', password: secretWord }
    const doubting = await esmeOf(t, { ...at, tls: { servername: 'localhost' } })
    await t.rejects(doubting.adapter.start(), { code: 'LINK_CONNECT' })
    const wrongName = await esmeOf(t, { ...at, tls: { ca: cert, cert, key, servername: 'elsewhere.example' } })
    await t.rejects(wrongName.adapter.start(), { code: 'LINK_CONNECT' })
    const plain = await esmeOf(t, { ...at, bindTimeout: '2s' })
    await t.rejects(plain.adapter.start(), { code: 'LINK_CONNECT' })
    const bare = await esmeOf(t, { ...at, tls: { ca: cert, servername: 'localhost' }, bindTimeout: '2s' })
    await t.rejects(bare.adapter.start(), { code: 'LINK_CONNECT' })
    const socket = connectPlain(port.port, '127.0.0.1', () => socket.end('GET / HTTP/1.1\r\n\r\n'))
    socket.on('error', () => {})
    await until('all are counted', () => port.refusals.filter(({ reason }) => reason.includes('tls')).length >= 3)
    t.equal(port.accepted.length, 0)
  },
)
