import { connect, type Socket } from 'node:net'

export interface HttpLoad {
  readonly url: string
  readonly contentType: string
  readonly connections: number
  readonly seconds: number
  /** Another one each time. */
  body(): Buffer
}

export interface HttpRate {
  /** Answered with 200, a second. */
  readonly perSecond: number
  readonly refused: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Each connection posts, waits for the answer, and posts again. Written on bare sockets, so that it costs little. */
export async function load({ url, contentType, connections, seconds, body }: HttpLoad): Promise<HttpRate> {
  const { hostname, port, pathname } = new URL(url)
  const head = `POST ${pathname} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: ${contentType}\r\ncontent-length: `
  const times: number[] = []
  let refused = 0
  const began = performance.now()
  const until = began + seconds * 1000
  await Promise.all(Array.from({ length: connections }, () => run(connect(Number(port), hostname))))
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0
  const elapsed = (performance.now() - began) / 1000
  return { perSecond: (times.length - refused) / elapsed, refused, p50Ms: at(0.5), p99Ms: at(0.99) }

  async function run(socket: Socket): Promise<void> {
    socket.setNoDelay(true)
    const answers = statuses(socket)
    while (performance.now() < until) {
      const bytes = body()
      const sent = performance.now()
      socket.cork()
      socket.write(`${head}${bytes.length}\r\n\r\n`)
      socket.write(bytes)
      socket.uncork()
      const { value: status, done } = await answers.next()
      if (done === true) throw new Error(`${url}: the connection was closed`)
      times.push(performance.now() - sent)
      if (status !== 200) refused++
    }
    socket.destroy()
  }
}

async function* statuses(socket: Socket): AsyncGenerator<number> {
  let held = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    held += chunk.toString('latin1')
    for (;;) {
      const end = held.indexOf('\r\n\r\n')
      const length = Number(/content-length: *(\d+)/i.exec(held.slice(0, Math.max(end, 0)))?.[1] ?? 0)
      if (end < 0 || held.length < end + 4 + length) break
      const status = Number(held.slice(9, 12))
      held = held.slice(end + 4 + length)
      yield status
    }
  }
}
