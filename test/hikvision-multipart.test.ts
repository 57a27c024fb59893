import t from 'tap'
import { MultipartStream, type Piece } from '../adapters/hikvision/multipart-stream.ts'
import { type PartToWrite, writeAlertXml, writePart } from '../adapters/hikvision/write-alert.ts'
import { seeded } from '../simulators/seeded.ts'
import { jpeg } from './video-stage.ts'

const told = (pieces: readonly Piece[]) =>
  pieces.map((piece) =>
    piece.is === 'part'
      ? `${piece.fields.get('content-type') ?? '-'} ${piece.body.toString('latin1')}`
      : `${piece.code} ${piece.detail}: ${piece.kept.toString('latin1')}`,
  )

function read(bytes: Buffer, cuts: readonly number[], boundary = 'boundary', maxPart = 4096): string[] {
  const stream = new MultipartStream({ boundary, maxPart })
  const pieces: Piece[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    pieces.push(...stream.push(bytes.subarray(from, cut)))
    from = cut
  }
  return told([...pieces, ...stream.end()])
}

const xml = (n: number) =>
  writeAlertXml({
    channel: '1',
    eventType: 'VMD',
    eventState: 'active',
    postCount: n,
    dateTime: '2026-11-26T08:00:00+08:00',
  })

/** A stream of everything that devices do, by chance. */
function stream(random: () => number): Buffer {
  const chunks: Buffer[] = []
  for (let n = 0; n < 12; n++) {
    const eol = random() < 0.3 ? '\n' : '\r\n'
    const body = random() < 0.3 ? jpeg : random() < 0.1 ? Buffer.alloc(5000, 'x\n') : xml(n)
    const announced = [body.length, body.length - 20, body.length + 30, null, 0][Math.floor(random() * 5)] ?? null
    const part: PartToWrite = { type: random() < 0.2 ? null : 'application/xml', body, announced }
    chunks.push(writePart(part, random() < 0.2 ? '--boundary' : 'boundary', eol))
    if (random() < 0.15) chunks.push(Buffer.from('garbage\r\n--boundar\r\n--boundaryx\r\n'))
    if (random() < 0.1) chunks.push(Buffer.from('--boundary--\r\n'))
    if (random() < 0.1) chunks.push(Buffer.alloc(Math.floor(random() * 70_000), '-'))
  }
  return Buffer.concat(chunks)
}

t.test('any cut of the bytes gives the same parts', async (t) => {
  const random = seeded(20261126)
  for (let run = 0; run < 150; run++) {
    const bytes = stream(random)
    const whole = read(bytes, [])
    const cuts = Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * bytes.length))
    t.strictSame(
      read(
        bytes,
        cuts.toSorted((a, b) => a - b),
      ),
      whole,
      `run ${run}`,
    )
  }
  const bytes = Buffer.concat([1, 2, 3].map((n) => writePart({ type: 'application/xml', body: xml(n) }, 'boundary')))
  const each = Array.from({ length: bytes.length }, (_, at) => at)
  t.strictSame(read(bytes, each), read(bytes, []), 'byte by byte')
  t.equal(read(bytes, each).length, 3)
})

t.test('what was written is read, whatever the boundary looks like', async (t) => {
  for (const boundary of ['boundary', '--boundary', 'MIME_boundary', '----WebKitFormBoundary7MA4'])
    for (const eol of ['\r\n', '\n'])
      for (const announced of [undefined, null]) {
        const parts = [xml(1), jpeg, xml(2)]
        const bytes = parts.map((body) => writePart({ type: 'x/y', body, announced: announced as null }, boundary, eol))
        t.strictSame(
          read(Buffer.concat(bytes), [100, 700], boundary),
          parts.map((body) => `x/y ${body.toString('latin1')}`),
          `${boundary} ${JSON.stringify(eol)} ${announced}`,
        )
      }
})

t.test('a part is handed over when it is as long as it says, and a wrong length costs nothing', async (t) => {
  const part = (body: Buffer, announced: number) => writePart({ type: 'application/xml', body, announced }, 'boundary')
  const stream = new MultipartStream({ boundary: 'boundary', maxPart: 4096 })
  t.equal(stream.push(part(xml(1), xml(1).length)).length, 1, 'without waiting for the next delimiter')
  for (const wrong of [-20, -1, 1, 40]) {
    const bytes = Buffer.concat([part(xml(1), xml(1).length + wrong), part(xml(2), xml(2).length)])
    t.equal(
      read(bytes, []).filter((line) => line.includes('</EventNotificationAlert>')).length,
      2,
      `${wrong} bytes off`,
    )
  }
  t.match(read(Buffer.concat([part(xml(1), xml(1).length), Buffer.from('junk\r\n'), part(xml(2), 0)]), []), [
    /^application\/xml/,
    /^DECODE_SYNTAX bytes between two parts: \s*junk$/,
    /^application\/xml/,
  ])
})

t.test('a part without end is kept by its first bytes and skipped, and memory stays small', async (t) => {
  const stream = new MultipartStream({ boundary: 'boundary', maxPart: 100_000 })
  const found = stream.push(Buffer.from('--boundary\r\n\r\n'))
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 2000; n++) found.push(...stream.push(Buffer.alloc(50_000, 'x')))
  t.ok(process.memoryUsage().arrayBuffers - before < 60_000_000, 'a hundred megabytes are not held')
  found.push(...stream.push(writePart({ type: 'x/y', body: xml(1) }, 'boundary')))
  t.match(told(found), [/^DECODE_TOO_LARGE a part of more than 100000 bytes: x{65536}$/])
  found.push(...stream.push(Buffer.from(`\r\n${writePart({ type: 'x/y', body: xml(2) }, 'boundary').toString()}`)))
  t.equal(found.length, 2, 'the next part behind a delimiter that begins a line lands')
})

t.test('a boundary of dashes alone is refused: it would be everywhere', async (t) => {
  for (const boundary of ['-', '------', ' -- '])
    t.throws(() => new MultipartStream({ boundary, maxPart: 100 }), { code: 'DECODE_SYNTAX' })
})
