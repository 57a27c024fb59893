import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'

/**
 * One process at a time may have the data folder open. Each that wants it listens on a socket of its own in the folder
 * and then looks for others: one that accepts a connection is alive, one that refuses is dead, whatever its pid means
 * today. Only a process that sees no other holds the folder; two that see each other both step back and try again.
 * Nothing has to be cleaned up after a kill -9: the kernel closes the socket.
 */
export interface FolderLock {
  /** From now on whoever waits is told that the folder will be free soon. */
  ending(): void
  release(): void
}

type State = 'waiting' | 'holding' | 'ending'

interface Other {
  /** Null where it did not say in time. */
  readonly state: State | null
  readonly pid: string
}

const prefix = 'lock-'
const answerTimeoutMs = 1_000

/**
 * Takes the current working folder, relative so that the socket's path is short however deep it lies. Waits up to
 * `waitMs` for a process that is ending or does not answer; one that holds on is reported at once with STORE_LOCKED.
 */
export async function lockFolder(gatewayPid: number, waitMs: number): Promise<FolderLock> {
  const deadline = Date.now() + waitMs
  let held = 0
  for (;;) {
    const candidate = await listen(gatewayPid)
    const others = await findOthers(candidate.name)
    if (others.length === 0 && existsSync(candidate.name)) return candidate.hold()
    candidate.release()

    const holder = others.find(({ state }) => state === 'holding')
    held = holder === undefined ? 0 : held + 1
    // A child whose gateway was killed this moment says that it holds until it has noticed: ask twice.
    const first = holder ?? others[0]
    if (first !== undefined && (held > 1 || Date.now() > deadline)) {
      throw new GatewayError('STORE_LOCKED', `${process.cwd()} is held by the gateway with pid ${first.pid}`)
    }
    await delay(holder === undefined ? 20 + Math.random() * 150 : 500)
  }
}

interface Candidate extends FolderLock {
  readonly name: string
  hold(): FolderLock
}

async function listen(gatewayPid: number): Promise<Candidate> {
  const name = `${prefix}${process.pid}-${randomBytes(4).toString('hex')}`
  let state: State = 'waiting'
  const server: Server = createServer((socket) => {
    socket.on('error', () => {})
    socket.end(`${state} ${gatewayPid}`)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(name, resolve)
  })
  const candidate: Candidate = {
    name,
    hold() {
      state = 'holding'
      return candidate
    },
    ending() {
      state = 'ending'
    },
    // Closing removes the socket's file too.
    release() {
      server.close()
    },
  }
  return candidate
}

async function findOthers(own: string): Promise<Other[]> {
  const names = readdirSync('.').filter((name) => name.startsWith(prefix) && name !== own)
  const answers = await Promise.all(names.map(ask))
  return answers.filter((answer) => answer !== null)
}

/** Null when nobody listens there any more; its file is removed. */
function ask(name: string): Promise<Other | null> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(name)
    const settle = (other: Other | null) => {
      socket.destroy()
      resolve(other)
    }
    const [, pidOfName = '?'] = name.split('-')
    socket.setTimeout(answerTimeoutMs, () => settle({ state: null, pid: pidOfName }))
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('end', () => {
      const [state, pid = pidOfName] = answer.split(' ')
      settle({ state: isState(state) ? state : null, pid })
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const dead = error.code === 'ECONNREFUSED' || error.code === 'ENOENT'
      if (error.code === 'ECONNREFUSED') remove(name)
      settle(dead ? null : { state: null, pid: pidOfName })
    })
  })
}

function isState(text: string | undefined): text is State {
  return text === 'waiting' || text === 'holding' || text === 'ending'
}

function remove(name: string): void {
  try {
    unlinkSync(name)
  } catch {
    // Another one that wants the folder was quicker.
  }
}
