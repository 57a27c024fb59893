import fs, { existsSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

// Loaded into the embedded database's process by a test: a disk that fails from the moment the named file is there.

const trigger = process.env.CHENGGUAN_TEST_FAULT ?? ''
const [call, code, path] = trigger.split(':')

function broken(): void {
  if (path === undefined || !existsSync(path)) return
  throw Object.assign(new Error(`${code}: made by a test`), { code })
}

if (call === 'fsync') {
  const { fsyncSync } = fs
  fs.fsyncSync = (descriptor) => {
    broken()
    fsyncSync(descriptor)
  }
}
if (call === 'write') {
  const { writeSync } = fs
  const failing = (...call: Parameters<typeof writeSync>) => {
    // Its last words on stderr are let through.
    if (call[0] > 2) broken()
    return writeSync(...call)
  }
  fs.writeSync = failing as typeof writeSync
}
syncBuiltinESMExports()
