import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from './processes.ts'

/** What a user would pick instead, each a process on loopback. */
export interface Peer {
  readonly port: number
  readonly pid: number
  /** SIGKILL. */
  crash(): Promise<void>
  close(): Promise<void>
}

const starting = 30_000

export async function startBareAedes(): Promise<Peer> {
  const file = fileURLToPath(new URL('./bare-aedes.js', import.meta.url))
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return peerOf(child, Number(line.toString()), async () => {})
}

/** Null when it is not installed. Its default queue of 1,000 would acknowledge what it then drops. */
export async function startMosquitto(): Promise<Peer | null> {
  const folder = temporaryFolder()
  const remove = () => rm(folder, { recursive: true, force: true })
  const port = await freePort()
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'max_queued_messages 0',
    'max_inflight_messages 100',
    'user root',
  ]
  await writeFile(join(folder, 'mosquitto.conf'), `${lines.join('\n')}\n`)
  const child = spawn('mosquitto', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' })
  try {
    await listening(port, child)
  } catch {
    await remove()
    return null
  }
  return peerOf(child, port, remove)
}

export function peerOf(child: ChildProcess, port: number, remove: () => Promise<void>): Peer {
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill(signal)
      await exited
    }
  }
  return {
    port,
    pid: child.pid ?? 0,
    crash: () => end('SIGKILL'),
    async close() {
      await end('SIGTERM')
      await remove()
    },
  }
}

/** Resolves when something listens there; rejects when the process ends first. */
export async function listening(port: number, child: ChildProcess): Promise<void> {
  let failed: Error | null = null
  child.once('error', (error) => {
    failed = error
  })
  const deadline = Date.now() + starting
  for (;;) {
    if (failed !== null || child.exitCode !== null || Date.now() > deadline)
      throw failed ?? new Error(`nothing listens on ${port}`)
    if (await answers(port)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
