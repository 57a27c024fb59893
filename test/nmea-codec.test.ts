import t from 'tap'
import { checksum, encode, open, parse, type Rmc, type Sentence } from '../adapters/nmea/codec.ts'
import { GatewayError } from '../gateway/errors.ts'
import { line } from './nmea-stage.ts'

const rmc: Rmc = {
  formatter: 'RMC',
  talker: 'GN',
  timeOfDayMs: 45_296_780,
  active: true,
  latitude: 32.39376,
  longitude: 119.41265,
  speedKnots: 12.5,
  courseDeg: 271.3,
  date: '2026-05-31',
  magneticVariationDeg: -5.2,
  mode: 'D',
  navigationStatus: 'V',
}

function code(body: string): string {
  try {
    parse(line(body))
    return 'none'
  } catch (error) {
    if (error instanceof GatewayError) return error.code
    throw error
  }
}

t.test('every sentence that is written is read as the same values', async (t) => {
  const sentences: Sentence[] = [
    rmc,
    { ...rmc, latitude: -33.85, longitude: -70.65, magneticVariationDeg: null, mode: null, navigationStatus: null },
    {
      ...{ formatter: 'GGA', talker: 'BD', timeOfDayMs: 0, latitude: 0.5, longitude: 179.99999, quality: 4 },
      ...{ satellites: 7, hdop: 0.75, altitudeM: -3.1, geoidSeparationM: 8, differentialAgeS: 1.5 },
      differentialStation: '0133',
    },
    {
      ...{ formatter: 'GLL', talker: 'GB', timeOfDayMs: 86_399_999, active: true, latitude: 89.99999 },
      ...{ longitude: -0.00001, mode: 'A' },
    },
    {
      ...{ formatter: 'VTG', talker: 'GA', courseDeg: 0, magneticCourseDeg: 359.9, speedKnots: 0.05 },
      ...{ speedKmh: 0.09, mode: 'A' },
    },
    {
      ...{ formatter: 'GSA', talker: 'GL', selection: 'automatic', fix: '3d', satellites: [2, 65, 88] },
      ...{ pdop: 1.71, hdop: 1.01, vdop: 1.38, system: '2' },
    },
    { formatter: 'ZDA', talker: 'GP', timeOfDayMs: 1, date: '2027-02-28', zoneHours: -8, zoneMinutes: 30 },
  ]
  for (const sentence of sentences) {
    const read = parse(encode(sentence))
    t.equal(read.formatter, sentence.formatter)
    const written = Object.entries(sentence)
    for (const [name, value] of written) {
      const got: unknown = Object.entries(read).find(([key]) => key === name)?.[1]
      if (typeof value === 'number' && typeof got === 'number') t.ok(Math.abs(got - value) < 2e-7, `${name} ${got}`)
      else t.strictSame(got, value, name)
    }
  }
})

t.test('an empty field is null and never zero', async (t) => {
  const bodies = [
    'GPRMC,,V,,,,,,,,,,N',
    'GNRMC,,,,,,,,,',
    'GPGGA,,,,,,,,,,,,,,',
    'GPGLL,,,,,,',
    'GPVTG,,,,,,,,,',
    'GPZDA,,,,,,',
  ]
  for (const body of bodies) {
    for (const [name, value] of Object.entries(parse(line(body)))) {
      if (['formatter', 'talker', 'mode', 'active'].includes(name)) continue
      t.equal(value, null, `${body}: ${name}`)
    }
  }
})

t.test('an impossible value makes the sentence malformed', async (t) => {
  const bodies = {
    'latitude 99': 'GPRMC,123519,A,9900.000,N,01131.000,E,,,230394,,',
    'minutes 99': 'GPRMC,123519,A,4899.038,N,01131.000,E,,,230394,,',
    'minutes 60': 'GPGLL,4860.000,N,01131.000,E,225444,A',
    'longitude 181': 'GPGLL,4800.000,N,18100.000,E,225444,A',
    'hemisphere Q': 'GPRMC,123519,A,4807.038,Q,01131.000,E,,,230394,,',
    'no hemisphere': 'GPRMC,123519,A,4807.038,,01131.000,E,,,230394,,',
    'hour 99': 'GPRMC,993519,A,4807.038,N,01131.000,E,,,230394,,',
    'minute 60': 'GPGGA,126019,4807.038,N,01131.000,E,1,08,0.9,,M,,M,,',
    'second 61': 'GPGGA,123561,4807.038,N,01131.000,E,1,08,0.9,,M,,M,,',
    '31 February': 'GPRMC,123519,A,4807.038,N,01131.000,E,,,310226,,',
    '29 February of a common year': 'GPZDA,123519,29,02,2026,,',
    'month 13': 'GPRMC,123519,A,4807.038,N,01131.000,E,,,011326,,',
    'status X': 'GPRMC,123519,X,4807.038,N,01131.000,E,,,230394,,',
    'a word for a speed': 'GPRMC,123519,A,4807.038,N,01131.000,E,fast,,230394,,',
    'NaN for a speed': 'GPRMC,123519,A,4807.038,N,01131.000,E,NaN,,230394,,',
    'a negative speed': 'GPRMC,123519,A,4807.038,N,01131.000,E,-1,,230394,,',
    'course 361': 'GPRMC,123519,A,4807.038,N,01131.000,E,1,361,230394,,',
    'fields missing': 'GPRMC,123519,A,4807.038,N',
    'no fields at all': 'GPRMC',
    'quality Z': 'GPGGA,123519,4807.038,N,01131.000,E,Z,08,0.9,,M,,M,,',
    'an exponent': 'GPGGA,123519,4807.038,N,01131.000,E,1,08,1e9,,M,,M,,',
  }
  for (const [what, body] of Object.entries(bodies)) t.equal(code(body), 'DECODE_FIELD', what)
})

t.test('the position of a sentence that denies a fix is not read', async (t) => {
  t.match(parse(line('GPRMC,123519,V,36000.0,N,72000.0,E,,,230394,,')), {
    active: false,
    latitude: null,
    longitude: null,
  })
  t.match(parse(line('GPGGA,123519,9000.0,N,00000.0,E,0,00,,,M,,M,,')), { quality: 0, latitude: null })
})

t.test('time of day is read with any number of decimals', async (t) => {
  const times = { '123519': 45_319_000, '123519.': 45_319_000, '123519.5': 45_319_500, '123519.123': 45_319_123 }
  for (const [text, ms] of Object.entries({ ...times, '123519.123456': 45_319_123, '235960': 86_400_000 })) {
    t.match(parse(line(`GPGGA,${text},,,,,,,,,,,,,`)), { timeOfDayMs: ms }, text)
  }
})

t.test('two digits of a year mean 1980 to 2079', async (t) => {
  for (const [text, date] of [
    ['060180', '1980-01-06'],
    ['311299', '1999-12-31'],
    ['290200', '2000-02-29'],
    ['010179', '2079-01-01'],
  ]) {
    t.match(parse(line(`GPRMC,,V,,,,,,,${text},,`)), { date })
  }
})

t.test('a sentence of another kind is unsupported, not malformed', async (t) => {
  for (const body of [
    'GPGSV,1,1,00',
    'PUBX,00,081350.00',
    'PGRMC,A',
    'GPTXT,01,01,02,u-blox',
    'HEHDT,1.0,T',
    'GPGPQ,RMC',
  ]) {
    t.match(parse(line(body)), { formatter: null })
  }
  t.match(parse('!AIVDM,1,1,,A,14eG;o@034o8sd<L9i:a;WF>062D,0*7D'), { formatter: null, address: 'AIVDM' })
})

t.test('a checksum must be there and hold', async (t) => {
  const good = line('GPGLL,4807.038,N,01131.000,E,225444,A')
  t.match(parse(good), { formatter: 'GLL' })
  t.match(parse(good.replace(/\*(..)/, (_, sum: string) => `*${sum.toLowerCase()}`)), { formatter: 'GLL' })
  for (const bad of [
    good.replace('4807', '4808'),
    good.replace(/\*../, ''),
    good.replace(/\*../, '*'),
    good.replace(/\*../, '*ZZ'),
  ]) {
    t.throws(() => parse(bad), { code: 'DECODE_CHECKSUM' })
  }
  t.match(parse(good.replace(/\*../, ''), 'optional'), { formatter: 'GLL' })
  t.throws(() => parse(good.replace('4807', '4808'), 'optional'), { code: 'DECODE_CHECKSUM' })
})

t.test('a TAG block names a source only when its own checksum holds', async (t) => {
  const body = 's:GP0001,c:1748692800'
  const sentence = line('GPGLL,4807.038,N,01131.000,E,225444,A')
  t.match(open(`\\${body}*${checksum(body)}\\${sentence}`).tag, { source: 'GP0001', time: '1748692800' })
  t.equal(open(`\\s:GP0002,c:1748692800*${checksum(body)}\\${sentence}`).tag, null)
  t.equal(open(`\\${body}\\${sentence}`).tag, null)
  t.match(parse(`\\${body}*${checksum(body)}\\${sentence}`), { formatter: 'GLL' })
})

t.test('older editions and known makers are read', async (t) => {
  t.match(
    parse(line('GPVTG,054.7,034.4,005.5,010.2')),
    { courseDeg: 54.7, speedKnots: 5.5, speedKmh: 10.2 },
    'VTG of 1.5',
  )
  t.match(parse(line('GPGLL,4916.45,N,12311.12,W')), { latitude: 49.274166666666666, timeOfDayMs: null }, 'GLL of 1.5')
  t.match(parse(line('GPRMC,123519,A,4807,N,01131,E,,,230394,,')), { latitude: 48 + 7 / 60 }, 'no decimal point')
  t.match(parse(line('GPRMC,212614.879,A,4839.9488,N,00214.8863,E,0.56,344.41,181207,0,A')), { mode: 'A' }, 'Motorola')
  t.match(
    parse(line('GPGSA,A,3,25,32,,,,,,,,,,,5.1,1.3,4.9,3.3')),
    { hdop: 1.3, system: null },
    'BeiDou with a fourth dilution',
  )
})

t.test('minutes never round up to sixty', async (t) => {
  const text = encode({ ...rmc, latitude: 31.9999999999, longitude: 119.9999999999 })
  t.match(text, ',3200.00000,N,12000.00000,E,')
})
