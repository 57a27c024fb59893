#!/usr/bin/env node
// Stands in for Prisma's schema engine, see prisma.config.ts. It must fail: Prisma takes an engine that exits with 0 for
// one that has migrated the database.
if (process.argv.includes('--version')) {
  process.stdout.write('schema-engine-cli 0edf323efd1d98336f3f0a68684b56f689b900d3\n')
} else {
  process.stderr.write('no schema engine: migrations are applied by the gateway, and written with `npm run drift`\n')
  process.exitCode = 1
}
