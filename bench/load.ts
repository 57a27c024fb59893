import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LoadRequest, LoadResult } from './mqtt-load.ts'

const generator = fileURLToPath(new URL('./mqtt-load.js', import.meta.url))
let runs = 0
const start = Date.now().toString(36).slice(-5)

export type Load = Pick<LoadRequest, 'port' | 'connections' | 'window'> & Partial<LoadRequest>

function complete(load: Load): LoadRequest {
  runs++
  return {
    device: 'bench-',
    run: `${start}${String(runs % 1000).padStart(3, '0')}`,
    firstId: 1,
    perSecond: null,
    messages: null,
    warmUpMs: 0,
    forMs: 5_000,
    idle: false,
    ...load,
  }
}

/** Runs the generator to its end. Rejects when it does not end well, and ends it when it takes much too long. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const request = complete(load)
  const child = spawn(process.execPath, [generator, JSON.stringify(request)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), request.warmUpMs + request.forMs + 60_000)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  if (code !== 0) throw new Error(`the load generator ended with ${code}`)
  return JSON.parse(output) as LoadResult
}

/** Connections that say nothing, until they are let go. */
export async function holdIdle(load: Load): Promise<{ release(): Promise<void> }> {
  const request = { ...complete(load), idle: true }
  const child = spawn(process.execPath, [generator, JSON.stringify(request)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'close')
  const refused = exited.then(() => {
    throw new Error('the idle connections were not made')
  })
  await Promise.race([once(child.stdout, 'data'), refused])
  refused.catch(() => {})
  return {
    async release() {
      child.stdin.end()
      await exited
    },
  }
}
