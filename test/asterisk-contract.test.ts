import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { asteriskAmi } from '../adapters/asterisk/ami.ts'
import { writeBlock } from '../adapters/asterisk/block.ts'
import { asteriskCdr } from '../adapters/asterisk/cdr-file.ts'
import { writeCsv } from '../adapters/asterisk/csv.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { SimulatedPbx } from '../simulators/asterisk-pbx.ts'
import { secretWord } from './asterisk-stage.ts'
import { runContract } from './contract.ts'

const listed = <Options>(kind: AdapterKind<Options>) => kind as unknown as AdapterKind<never>

const pbx = new SimulatedPbx({ secret: secretWord })
const port = await pbx.start()
t.teardown(() => pbx.stop())
const amiOptions = (to: number) => asteriskAmi.options.parse({ port: to, username: 'gateway', secret: secretWord })

/** Message `n`; a malformed one has a time that is none. */
const event = (quality: 'good' | 'malformed', n: number) =>
  writeBlock([
    ['Event', 'Hangup'],
    ['Timestamp', quality === 'good' ? `1795612890.${100_000 + n}` : `noon of day ${n}`],
    ['Channel', 'PJSIP/8001-00000011'],
    ['ChannelState', 0],
    ['Uniqueid', `1795612890.${n}`],
    ['Linkedid', '1795612890.1'],
    ['Cause', 17],
  ])

/** The adapter dials, so a peer of the contract is the exchange saying something; it vanishes with the link. */
runContract({
  name: 'asterisk-ami',
  kind: listed(asteriskAmi),
  options: amiOptions(port),
  acknowledges: false,
  async taken() {
    const late = new SimulatedPbx({ secret: secretWord })
    const at = await late.start()
    await late.stop()
    const again = new SimulatedPbx({ secret: secretWord, port: at })
    t.teardown(() => again.stop())
    return {
      options: amiOptions(at),
      release: async () => {
        await again.start()
      },
    }
  },
  async connect() {
    return {
      async send(quality, n) {
        pbx.say(event(quality, n))
        return 'unacknowledged'
      },
      vanish: () => pbx.cut(),
    }
  },
})

const folder = mkdtempSync(join(tmpdir(), 'asterisk-contract-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const cdrOptions = (file: string) =>
  asteriskCdr.options.parse({ file, pollEvery: '50ms', exchange: 'pbx', reread: '0B' })

const row = (quality: 'good' | 'malformed', n: number) => {
  const start = quality === 'good' ? '2026-11-25 21:38:50' : 'noon'
  const head = [
    '',
    '13800138000',
    '1231901',
    'hotline',
    '',
    'PJSIP/trunk-00000017',
    'PJSIP/8001-00000018',
    'Dial',
    '8001',
  ]
  return writeCsv([
    ...head,
    start,
    null,
    '2026-11-25 21:38:51',
    1,
    0,
    'BUSY',
    'DOCUMENTATION',
    `1795612890.${n}`,
    '',
    '',
    '',
    n,
  ])
}

const file = join(folder, 'Master.csv')
runContract({
  name: 'asterisk-cdr',
  kind: listed(asteriskCdr),
  options: cdrOptions(file),
  acknowledges: false,
  async taken() {
    const nowhere = join(folder, `later-${++files}`)
    return {
      options: cdrOptions(join(nowhere, 'Master.csv')),
      release: async () => void mkdirSync(nowhere),
    }
  },
  async connect() {
    return {
      async send(quality, n) {
        appendFileSync(file, row(quality, n))
        return 'unacknowledged'
      },
      vanish: () => {},
    }
  },
})
