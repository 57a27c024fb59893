import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import type { PositionReport } from '../gateway/report.ts'
import { NmeaSource } from '../simulators/nmea-source.ts'
import { drive, recorded } from '../simulators/nmea-vehicle.ts'
import { assemble, have, land, noon, positions, Stage, until } from './nmea-stage.ts'

/** Against programs that others wrote: gpsd, gpsbabel and socat of the distribution. */
const missing = (...programs: string[]): string | false => {
  const first = programs.find((program) => !have(program) && !existsSync(`/usr/sbin/${program}`))
  return first === undefined ? false : `${first} is not installed`
}

const fixed = { by: 'fixed', id: 'v-001' }
const start = { latitude: 32.39, longitude: 119.41, at: new Date() }

interface Tpv {
  readonly class: string
  readonly time?: string
  readonly lat?: number
  readonly lon?: number
}

function fixes(output: string): Tpv[] {
  return output
    .split('\n')
    .filter((text) => text.startsWith('{"class":"TPV"'))
    .map((text): Tpv => JSON.parse(text))
    .filter(({ time, lat }) => time !== undefined && lat !== undefined)
}

/** How many of our positions gpsd has too; a place that differs fails. */
function compare(
  t: { fail(message: string): unknown },
  ours: readonly PositionReport[],
  theirs: readonly Tpv[],
): number {
  let same = 0
  for (const { deviceTime, gps } of ours) {
    if (deviceTime === null || gps?.latitude == null || gps.longitude === null) continue
    const { latitude, longitude } = gps
    const timeOfDay = deviceTime.toISOString().slice(11)
    const sameTime = theirs.filter(({ time }) => time?.slice(11) === timeOfDay)
    const near = sameTime.some(
      ({ lat = 99, lon = 999 }) => Math.abs(lat - latitude) < 1e-6 && Math.abs(lon - longitude) < 1e-6,
    )
    if (near) same++
    else if (sameTime.length > 0)
      t.fail(`${timeOfDay}: ${latitude} ${longitude}, gpsd says ${JSON.stringify(sameTime)}`)
  }
  return same
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

t.test('gpsdecode and this gateway read the same places from one log', { skip: missing('gpsdecode') }, async (t) => {
  for (const name of ['sirf-v-one-hertz', 'trimble-rtk-eight-decimals', 'bad-checksum-in-every-epoch']) {
    const log = readFileSync(`${packageRoot}test/cases/nmea/${name}/input.nmea`)
    const output = execFileSync('gpsdecode', { input: log, encoding: 'utf8', maxBuffer: 1 << 26 })
    const ours = positions(assemble([log]).map((message) => land(message)))
    t.ok(compare(t, ours, fixes(output)) > 5, name)
  }
})

t.test('gpsdecode reads what the vehicle simulator writes', { skip: missing('gpsdecode') }, async (t) => {
  const log = Buffer.concat(
    [...drive({ seed: 8, start, epochs: 50, intervalMs: 1000, speedKmh: 40 })].map(({ bytes }) => bytes),
  )
  const output = execFileSync('gpsdecode', { input: log, encoding: 'utf8', maxBuffer: 1 << 26 })
  const ours = positions(assemble([log], start.at).map((message) => land(message, start.at)))
  t.equal(ours.length, 50)
  t.ok(compare(t, ours, fixes(output)) >= 49)
})

t.test('gpsbabel writes a track and every point of it arrives', { skip: missing('gpsbabel') }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nmea-'))
  const points = Array.from({ length: 20 }, (_, n) => ({ lat: 32.39 + n * 1e-4, lon: 119.41 - n * 1e-4 }))
  const track = points.map(({ lat, lon }, n) => {
    const time = new Date(noon.getTime() + n * 1000).toISOString()
    return `<trkpt lat="${lat}" lon="${lon}"><time>${time}</time><fix>3d</fix><sat>7</sat><hdop>1.5</hdop></trkpt>`
  })
  const gpx = `<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>${track.join('')}</trkseg></trk></gpx>`
  writeFileSync(join(folder, 'track.gpx'), gpx)
  execFileSync('gpsbabel', [
    '-t',
    '-i',
    'gpx',
    '-f',
    join(folder, 'track.gpx'),
    '-o',
    'nmea',
    '-F',
    join(folder, 'out'),
  ])
  const ours = positions(assemble([readFileSync(join(folder, 'out'))]).map((message) => land(message)))
  rmSync(folder, { recursive: true })
  t.equal(ours.length, points.length)
  for (const [n, { lat, lon }] of points.entries()) {
    const { latitude, longitude } = ours[n]?.gps ?? {}
    // gpsbabel writes three decimals of a minute.
    t.ok(Math.abs((latitude ?? 0) - lat) < 1e-5 && Math.abs((longitude ?? 0) - lon) < 1e-5)
    t.strictSame(ours[n]?.deviceTime, new Date(noon.getTime() + n * 1000))
  }
})

t.test('gpsd and this gateway read the same source over TCP', { skip: missing('gpsd', 'gpspipe') }, async (t) => {
  const source = new NmeaSource({
    target: { transport: 'tcp-listen', host: '127.0.0.1', port: 0 },
    epochs: drive({ seed: 6, start, epochs: 400, intervalMs: 1000, speedKmh: 30 }),
    speed: 50,
  })
  const sourcePort = await source.start()
  const gpsdPort = await freePort()
  const gpsd = spawn('gpsd', ['-N', '-n', '-S', String(gpsdPort), `tcp://127.0.0.1:${sourcePort}`], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  })
  const stage = new Stage()
  const adapter = stage.adapter({ transport: 'tcp-client', host: '127.0.0.1', port: sourcePort, subject: fixed })
  const viaGpsd = new Stage()
  const client = viaGpsd.adapter({
    ...{
      transport: 'tcp-client',
      host: '127.0.0.1',
      port: gpsdPort,
      gpsdWatch: 'raw',
      subject: { by: 'fixed', id: 'v-002' },
    },
  })
  let output = ''
  let pipe: ChildProcess | null = null
  try {
    await adapter.start()
    await until('gpsd listens', () => source.sent.length > 2)
    await connected(client)
    pipe = spawn('gpspipe', ['-w', `127.0.0.1:${gpsdPort}`], { stdio: ['ignore', 'pipe', 'ignore'] })
    pipe.stdout?.on('data', (bytes: Buffer) => {
      output += bytes.toString()
    })
    await until('gpsd has told some places', () => fixes(output).length > 20)
    t.ok(compare(t, stage.positions(), fixes(output)) > 15, 'from the source itself')
    await until('its raw sentences arrive', () => viaGpsd.positions().length > 5)
    t.ok(compare(t, viaGpsd.positions(), fixes(output)) > 0, 'through gpsd')
    t.notOk(
      viaGpsd.accepted.some(({ envelope }) => envelope.what === 'garbage'),
      'nothing of gpsd is garbage',
    )
  } finally {
    if (pipe !== null) await end(pipe)
    await source.stop()
    await adapter.stop()
    await client.stop()
    await end(gpsd)
  }
})

async function connected(adapter: { start(): Promise<void>; stop(): Promise<void> }): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await adapter.start()
    } catch (error) {
      if (attempt > 100) throw error
      await adapter.stop()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

t.test('a receiver on a serial port is read, and its loss is reported', { skip: missing('socat') }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nmea-'))
  const [near, far] = [join(folder, 'near'), join(folder, 'far')]
  const socat = spawn('socat', [`pty,link=${near},raw,echo=0`, `pty,link=${far},raw,echo=0`], { stdio: 'ignore' })
  try {
    await until('the ports are there', () => existsSync(near) && existsSync(far))
    const stage = new Stage()
    const adapter = stage.adapter({ transport: 'serial', path: near, baudRate: 38_400, subject: fixed })
    await adapter.start()
    const log = readFileSync(`${packageRoot}test/cases/nmea/sirf-v-one-hertz/input.nmea`)
    for (const { bytes } of recorded(log)) writeFileSync(far, bytes)
    const all = positions(assemble([log]).map((message) => land(message)))
    await until('all positions are there', () => stage.positions().length === all.length)
    t.strictSame(stage.positions(), all)
    await end(socat)
    await until('the loss is reported', () => stage.links.some(({ state }) => state === 'down'))
    await adapter.stop()
  } finally {
    await end(socat)
    rmSync(folder, { recursive: true })
  }
})
