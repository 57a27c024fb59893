import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { nvrFrigate } from '../adapters/nvr/frigate.ts'
import { nvrMotion } from '../adapters/nvr/motion.ts'
import type { Inbound } from '../gateway/adapter.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { freePort, launch, missing, type Program, type VideoStage, videoStage } from './video-stage.ts'

function folderFor(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'nvr-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A box that crosses a grey yard between the fourth and the seventh of every ten seconds. */
async function scene(t: Test, folder: string, seconds: number): Promise<string> {
  const file = join(folder, 'scene.mkv')
  const yard = `color=c=gray:s=320x240:r=10:d=${seconds}`
  const box = `color=c=white:s=60x60:r=10:d=${seconds}`
  const moving = "[0][1]overlay=x='if(between(mod(t,10),4,7),mod(t*80,260),-100)':y=90:shortest=1"
  const inputs = ['-f', 'lavfi', '-i', yard, '-f', 'lavfi', '-i', box, '-filter_complex', moving]
  const ffmpeg = launch(t, 'ffmpeg', [
    '-hide_banner',
    '-loglevel',
    'error',
    ...inputs,
    '-c:v',
    'mpeg4',
    '-q:v',
    '5',
    file,
  ])
  t.equal(await ffmpeg.ended, 0, ffmpeg.said())
  return file
}

/** The lines of docs/cameras-nvr.md, with this gateway's address in them. */
function documentedHooks(url: string): string {
  const guide = readFileSync(`${packageRoot}docs/cameras-nvr.md`, 'utf8')
  const lines = guide.match(/^on_\w+ curl .*$/gm) ?? []
  return lines.map((line) => line.replaceAll('http://gateway:8080/ingest/yard', url)).join('\n')
}

t.test(
  "motion's real motion: its own tally equals what came in",
  { skip: missing('motion', 'ffmpeg', 'curl'), timeout: 120_000 },
  async (t) => {
    const stage = await videoStage(t, nvrMotion, { key: 'word', cameras: { '7': 'c-007' } })
    await stage.adapter.start()
    // Before a hook has reached the gateway it is tried again, as curl does it on a 503.
    let refusals = 0
    stage.intake.refuse = () => refusals++ === 0
    const folder = folderFor(t)
    const config = [
      'daemon off',
      'log_level 6',
      `target_dir ${folder}/pictures`,
      'webcontrol_port 0',
      'stream_port 0',
      `netcam_url file://${await scene(t, folder, 20)}`,
      'width 320',
      'height 240',
      'framerate 10',
      'threshold 500',
      'event_gap 1',
      'picture_output first',
      'movie_output off',
      'camera_id 7',
      documentedHooks(stage.url),
    ]
    writeFileSync(`${folder}/motion.conf`, `${config.join('\n')}\n`)
    const motion = launch(t, 'motion', ['-n', '-c', `${folder}/motion.conf`])
    const count = (pattern: RegExp) => motion.said().match(pattern)?.length ?? 0
    const deadline = Date.now() + 80_000
    while (count(/End of event/g) < 2) {
      if (Date.now() > deadline) break
      await new Promise((done) => setTimeout(done, 100))
    }
    await motion.end()
    const tally = { began: count(/starting event/g), ended: count(/End of event/g), pictures: count(/Writing image/g) }
    t.ok(tally.began >= 2 && tally.ended >= 2, motion.said())
    const ours = () => ({
      began: stage.alarms.filter(({ phase }) => phase === 'began').length,
      ended: stage.alarms.filter(({ phase }) => phase === 'ended').length,
      pictures: stage.alarms.filter(({ attachments }) => attachments.length > 0).length,
    })
    await stage.intake.until('the last hook is in', () => ours().ended === tally.ended && ours().began === tally.began)
    t.strictSame(ours(), tally)
    t.ok(refusals > tally.began, 'the one that was refused came again')
    t.ok(stage.alarms.every(({ subject, event }) => subject === 'c-007' && event === 'motion'))
    const occurrences = new Set(stage.alarms.map(({ occurrence }) => occurrence))
    t.equal(occurrences.size, tally.began, 'start, picture and end of one event have one name')
    for (const { deviceTime } of stage.alarms) t.ok(Math.abs((deviceTime?.getTime() ?? 0) - Date.now()) < 100_000)
    t.same(
      stage.alarms.flatMap(({ attachments }) => attachments.map(({ content }) => content?.length)).toSorted(),
      readdirSync(`${folder}/pictures`)
        .map((name) => readFileSync(`${folder}/pictures/${name}`).length)
        .toSorted(),
    )
    t.same(stage.malformed, [])
    t.equal(stage.intake.deadLetters, 0)
    const recordTo = process.env.CHENGGUAN_RECORD_MOTION
    if (recordTo !== undefined) record(stage.handed, recordTo)
  },
)

t.test(
  'a broker that nobody here wrote: what was published while the gateway was away comes when it is back',
  { skip: missing('mosquitto', 'mosquitto_pub') },
  async (t) => {
    const folder = folderFor(t)
    const port = await freePort()
    writeFileSync(`${folder}/mosquitto.conf`, `listener ${port} 127.0.0.1\nallow_anonymous true\n`)
    const mosquitto = launch(t, 'mosquitto', ['-c', `${folder}/mosquitto.conf`])
    const publish = async (name: string, retained = false) => {
      const from = `${packageRoot}test/cases/nvr/${name}`
      const topic = readFileSync(`${from}/input.topic`, 'utf8').trim()
      const words = ['-p', String(port), '-q', '1', '-t', topic, '-f', `${from}/input.payload`]
      const program = launch(t, 'mosquitto_pub', [...words, ...(retained ? ['-r'] : [])])
      t.equal(await program.ended, 0, program.said())
    }
    const block = { mqtt: { url: `mqtt://127.0.0.1:${port}`, clientId: 'gateway' }, cameras: { front_door: 'c-017' } }
    const stage = await videoStage(t, nvrFrigate, { ...block, snapshots: 'mqtt' })
    await startWhenThere(stage, mosquitto)
    await publish('frigate-new')
    await publish('frigate-snapshot')
    await stage.intake.until('both are stored', () => stage.alarms.length === 2)
    await stage.adapter.stop()
    for (const name of ['frigate-update-enters-a-zone', 'frigate-false-positive', 'frigate-end-with-sub-label'])
      await publish(name)
    await publish('frigate-time-that-is-none')
    await stage.adapter.start()
    await stage.intake.until('what was missed is there', () => stage.handed.length === 6)
    await stage.intake.until('it is stored', () => stage.intake.waiting === 0)
    t.strictSame(
      stage.alarms.map(({ phase, part }) => [phase, part]),
      [
        ['began', null],
        ['going-on', null],
        ['going-on', 'no_parking'],
        ['ended', 'yard'],
      ],
    )
    t.equal(new Set(stage.alarms.map(({ occurrence }) => occurrence)).size, 1, 'the picture, too, is of that object')
    t.equal(stage.intake.deadLetters, 1)
    await mosquitto.end()
    await stage.intake.until('the link is down', () => stage.links.at(-1)?.state === 'down')
  },
)

async function startWhenThere(stage: VideoStage, broker: Program): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    try {
      return await stage.adapter.start()
    } catch (error) {
      if (Date.now() > deadline) throw new Error(broker.said(), { cause: error })
      await new Promise((done) => setTimeout(done, 50))
    }
  }
}

/** Writes what motion posted, for test/cases/nvr. */
function record(handed: readonly Inbound[], folder: string): void {
  for (const [n, { raw, envelope }] of handed.entries()) {
    writeFileSync(join(folder, `${n}.query`), `${envelope.query}\n`)
    if (raw.length > 0) writeFileSync(join(folder, `${n}.body`), raw)
  }
}
