/** Just enough MQTT 3.1.1 for a load generator: frames are made once for each connection and patched in place. */

export const payloadBytes = 200

/** CONNECT with a clean session and no keep-alive (3.1). */
export function connectFrame(clientId: string): Buffer {
  const id = Buffer.from(clientId)
  const head = Buffer.from([0x10, 12 + id.length, 0, 4, ...Buffer.from('MQTT'), 4, 0x02, 0, 0, 0, id.length])
  return Buffer.concat([head, id])
}

const idDigits = 12
const timeDigits = 13
/** Degrees from the south-west corner of the example city; a step of 1e-7 is a centimetre. */
const corner = { latitude: 32.39, longitude: 119.38 }
const spreadSteps = 200_000
const driftSteps = 5_000

/** A QoS 1 PUBLISH of a position of 200 bytes; `stamp` gives it its own id, time and place before each sending. */
export class PublishFrame {
  readonly bytes: Buffer
  readonly #at: { readonly id: number; readonly time: number; readonly lat: number; readonly lon: number }
  readonly #latStart: number
  readonly #lonStart: number

  constructor(topic: string, packetId: number, run: string, place: number) {
    const name = Buffer.from(topic)
    const text = positionText(run)
    const payload = Buffer.from(text)
    const rest = 2 + name.length + 2 + payload.length
    const variable = Buffer.alloc(4 + name.length)
    variable.writeUInt16BE(name.length, 0)
    name.copy(variable, 2)
    variable.writeUInt16BE(packetId, 2 + name.length)
    this.bytes = Buffer.concat([Buffer.from([0x32, (rest & 0x7f) | 0x80, rest >> 7]), variable, payload])
    const begin = this.bytes.length - payload.length
    this.#at = {
      id: begin + text.indexOf('0'.repeat(idDigits)),
      time: begin + text.indexOf('"time":') + 7,
      lat: begin + text.indexOf('"lat":') + 6,
      lon: begin + text.indexOf('"lon":') + 6,
    }
    this.#latStart = Math.round(corner.latitude * 1e7) + ((place * 7919) % spreadSteps)
    this.#lonStart = Math.round(corner.longitude * 1e7) + ((place * 104_729) % spreadSteps)
  }

  stamp(id: number, atMs: number): void {
    const drift = id % driftSteps
    digits(this.bytes, this.#at.id, idDigits, id)
    digits(this.bytes, this.#at.time, timeDigits, atMs)
    degrees(this.bytes, this.#at.lat, 2, this.#latStart + drift)
    degrees(this.bytes, this.#at.lon, 3, this.#lonStart + drift)
  }
}

function positionText(run: string): string {
  const start = `{"id":"${run}-${'0'.repeat(idDigits)}","time":${'0'.repeat(timeDigits)},"lat":00.0000000,"lon":000.0000000`
  const fields = `${start},"accuracyM":8,"speedKmh":4.5,"headingDeg":120,"satellites":9,"hdop":1.1,"battery":80,"pad":"`
  return `${fields}${'.'.repeat(payloadBytes - fields.length - 2)}"}`
}

function degrees(target: Buffer, at: number, whole: number, steps: number): void {
  digits(target, at, whole, Math.floor(steps / 1e7))
  digits(target, at + whole + 1, 7, steps % 1e7)
}

function digits(target: Buffer, at: number, count: number, value: number): void {
  let rest = value
  for (let i = at + count - 1; i >= at; i--) {
    target[i] = 48 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
}
