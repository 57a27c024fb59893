import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { loadCity } from '../gateway/city/load-city.ts'
import { packageRoot } from '../gateway/package-root.ts'
import { Citizens } from '../simulators/citizens.ts'
import { pdusOf } from '../simulators/smpp-texts.ts'
import type { Watch } from './load.ts'
import { temporaryFolder } from './processes.ts'
import { placeholder } from './smpp-frames.ts'
import type { CentreRequest, CentreResult, SubmitsSeen } from './smpp-load.ts'

const generator = fileURLToPath(new URL('./smpp-load.js', import.meta.url))
const boundWithinMs = 30_000

/** A file of what citizens of the example city write, each text once, and how many of them there are in how many PDUs. */
export interface Messages {
  readonly file: string
  readonly texts: number
  readonly pdus: number
  readonly characters: number
}

/** `single`: those alone that fit into one PDU. */
export async function writeMessages(texts: number, single: boolean): Promise<Messages> {
  const { city } = await loadCity(join(packageRoot, 'config/city-example'))
  if (city === null) throw new Error('the example city does not load')
  const crowd = new Citizens(city, 20_261_123)
  const written = new Map<string, Buffer[]>()
  while (written.size < texts) {
    const { text } = crowd.next()
    const pdus = pdusOf({ from: placeholder, to: '10639812319', text })
    if (!single || pdus.length === 1) written.set(text, pdus)
  }
  const file = join(temporaryFolder(), 'messages')
  const lines = [...written.values()].map((pdus) => pdus.map((pdu) => pdu.toString('base64')).join(' '))
  await writeFile(file, `${lines.join('\n')}\n`)
  const characters = [...written.keys()].reduce((sum, text) => sum + text.length, 0)
  return { file, texts, pdus: [...written.values()].flat().length, characters: characters / texts }
}

export type CentreLoad = Pick<CentreRequest, 'window' | 'forMs'> & Partial<CentreRequest>

/** A message centre in a process of its own, for one ESME. */
export interface Centre {
  readonly port: number
  readonly pid: number
  /** Binds are answered from now on. */
  open(): void
  /** Resolves when somebody is bound. */
  bound(): Promise<void>
  run(load: CentreLoad, watch?: Watch): Promise<CentreResult>
  /** What was submitted since this was asked last. */
  submits(): Promise<SubmitsSeen>
  close(): Promise<void>
}

/** `closed`: binds are not answered before `open`. */
export async function startCentre({ file }: Messages, door: 'open' | 'closed' = 'open'): Promise<Centre> {
  const child = spawn(process.execPath, [generator, file, door], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let bound = false
  let heard: (line: string) => void = () => {}
  let watching: Watch = () => {}
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'counting' || line === 'counted') watching(line)
    else if (line === 'bound' || line === 'unbound') bound = line === 'bound'
    else heard(line)
  })
  const ended = exited.then(([code]) => {
    throw new Error(`the message centre ended with ${code}`)
  })
  ended.catch(() => {})
  const line = () =>
    Promise.race([
      ended,
      new Promise<string>((resolve) => {
        heard = resolve
      }),
    ])
  const ask = async (question: string) => {
    const answer = line()
    child.stdin.write(`${question}\n`)
    return JSON.parse(await answer) as unknown
  }
  const port = Number(await line())
  return {
    port,
    pid: child.pid ?? 0,
    open: () => void child.stdin.write('open\n'),
    async bound() {
      const deadline = Date.now() + boundWithinMs
      while (!bound) {
        if (Date.now() > deadline || child.exitCode !== null) throw new Error('nobody binds to the message centre')
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    async run(load, watch = () => {}) {
      watching = watch
      const request = { perSecond: null, pdus: null, warmUpMs: 0, againAfterMs: 200, ...load }
      return (await ask(JSON.stringify(request))) as CentreResult
    },
    submits: async () => (await ask('submits')) as SubmitsSeen,
    async close() {
      child.stdin.end()
      await exited
    },
  }
}
