import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
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

/** Called when counting begins and when it ends: without the cost of connecting and leaving. */
export type Watch = (moment: 'counting' | 'counted') => void

/** Runs the generator to its end. Rejects when it does not end well, and ends it when it takes much too long. */
export async function runLoad(load: Load, watch: Watch = () => {}): Promise<LoadResult> {
  const request = complete(load)
  const child = spawn(process.execPath, [generator, JSON.stringify(request)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), request.warmUpMs + request.forMs + 60_000)
  let last = ''
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = line
    if (line === 'counting' || line === 'counted') watch(line)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(timer)
  if (code !== 0) throw new Error(`the load generator ended with ${code}`)
  return JSON.parse(last) as LoadResult
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
