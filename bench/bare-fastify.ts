import Fastify from 'fastify'

/** The framework alone, as a user would start it: reads JSON, answers, stores nothing. */
const app = Fastify({ bodyLimit: 64 * 1024 * 1024 })
app.post('/', async () => ({ receipt: 'stored' }))
const at = await app.listen({ host: '127.0.0.1', port: 0 })
process.stdout.write(`${at}\n`)
process.stdin.once('end', () => process.exit(0)).resume()
