import { createServer } from 'node:net'
import { Aedes } from 'aedes'

/** The library alone, as a user would start it: acknowledges at once and stores nothing. Prints its port. */
const aedes = await Aedes.createBroker()
const server = createServer({ noDelay: true }, aedes.handle)
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) process.stdout.write(`${address.port}\n`)
})
process.stdin.once('end', () => process.exit(0)).resume()
