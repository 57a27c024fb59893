import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import sharp from 'sharp'
import t from 'tap'
import { exifPlace, thumbnail } from '../gateway/attachments/picture.ts'
import { addAttachments } from '../gateway/http/messages.ts'
import type { RouteOptions } from '../gateway/http/route-options.ts'
import { Attachments } from '../gateway/store/attachments.ts'
import { seeded } from '../simulators/seeded.ts'

type Exif = Parameters<ReturnType<typeof sharp>['withExif']>[0]

const picture = (exif: Exif = {}, width = 640, height = 400) =>
  sharp({ create: { width, height, channels: 3, background: '#a02020' } })
    .withExif(exif)
    .jpeg()
    .toBuffer()

const yangzhou = {
  GPSLatitudeRef: 'N',
  GPSLatitude: '32/1 23/1 5025/100',
  GPSLongitudeRef: 'E',
  GPSLongitude: '119/1 25/1 0/1',
}

t.test('where a picture was taken is what the camera says, with its accuracy and time', async (t) => {
  const gps = { ...yangzhou, GPSHPositioningError: '15/2', GPSDateStamp: '2026:11:23', GPSTimeStamp: '2/1 3/1 4/1' }
  const place = exifPlace(await picture({ IFD3: gps }))
  t.match(place, { accuracyM: 7.5, at: new Date('2026-11-23T02:03:04Z') })
  t.ok(Math.abs((place?.latitude ?? 0) - 32.397_291_67) < 1e-7)
  t.ok(Math.abs((place?.longitude ?? 0) - 119.416_666_67) < 1e-7)
})

t.test('south and west are negative', async (t) => {
  const place = exifPlace(await picture({ IFD3: { ...yangzhou, GPSLatitudeRef: 'S', GPSLongitudeRef: 'W' } }))
  t.ok((place?.latitude ?? 0) < -32 && (place?.longitude ?? 0) < -119)
  t.equal(place?.accuracyM, null)
  t.equal(place?.at, null)
})

t.test("the camera's clock counts where it says its offset", async (t) => {
  const taken = { DateTimeOriginal: '2026:11:23 10:03:04' }
  const at = async (exif: Record<string, string>) => exifPlace(await picture({ IFD2: exif, IFD3: yangzhou }))?.at
  t.equal(await at(taken), null)
  t.strictSame(await at({ ...taken, OffsetTimeOriginal: '+08:00' }), new Date('2026-11-23T02:03:04Z'))
})

t.test('what is no place is none', async (t) => {
  const places: Record<string, Record<string, string>> = {
    'no position at all': {},
    'zeros of a camera without a fix': { ...yangzhou, GPSLatitude: '0/1 0/1 0/1', GPSLongitude: '0/1 0/1 0/1' },
    '0/0': { ...yangzhou, GPSLatitude: '0/0 0/0 0/0' },
    'a part that is 0/0': { ...yangzhou, GPSLatitude: '32/1 0/0 0/1' },
    'a receiver without a fix': { ...yangzhou, GPSStatus: 'V' },
    'no hemisphere': { ...yangzhou, GPSLatitudeRef: 'X' },
    'latitude above 90': { ...yangzhou, GPSLatitude: '91/1 0/1 0/1' },
    '60 minutes': { ...yangzhou, GPSLatitude: '32/1 60/1 0/1' },
  }
  for (const [name, gps] of Object.entries(places)) t.equal(exifPlace(await picture({ IFD3: gps })), null, name)
  t.equal(exifPlace(new Uint8Array()), null)
  t.equal(exifPlace(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')), null)
  t.equal(exifPlace(Buffer.alloc(33 * 1024 ** 2, 0xff)), null)
})

t.test('spoilt pictures never throw, and never give a place that is none', async (t) => {
  const whole = await picture({ IFD3: yangzhou }, 8, 8)
  const random = seeded(20_261_125)
  const below = (limit: number) => Math.floor(random() * limit)
  let found = 0
  for (let i = 0; i < 3000; i++) {
    const copy = Buffer.from(whole)
    for (let n = 0; n <= below(4); n++) copy[below(Math.min(copy.length, 400))] = below(256)
    const place = exifPlace(i % 3 === 0 ? copy.subarray(0, below(copy.length)) : copy)
    if (place === null) continue
    found++
    const { latitude, longitude, accuracyM } = place
    if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && (accuracyM === null || accuracyM > 0)))
      t.fail(JSON.stringify(place))
  }
  t.ok(found > 100, `${found} places survived`)
})

t.test('a picture that is made to be slow is not', async (t) => {
  const many = (head: string, block: string, times: number) =>
    Buffer.concat([Buffer.from(head, 'hex'), ...Array<Buffer>(times).fill(Buffer.from(block, 'hex'))])
  const slow: Record<string, Buffer> = {
    'a JPEG of 800,000 segments': many('ffd8', 'ffe10004aaaa', 800_000),
    'a PNG of 400,000 chunks': many('89504e470d0a1a0a', '0000000074455874deadbeef', 400_000),
    'directories that all ask for everything': many('49492a0008000000e803', '860201005000000028000000', 400_000),
  }
  for (const [name, bytes] of Object.entries(slow)) {
    const started = performance.now()
    t.equal(exifPlace(bytes), null, name)
    t.ok(performance.now() - started < 1500, `${name}: ${performance.now() - started} ms`)
  }
})

t.test('a thumbnail is small, upright and without the place', async (t) => {
  const lying = await sharp(await picture({ IFD3: yangzhou }, 1000, 500))
    .withExif({ IFD3: yangzhou })
    .withMetadata({ orientation: 6 })
    .toBuffer()
  const small = await thumbnail(lying)
  const { format, width, height } = await sharp(small ?? Buffer.alloc(0)).metadata()
  t.strictSame({ format, width, height }, { format: 'jpeg', width: 320, height: 640 })
  t.equal(exifPlace(small ?? Buffer.alloc(0)), null)
  const tiny = await sharp((await thumbnail(await picture({}, 10, 10))) ?? Buffer.alloc(0)).metadata()
  t.equal(tiny.width, 10, 'nothing is enlarged')
})

t.test('bombs, programs and documents have no thumbnail', async (t) => {
  const bomb = await sharp({ create: { width: 16_000, height: 16_000, channels: 3, background: '#000' } })
    .png()
    .toBuffer()
  const jpeg = await picture()
  const bad: Record<string, Buffer> = {
    'too many pixels': bomb,
    nothing: Buffer.alloc(0),
    'a program': Buffer.from('MZ\x90\0'),
    'an SVG': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'),
    'a head without a body': jpeg.subarray(0, 100),
    'noise behind a signature': Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(500, 7)]),
  }
  for (const [name, bytes] of Object.entries(bad)) t.equal(await thumbnail(bytes), null, name)
})

t.test('the API makes a thumbnail once and keeps it beside the file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'chengguan-thumbnails-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const attachments = new Attachments(folder)
  const keep = async (content: Uint8Array) => {
    const sha256 = createHash('sha256').update(content).digest('hex')
    await attachments.keep(sha256, content)
    return sha256
  }
  const app = Fastify()
  t.teardown(() => app.close())
  addAttachments(app, { desk: { attachments } } as unknown as RouteOptions)
  const sha256 = await keep(await picture())
  const ask = (hash: string) => app.inject({ url: `/attachments/${hash}/thumbnail` })
  const answers = await Promise.all([ask(sha256), ask(sha256), ask(sha256)])
  for (const answer of answers) {
    t.match(answer, { statusCode: 200, headers: { 'content-type': 'image/jpeg', 'x-content-type-options': 'nosniff' } })
    t.strictSame(answer.rawPayload, await readFile(`${attachments.path(sha256)}.thumbnail`))
  }
  const made = await stat(`${attachments.path(sha256)}.thumbnail`)
  t.equal((await ask(sha256)).statusCode, 200)
  t.equal((await stat(`${attachments.path(sha256)}.thumbnail`)).mtimeMs, made.mtimeMs)
  t.equal((await ask(await keep(Buffer.from('no picture')))).statusCode, 404)
  t.equal((await ask('0'.repeat(64))).statusCode, 404)
  t.equal((await ask('../../etc/passwd')).statusCode, 404)
})
