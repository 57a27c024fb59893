import { fileURLToPath } from 'node:url'
import { defineConfig } from 'prisma/config'

// Every command of Prisma, `generate` too, first fetches a schema engine that it hardly ever uses. The stub stands in
// for it, so that the package builds from the registry alone; what does need the engine fails instead of doing nothing.
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= fileURLToPath(new URL('prisma/schema-engine-stub.mjs', import.meta.url))

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
})
