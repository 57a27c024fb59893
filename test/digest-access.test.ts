import t from 'tap'
import { authorizationFor } from '../gateway/web/digest-access.ts'

// RFC 7616, 3.9.1.
const login = { username: 'Mufasa', password: 'Circle of Life' }
const asked = { method: 'GET', target: '/dir/index.html' }
const cnonce = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
const rest =
  'realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'

t.test('the examples of RFC 7616', async (t) => {
  const md5 = authorizationFor(`Digest ${rest}, algorithm=MD5`, login, asked, 1, cnonce)
  t.match(md5, /response="8ca523f5e9506fed4657c9700eebdbec"/)
  const sha256 = authorizationFor(`Digest ${rest}, algorithm=SHA-256`, login, asked, 1, cnonce)
  t.match(sha256, /response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"/)
  t.match(sha256, /nc=00000001, cnonce=/)
  t.match(sha256, /opaque="FQhe\/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"/)
})

t.test('of several challenges the strongest that can be answered', async (t) => {
  const both = `Basic realm="x", Digest ${rest}, algorithm=MD5, Digest ${rest}, algorithm=SHA-256`
  t.match(authorizationFor(both, login, asked), /algorithm=SHA-256/)
  t.equal(
    authorizationFor('Digest nonce="a", algorithm=SHA-512-256, Basic realm="x"', login, asked),
    `Basic ${Buffer.from('Mufasa:Circle of Life').toString('base64')}`,
  )
  t.equal(authorizationFor('Negotiate', login, asked), null)
  t.equal(authorizationFor('Digest realm="x"', login, asked), null)
})

t.test('an old device without qop (RFC 2069)', async (t) => {
  const answer = authorizationFor(
    'Digest realm="IP Camera", nonce="abc"',
    { username: 'admin', password: 'x"y' },
    asked,
  )
  t.notMatch(answer, /qop|cnonce|algorithm/)
  t.match(
    answer,
    /^Digest username="admin", realm="IP Camera", nonce="abc", uri="\/dir\/index\.html", response="[0-9a-f]{32}"$/,
  )
})
