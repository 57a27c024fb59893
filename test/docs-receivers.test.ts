import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { packageRoot } from '../gateway/package-root.ts'
import { cloudEvent } from '../gateway/relay/cloud-event.ts'
import { deliver, signature } from '../gateway/relay/deliver.ts'
import type { Claimed } from '../gateway/relay/outbox.ts'

const key = Buffer.from('a key of thirty-two bytes, no less')
const secret = `whsec_${key.toString('base64')}`
const never = new AbortController().signal

function event(id: string): Claimed {
  const data = { text: '文昌中路120号门口井盖丢了' }
  const draft = {
    id,
    type: 'case-intent',
    subject: 'h-1',
    orderingKey: 'h-1',
    time: '2026-11-23T01:02:03Z',
    data,
  } as const
  return { seq: '1', eventId: id, body: cloudEvent(draft, '/chengguan/test'), attempts: 0, createdAt: new Date(0) }
}

/** A receiver of the documents as a process of its own, with every line that it says. */
async function startReceiver(t: Test, command: string, ...words: string[]) {
  const child = spawn(command, words, {
    env: { ...process.env, CHENGGUAN_SECRET: secret, PORT: '0', PYTHONUTF8: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const said: string[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => said.push(line))
  await once(lines, 'line')
  const port = /^listening on (\d+)$/.exec(said.shift() ?? '')?.[1]
  if (port === undefined) throw new Error('the receiver does not say where it listens')
  return { url: `http://127.0.0.1:${port}/events`, said, lines }
}

async function holdsItsPromises(t: Test, receiver: Awaited<ReturnType<typeof startReceiver>>): Promise<void> {
  const { url, said, lines } = receiver
  const endpoint = { url, key, timeoutMs: 10_000 }
  const [first, second] = [event('event-1'), event('event-2')]
  const seen = once(lines, 'line')
  t.same(await deliver([first], endpoint, never), { meaning: 'taken' })
  await seen
  t.match(said, [/^chengguan\.case-intent\.v1 event-1 \{/])

  t.match(await deliver([second], { ...endpoint, key: Buffer.from('another key') }, never), {
    meaning: 'later',
    why: /401/,
  })
  const body = `[${second.body}]`
  const nowS = Math.floor(Date.now() / 1000)
  const post = async (text: string, headers: Record<string, string>) => {
    const response = await fetch(url, { method: 'POST', body: text, headers })
    await response.arrayBuffer()
    return response.status
  }
  t.equal(await post(body.replace('120', '121'), signature('batch_1', nowS, body, key)), 401, 'a changed body')
  t.equal(await post(body, signature('batch_1', nowS - 3600, body, key)), 401, 'an old request, played again')
  t.equal(await post(body, {}), 401, 'no signature at all')

  const next = once(lines, 'line')
  t.same(await deliver([first, second], endpoint, never), { meaning: 'taken' })
  await next
  t.match(said, [/ event-1 /, / event-2 /])
  t.equal(said.length, 2, 'each event once, and none of the refused requests')
}

t.test('the receiver in TypeScript takes each event once and refuses what was tampered with', async (t) => {
  await holdsItsPromises(
    t,
    await startReceiver(t, process.execPath, join(packageRoot, 'dist/docs/examples/receiver.js')),
  )
})

t.test('the receiver in TypeScript does not start without its secret', async (t) => {
  const run = () =>
    execFileSync(process.execPath, [join(packageRoot, 'dist/docs/examples/receiver.js')], {
      env: { ...process.env, CHENGGUAN_SECRET: '', PORT: '0' },
      stdio: 'pipe',
    })
  t.throws(run, /CHENGGUAN_SECRET/)
})

const noPython = pythonMissing()

t.test(
  'the receiver in Python takes each event once and refuses what was tampered with',
  { skip: noPython },
  async (t) => {
    await holdsItsPromises(t, await startReceiver(t, 'python3', join(packageRoot, 'docs/examples/receiver.py')))
  },
)

function pythonMissing(): string | false {
  try {
    execFileSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'], { stdio: 'ignore' })
    return false
  } catch {
    return 'python3 of at least 3.9 is not installed'
  }
}
