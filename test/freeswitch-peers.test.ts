import { createRequire } from 'node:module'
import t from 'tap'
import { startPbx } from '../simulators/freeswitch-pbx.ts'

/**
 * FreeSWITCH cannot be had here, and simulator and codec could be wrong together. So a client of the Event Socket that nobody
 * here wrote (npm's modesl) listens to the simulator.
 */
const { Connection } = createRequire(import.meta.url)('modesl') as {
  readonly Connection: new (host: string, port: number, password: string, ready?: () => void) => EslConnection
}

interface EslConnection {
  on(event: string, listener: (event: EslMessage) => void): void
  api(command: string, answered: (event: EslMessage) => void): void
  events(format: 'json' | 'plain', names: string, subscribed: () => void): void
  disconnect(): void
}

interface EslMessage {
  getHeader(name: string): string | null
  getBody(): string
}

for (const format of ['json', 'plain'] as const)
  t.test(`modesl hears the simulator's calls (${format})`, async (t) => {
    const pbx = await startPbx({ eslPort: 0, cdr: null })
    t.teardown(() => pbx.stop())
    const ended: (string | null)[][] = []
    const keys: (string | null)[] = []
    const heard = new Promise<void>((resolve, reject) => {
      const connection = new Connection('127.0.0.1', pbx.eslPort ?? 0, 'ClueCon', () => {
        connection.events(format, 'CHANNEL_HANGUP_COMPLETE DTMF', () => {
          connection.api('show channels as json', (answer) => {
            t.same(JSON.parse(answer.getBody()), { row_count: 0 })
            void pbx
              .call({ digits: '4*2', caller: '13812345678' })
              .then(() => pbx.call({ outcome: 'refused', digits: '' }))
          })
        })
      })
      t.teardown(() => connection.disconnect())
      connection.on('error', () => reject(new Error('modesl: error')))
      connection.on('esl::event::DTMF::*', (event) => keys.push(event.getHeader('DTMF-Digit')))
      connection.on('esl::event::CHANNEL_HANGUP_COMPLETE::*', (event) => {
        ended.push([event.getHeader('Hangup-Cause'), event.getHeader('variable_sip_from_display')])
        if (ended.length === 4) resolve()
      })
    })
    await heard
    t.strictSame(keys, ['4', '*', '2'])
    t.strictSame(
      ended.map(([cause]) => cause),
      ['NORMAL_CLEARING', 'NORMAL_CLEARING', 'CALL_REJECTED', 'CALL_REJECTED'],
    )
    t.equal(ended[1]?.[1], '"来电 13812345678"', 'a value with quotation marks and Chinese')
  })

t.test('modesl is told that its password is wrong', async (t) => {
  const pbx = await startPbx({ eslPort: 0, cdr: null })
  t.teardown(() => pbx.stop())
  await new Promise<void>((resolve) => {
    const connection = new Connection('127.0.0.1', pbx.eslPort ?? 0, 'guess')
    connection.on('esl::event::auth::fail', () => resolve())
    t.teardown(() => connection.disconnect())
  })
  t.strictSame(pbx.esl.commands, ['auth'])
})
