import t from 'tap'
import { Framer, longestGarbage, type Piece, pieces } from '../adapters/nmea/framing.ts'
import { seeded } from '../simulators/seeded.ts'
import { line } from './nmea-stage.ts'

const gll = line('GPGLL,4807.038,N,01131.000,E,225444,A')
const rmc = line('GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W')
// UBX-NAV-TIMEGPS poll and an RTCM 3 message of type 1005, the example of RTCM 10403.
const ubx = Buffer.from('b562012000002164', 'hex')
const rtcm = Buffer.from('d300133ed7d30202980edeef34b4bd62ac0941986f33360b98', 'hex')

function told(bytes: string | Uint8Array): [string, string][] {
  return pieces(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes).map(({ kind, bytes }) => [
    kind,
    bytes.toString('latin1'),
  ])
}

t.test('sentences end with CR LF, LF, CR or with their checksum', async (t) => {
  const bare = gll.trimEnd()
  for (const end of ['\r\n', '\n', '\r', '']) {
    t.strictSame(told(bare + end + bare + end), [
      ['sentence', bare + end],
      ['sentence', bare + end],
    ])
  }
  t.strictSame(
    told(`${bare}\r\r\n\r\n${gll}`),
    [
      ['sentence', `${bare}\r`],
      ['sentence', gll],
    ],
    'empty lines are nothing',
  )
})

t.test('what stands before, between and after sentences is garbage in one piece', async (t) => {
  t.strictSame(told(`038,N,0*47\r\n${gll}noise $ and $$ more\r\n!?${rmc}\x01\x02`), [
    ['garbage', '038,N,0*47'],
    ['sentence', gll],
    ['garbage', 'noise $ and $$ more\r\n!?'],
    ['sentence', rmc],
    ['garbage', '\x01\x02'],
  ])
})

t.test('a sentence that is cut off by the next is garbage, and the next is found', async (t) => {
  t.strictSame(told(`$GPRMC,1235${gll}`), [
    ['garbage', '$GPRMC,1235'],
    ['sentence', gll],
  ])
  t.strictSame(told(`$GPRMC,12\xff35*00\r\n${gll}`), [
    ['garbage', '$GPRMC,12\xff35*00'],
    ['sentence', gll],
  ])
})

t.test('a sentence without end is given up, and the next is found', async (t) => {
  const endless = `$GPRMC,${'1'.repeat(5000)}`
  const found = told(endless + gll)
  t.strictSame(found.at(-1), ['sentence', gll])
  t.equal(
    found
      .slice(0, -1)
      .map(([, text]) => text)
      .join(''),
    endless,
  )
  t.equal(found.length, 1 + Math.ceil(endless.length / longestGarbage))
})

t.test('a megabyte of noise makes a piece a kilobyte and holds nothing back', async (t) => {
  const random = seeded(7)
  const noise = Buffer.from(Array.from({ length: 1 << 20 }, () => Math.floor(random() * 256)))
  const framer = new Framer()
  const found: Piece[] = []
  for (let at = 0; at < noise.length; at += 1000) found.push(...framer.push(noise.subarray(at, at + 1000)))
  t.ok(found.length < 1200, `${found.length} pieces`)
  const text = Buffer.from(gll, 'latin1')
  const rest = [...framer.push(text), ...framer.end()]
  t.equal(rest.at(-1)?.kind, 'sentence')
})

t.test('frames of other protocols are known when their check sums hold', async (t) => {
  const gpsd = '{"class":"VERSION","release":"3.22"}\r\n'
  const mixed = Buffer.concat([Buffer.from(gpsd), ubx, Buffer.from(gll), rtcm, ubx, Buffer.from(rmc)])
  t.strictSame(
    pieces(mixed).map(({ kind }) => kind),
    ['json', 'ubx', 'sentence', 'rtcm3', 'ubx', 'sentence'],
  )
  t.strictSame(
    pieces(mixed).map(({ offset }) => offset),
    [0, 38, 46, 89, 114, 122],
  )
  const broken = Buffer.from(ubx)
  broken[7] = 0
  t.strictSame(
    pieces(Buffer.concat([broken, Buffer.from(gll)])).map(({ kind }) => kind),
    ['garbage', 'sentence'],
  )
  t.strictSame(
    told(`{"lat":1}\r\n${gll}`).map(([kind]) => kind),
    ['garbage', 'sentence'],
    'other JSON is garbage',
  )
})

t.test('the start of a long frame that is none delays nothing but itself', async (t) => {
  const liar = Buffer.from('b562012000100000', 'hex')
  const framer = new Framer()
  t.strictSame(framer.push(Buffer.concat([liar, Buffer.from(gll)])), [])
  t.strictSame(
    framer.end().map(({ kind }) => kind),
    ['garbage', 'sentence'],
  )
})

t.test(
  'after eight frames that only look like frames no more check sums are computed in a run of garbage',
  async (t) => {
    // Otherwise each three bytes of such noise would cost a CRC over a thousand.
    const liar = Buffer.from('b5620120000000ff', 'hex')
    const kinds = (liars: number) =>
      pieces(Buffer.concat([...Array.from({ length: liars }, () => liar), ubx, Buffer.from(gll), ubx])).map(
        ({ kind }) => kind,
      )
    t.strictSame(kinds(7), ['garbage', 'ubx', 'sentence', 'ubx'])
    t.strictSame(kinds(8), ['garbage', 'sentence', 'ubx'])
  },
)

t.test('a TAG block belongs to the sentence behind it', async (t) => {
  const tagged = `\\s:GP0001*27\\${gll}`
  t.strictSame(told(tagged + rmc), [
    ['sentence', tagged],
    ['sentence', rmc],
  ])
  t.strictSame(told(`\\s:GP0001*27\\\r\n${gll}`), [
    ['garbage', '\\s:GP0001*27\\'],
    ['sentence', gll],
  ])
  t.strictSame(told(`$GPRMC,12${tagged}`), [
    ['garbage', '$GPRMC,12'],
    ['sentence', tagged],
  ])
})

t.test('after a silence a sentence does not wait for its line end, an unfinished one does', async (t) => {
  const framer = new Framer()
  t.strictSame(framer.push(Buffer.from(gll.trimEnd())), [])
  t.equal(framer.settle().length, 1)
  t.strictSame(framer.push(Buffer.from('\r\n$GPRMC,12')), [])
  t.strictSame(framer.settle(), [])
  t.equal(framer.push(Buffer.from(rmc.slice(9))).length, 1)
})

t.test('cutting the bytes anywhere changes nothing', async (t) => {
  const random = seeded(11)
  const parts = [
    gll,
    rmc,
    gll.trimEnd(),
    '\r\n',
    'noise',
    '$',
    '$$',
    '\\s:A*00\\',
    '*4',
    '\x00\xff',
    '{"class":"X"}\n',
    '$GPRMC,1',
    'b5',
  ]
  for (let round = 0; round < 300; round++) {
    const chosen = Array.from({ length: 12 }, () => parts[Math.floor(random() * parts.length)] ?? '')
    const bytes = Buffer.concat([...chosen.map((text) => Buffer.from(text, 'latin1')), ubx, rtcm.subarray(0, 20)])
    const whole = pieces(bytes)
    const framer = new Framer()
    const cut: Piece[] = []
    for (let at = 0; at < bytes.length; ) {
      const length = 1 + Math.floor(random() * 9)
      cut.push(...framer.push(bytes.subarray(at, at + length)))
      at += length
    }
    cut.push(...framer.end())
    if (JSON.stringify(cut) !== JSON.stringify(whole))
      t.strictSame(cut, whole, JSON.stringify(bytes.toString('latin1')))
  }
  t.pass('300 streams')
})
