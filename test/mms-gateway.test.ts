import sharp from 'sharp'
import t from 'tap'
import { encodeDeliverSm } from '../adapters/smpp/encode.ts'
import { deliverReq, type Posted } from '../simulators/mms-mm7.ts'
import { SimulatedMmsc } from '../simulators/mms-mmsc.ts'
import { SmppSmscSimulator } from '../simulators/smpp-smsc.ts'
import { GatewayProcess } from './gateway-process.ts'

/** The whole way, in a gateway of its own: message centre, MMSC and MM7 on one side, the API on the other. */

t.setTimeout(120_000)

const yangzhou = {
  GPSLatitudeRef: 'N',
  GPSLatitude: '32/1 23/1 50/1',
  GPSLongitudeRef: 'E',
  GPSLongitude: '119/1 25/1 0/1',
}
const photo = await sharp({ create: { width: 640, height: 400, channels: 3, background: '#a02020' } })
  .withExif({ IFD3: yangzhou })
  .jpeg()
  .toBuffer()

interface Intent {
  readonly channel: string
  readonly text: string | null
  readonly attachments: readonly { readonly sha256: string; readonly mediaType: string; readonly claimedType: string }[]
}

interface Answers {
  readonly intents: readonly Intent[]
  readonly messages: readonly { readonly adapter: string; readonly code: string; readonly detail: string }[]
  readonly faults: readonly string[]
}

t.test('an MMS becomes an intent with its picture, whether it is fetched or posted', async (t) => {
  const smsc = new SmppSmscSimulator()
  const mmsc = new SimulatedMmsc()
  const [port, host] = [await smsc.start(), await mmsc.start()]
  t.teardown(() => Promise.all([smsc.stop(), mmsc.stop()]))
  const gateway = await GatewayProcess.prepare({
    adapters: [
      { name: 'smsc', kind: 'smpp-esme', host: '127.0.0.1', port, systemId: 'city' },
      { name: 'mms', kind: 'mms-retriever', hosts: [host], privateAddresses: 'allowed' },
      { name: 'mmsc', kind: 'mm7', username: 'mmsc', password: 'word' },
    ],
    destinations: [{ name: 'core', url: 'http://127.0.0.1:1/', secret: `whsec_${'A'.repeat(43)}=` }],
  })
  t.teardown(() => gateway.remove())
  const { http } = await gateway.start()
  const ask = async (path: string) => (await fetch(`${http}${path}`)).json() as Promise<Answers>
  const until = async <T>(what: string, look: () => Promise<T | undefined>): Promise<T> => {
    const deadline = Date.now() + 30_000
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const intentWith = (words: string) =>
    until(`there is an intent with ${words}`, async () => {
      const { intents } = await ask('/v1/intents?limit=100')
      return intents.find(({ text }) => text?.includes(words))
    })

  const part = (content: string, type = 'text/plain') => ({
    type,
    charset: 106,
    id: 'a',
    location: 'a.txt',
    content: Buffer.from(content),
  })
  const jpeg = { type: 'image/jpeg', id: 'p', location: 'p.jpg', content: photo }
  const sender = { from: '+8613800138000/TYPE=PLMN', to: '12319', subject: '井盖' }
  const announce = async (push: Uint8Array) => {
    const half = Math.ceil(push.length / 2)
    for (const [i, octets] of [push.subarray(0, half), push.subarray(half)].entries()) {
      const header = Buffer.from([0x0b, 0x00, 0x03, 0x11, 2, i + 1, 0x05, 0x04, 0x0b, 0x84, 0x23, 0xf0])
      const pdu = encodeDeliverSm(
        {
          source: { ton: 1, npi: 1, digits: '8610658000' },
          destination: { ton: 0, npi: 1, digits: '12319' },
          esmClass: 0x43,
          dataCoding: 4,
          octets: Buffer.concat([header, octets]),
        },
        i + 1,
      )
      await until('the part is acknowledged', async () => ((await smsc.deliver(pdu)) === 'ESME_ROK' ? true : undefined))
    }
  }

  await t.test('fetched after a push in two parts', async (t) => {
    const id = mmsc.keep({ ...sender, parts: [part('文昌中路120号门口井盖丢了'), jpeg] })
    await announce(mmsc.push(id))
    const intent = await intentWith('井盖丢了')
    t.match(intent, { attachments: [{ mediaType: 'image/jpeg', claimedType: 'image/jpeg' }] })
    await until('it is confirmed', async () => mmsc.confirmed.find((one) => one === id))
    const sha256 = intent.attachments[0]?.sha256
    const response = await fetch(`${http}/v1/attachments/${sha256}/thumbnail`)
    t.equal(response.status, 200)
    const { width, exif } = await sharp(Buffer.from(await response.arrayBuffer())).metadata()
    t.strictSame({ width, exif }, { width: 320, exif: undefined })
    t.equal(Buffer.from(await (await fetch(`${http}/v1/attachments/${sha256}`)).arrayBuffer()).compare(photo), 0)
  })

  await t.test('one that the centre has forgotten leaves a row that says so', async (t) => {
    mmsc.mood = () => ({ does: 'status', status: 410 })
    await announce(mmsc.push(mmsc.keep({ ...sender, parts: [jpeg] })))
    const letter = await until('there is a dead letter', async () => {
      const { messages } = await ask('/v1/dead-letters')
      return messages.find(({ adapter }) => adapter === 'mms')
    })
    t.match(letter, { code: 'DECODE_UNFETCHED', detail: /410/ })
  })

  await t.test('posted by MM7', async (t) => {
    const post = ({ contentType, body }: Posted) =>
      fetch(`${http}/ingest/mmsc`, {
        method: 'POST',
        body: Buffer.from(body),
        headers: { 'content-type': contentType, authorization: `Basic ${Buffer.from('mmsc:word').toString('base64')}` },
      })
    const parts = [
      { headers: ['Content-Type: text/plain; charset=utf-8'], content: '汶河南路路灯不亮' },
      { headers: ['Content-Type: image/png'], content: Buffer.concat([photo, Buffer.alloc(2 * 1024 ** 2)]) },
    ]
    const response = await post(deliverReq({ transactionId: 't', sender: '8613900139000', parts }))
    t.equal(response.status, 200, 'more than the API takes is less than an MMS may be')
    t.match(await response.text(), /<StatusCode>1000</)
    t.match(await intentWith('路灯不亮'), {
      channel: 'mms',
      attachments: [{ mediaType: 'image/jpeg', claimedType: 'image/png' }],
    })
    t.equal((await fetch(`${http}/ingest/mmsc`, { method: 'POST', body: 'x' })).status, 401)
  })

  t.strictSame((await ask('/v1/audit')).faults, [])
})
