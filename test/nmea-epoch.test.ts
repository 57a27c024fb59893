import t from 'tap'
import { Assembly } from '../adapters/nmea/assembly.ts'
import { encodeTagged } from '../adapters/nmea/codec.ts'
import { nearestDate } from '../adapters/nmea/epoch.ts'
import { drive } from '../simulators/nmea-vehicle.ts'
import { seeded } from '../simulators/seeded.ts'
import { assemble, land, landed, line, malformed, noon, positions } from './nmea-stage.ts'

const rmc = (time: string, date = '310526') => line(`GNRMC,${time},A,3223.6256,N,11924.7590,E,10.0,90.0,${date},,,A`)
const gga = (time: string) => line(`GNGGA,${time},3223.62561,N,11924.75901,E,1,08,1.2,12.0,M,5.0,M,,`)
const gll = (time: string) => line(`GNGLL,3223.6256,N,11924.7590,E,${time},A,A`)
const gsa = line('GNGSA,A,3,02,05,12,,,,,,,,,,1.9,1.5,1.2')
const vtg = line('GNVTG,90.0,T,,M,20.0,N,37.04,K,A')
const gsv = line('GPGSV,1,1,01,02,45,120,40')

t.test('the sentences of one epoch become one position', async (t) => {
  const epoch = gga('120000.00') + gsa + gsv + rmc('120000.00') + vtg + gll('120000.000')
  const all = landed(epoch + gga('120001.00') + rmc('120001'))
  t.equal(all.length, 2)
  t.equal(Buffer.from(all[0]?.message.raw ?? []).toString('latin1'), epoch, 'raw is exactly its bytes')
  t.strictSame(positions(all)[0], {
    kind: 'position',
    subject: 'v-001',
    deviceTime: new Date('2026-05-31T12:00:00Z'),
    gps: {
      system: 'wgs84',
      latitude: 32 + 23.62561 / 60,
      longitude: 119 + 24.75901 / 60,
      valid: true,
      fixedAt: null,
      accuracyM: 6,
      altitudeM: 12,
      speedKmh: 18.52,
      headingDeg: 90,
      satellites: 8,
      hdop: 1.2,
    },
    cells: [],
    batteryPercent: null,
  })
})

t.test('speed and course come from VTG, and the dilution from GSA, where others have none', async (t) => {
  const [position] = positions(landed(gll('120000') + gsa + vtg))
  t.match(position?.gps, {
    speedKmh: 37.04,
    headingDeg: 90,
    hdop: 1.5,
    accuracyM: 7.5,
    satellites: null,
    altitudeM: null,
  })
})

t.test('a receiver without a fix has no position, whatever digits it sends', async (t) => {
  const denials = [
    line('GPRMC,120000,V,3223.6256,N,11924.7590,E,10.0,90.0,310526,,,N'),
    line('GPGGA,120000,3223.6256,N,11924.7590,E,0,00,99.9,,M,,M,,'),
    line('GPGLL,3223.6256,N,11924.7590,E,120000,V,N'),
    line('GPRMC,120000,A,3223.6256,N,11924.7590,E,10.0,90.0,310526,,,N'),
    line('GPRMC,120000,A,3223.6256,N,11924.7590,E,10.0,90.0,310526,,,S'),
    line('GPGGA,120000,3223.6256,N,11924.7590,E,8,08,1.0,,M,,M,,'),
    line('GPRMC,120000,A,3223.6256,N,11924.7590,E,1,1,310526,,,A') +
      line('GPGGA,120000,3223.6256,N,11924.7590,E,0,,,,M,,M,,'),
  ]
  for (const denial of denials) {
    t.match(
      positions(landed(denial)),
      [{ gps: { valid: false, latitude: null, longitude: null, speedKmh: null } }],
      denial,
    )
  }
})

t.test('the navigational status V of NMEA 4.1 does not deny a fix', async (t) => {
  const [position] = positions(landed(line('GNRMC,120000,A,3223.6256,N,11924.7590,E,10.0,90.0,310526,,,A,V')))
  t.match(position?.gps, { valid: true, latitude: 32 + 23.6256 / 60 })
})

t.test('RMC marked valid with empty coordinates has none', async (t) => {
  const [position] = positions(landed(line('GPRMC,120000,A,,,,,,,310526,,,A')))
  t.match(position?.gps, { valid: true, latitude: null, longitude: null, accuracyM: null })
})

t.test('dead reckoning has a position of unknown accuracy', async (t) => {
  const [position] = positions(landed(line('GPGGA,120000,3223.6256,N,11924.7590,E,6,00,1.0,,M,,M,,')))
  t.match(position?.gps, { valid: true, latitude: 32 + 23.6256 / 60, accuracyM: null })
})

t.test('of a receiver of several systems the talker that has a fix counts', async (t) => {
  const blind = line('GPRMC,120000,V,,,,,,,310526,,,N')
  const sighted = line('BDRMC,120000,A,3223.6256,N,11924.7590,E,10.0,90.0,310526,,,A')
  t.match(positions(landed(blind + sighted)), [{ gps: { valid: true, speedKmh: 18.52 } }])
})

t.test('one bad sentence becomes a dead letter and its neighbours land', async (t) => {
  const bad = {
    DECODE_CHECKSUM: [rmc('120000').replace('3223', '3224')],
    DECODE_FIELD: [
      rmc('120000').replace(/.*\r\n/, line('GNRMC,120000,A,3223.6256,Q,11924.7590,E,10.0,90.0,310526,,,A')),
      line('GNRMC,120000,A,3299.6256,N,11924.7590,E,10.0,90.0,310526,,,A'),
      line('GNRMC,120000,A'),
    ],
  }
  for (const [code, sentences] of Object.entries(bad)) {
    for (const sentence of sentences) {
      const all = landed(gga('120000') + sentence + gsa + gga('120001'))
      t.equal(all.length, 2)
      t.match(malformed(all), [{ index: 1, code }])
      t.equal(positions(all).length, 2)
    }
  }
})

t.test('whole messages that make no sense are dead letters of their own', async (t) => {
  const codes = (text: string) => landed(text).map(({ code }) => code)
  t.strictSame(codes(`nonsense\r\n${rmc('120000')}`), ['DECODE_SYNTAX', null])
  t.strictSame(codes(`$GPRMC,${'1'.repeat(400)}\r\n${rmc('120000')}`), ['DECODE_TOO_LARGE', null])
  t.strictSame(codes('\xb5\x62\x01\x20\x00\x00\x21\x64'), ['DECODE_UNSUPPORTED'])
})

t.test('sentences that say nothing here are neither positions nor errors', async (t) => {
  const all = landed(
    `${gsv}${line('PUBX,00,1')}${line('GPTXT,01,01,02,x')}!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D\r\n`,
  )
  t.strictSame(
    all.map(({ code, reports }) => [code, reports]),
    [[null, []]],
  )
})

t.test('a repeated log makes the same keys, another day makes others', async (t) => {
  const log = Buffer.from(gga('120000') + gsa + gga('120001') + gga('120002'))
  const keys = (now: Date) => assemble([log], now).map(({ key }) => key)
  t.strictSame(keys(noon), keys(new Date(noon.getTime() + 3_600_000)))
  t.notOk(keys(noon).some((key) => keys(new Date(noon.getTime() + 86_400_000)).includes(key)))
  t.equal(new Set(keys(noon)).size, 3)
})

t.test('a position without a date takes it from the link, and over midnight', async (t) => {
  const all = landed(rmc('235959', '301225') + gga('235959.5') + gga('000000') + gga('000001'), noon)
  t.strictSame(
    positions(all).map(({ deviceTime }) => deviceTime?.toISOString()),
    ['2025-12-30T23:59:59.000Z', '2025-12-30T23:59:59.500Z', '2025-12-31T00:00:00.000Z', '2025-12-31T00:00:01.000Z'],
  )
  t.strictSame(
    all.map(({ message }) => message.envelope.dateFrom),
    ['sentence', 'link', 'link', 'link'],
  )
})

t.test('without any date the day nearest to the receipt counts', async (t) => {
  const received = (text: string) => new Date(`2026-05-31T${text}Z`)
  t.equal(nearestDate(86_399_000, received('00:00:05')), '2026-05-30')
  t.equal(nearestDate(1000, received('23:59:58')), '2026-06-01')
  t.equal(nearestDate(43_200_000, received('12:00:00')), '2026-05-31')
  const [position] = positions(landed(gga('235959'), received('00:00:05')))
  t.strictSame(position?.deviceTime, new Date('2026-05-30T23:59:59Z'))
})

t.test('after half a day of silence a known date is no longer believed', async (t) => {
  const assembly = new Assembly({ subject: 'v-001' }, 'p', 'required')
  assembly.push(Buffer.from(rmc('120000')), noon)
  assembly.quiet(noon)
  const later = new Date(noon.getTime() + 3 * 86_400_000)
  assembly.push(Buffer.from(gga('120000')), later)
  const [outcome] = assembly.quiet(later)
  t.match(outcome?.message.envelope, { date: '2026-06-03', dateFrom: 'receipt' })
})

t.test('the last sentence of a known cycle ends the epoch without waiting', async (t) => {
  const assembly = new Assembly({ subject: 'v-001' }, 'p', 'required')
  const cycle = (n: number) => Buffer.from(gga(`12000${n}`) + gsa + gsv + rmc(`12000${n}`) + vtg)
  const counts = [0, 1, 2, 3, 4, 5].map((n) => assembly.push(cycle(n), noon).length)
  t.strictSame(counts, [0, 1, 1, 2, 1, 1])
  t.strictSame(assembly.end(noon), [])
})

t.test('frames of other protocols after the last sentence stay with their epoch', async (t) => {
  const ubx = Buffer.from('b562012000002164', 'hex')
  const cycles = [0, 1, 2, 3, 4, 5, 6].map((n) => Buffer.concat([Buffer.from(gga(`12000${n}`) + vtg), ubx, ubx]))
  t.strictSame(
    assemble(cycles).map(({ raw }) => Buffer.from(raw)),
    cycles,
  )
})

t.test('a learnt last sentence that is no longer the last loses nothing', async (t) => {
  const old = [0, 1, 2, 3, 4].map((n) => gga(`12000${n}`) + vtg).join('')
  const now = [5, 6, 7].map((n) => gga(`12000${n}`) + vtg + rmc(`12000${n}`)).join('')
  const raws = assemble([Buffer.from(old + now)]).map(({ raw }) => Buffer.from(raw).toString('latin1'))
  t.equal(raws.join(''), old + now)
})

t.test('an epoch that never ends is ended by its size', async (t) => {
  const messages = assemble([Buffer.from(gsv.repeat(1000))])
  t.ok(messages.length === 4 && messages.every(({ raw }) => raw.length <= 32_768 + 256))
})

t.test('sources behind one multiplexer are told apart by their TAG blocks', async (t) => {
  const map: Record<string, string> = { GP0001: 'v-001', GP0002: 'v-002' }
  const assembly = new Assembly({ subjectOf: (source) => map[source] ?? null }, 'p', 'required')
  const bytes = [
    encodeTagged('GP0001', gga('120000')),
    encodeTagged('GP0002', gga('120000')),
    encodeTagged('GP0001', rmc('120000')),
    encodeTagged('GP0003', gga('120000')),
    encodeTagged('GP0002', rmc('120000')),
    gga('120000'),
  ].join('')
  const outcomes = [...assembly.push(Buffer.from(bytes), noon), ...assembly.end(noon)]
  t.strictSame(
    outcomes.flatMap((outcome) => (outcome.kind === 'refused' ? [outcome.talker] : [])),
    ['GP0003', 'a sentence without TAG block'],
  )
  t.strictSame(
    outcomes.filter(({ kind }) => kind === 'refused').map(({ message }) => land(message).code),
    ['DECODE_NOT_ALLOWED', 'DECODE_NOT_ALLOWED'],
  )
  const messages = outcomes.filter(({ kind }) => kind === 'message').map(({ message }) => land(message))
  t.strictSame(
    positions(messages).map(({ subject }) => subject),
    ['v-001', 'v-002'],
  )
})

t.test('cutting the bytes of a link anywhere makes the same messages', async (t) => {
  const random = seeded(5)
  const start = { latitude: 32.39, longitude: 119.41, at: noon }
  const drives = [...drive({ seed: 3, start, epochs: 40, intervalMs: 1000, speedKmh: 30 })].map(({ bytes }) => bytes)
  drives.splice(
    7,
    0,
    Buffer.from('$GPRMC,cut'),
    Buffer.from([0xb5, 0x62, 1, 2]),
    Buffer.from(rmc('120000').replace('A', 'V')),
  )
  const bytes = Buffer.concat(drives)
  const whole = assemble([bytes])
  for (let round = 0; round < 40; round++) {
    const chunks: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + Math.floor(random() * (round < 3 ? 1 : 200))
      chunks.push(bytes.subarray(at, at + length))
      at += length
    }
    t.strictSame(assemble(chunks), whole)
  }
})
