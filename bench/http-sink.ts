import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Takes whatever is sent to it. */
export interface HttpSink {
  readonly port: number
  requests(): number
  /** Resolves when nothing has come for a second. */
  quiet(): Promise<void>
  close(): Promise<void>
}

const quietMs = 1000
// Kannel takes any answer but 200 for a failure.
const plain = { 'content-type': 'text/plain' }

export async function startSink(): Promise<HttpSink> {
  let requests = 0
  let lastAt = 0
  const server = createServer((request, response) => {
    requests++
    lastAt = Date.now()
    request.resume().once('end', () => response.writeHead(200, plain).end())
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    requests: () => requests,
    async quiet() {
      const deadline = Date.now() + 120_000
      while (Date.now() - lastAt < quietMs && Date.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 50))
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
