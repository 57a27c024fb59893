import { randomBytes } from 'node:crypto'
import type { AdapterCommand } from '../../gateway/adapter.ts'
import { tokenLine } from './credentials.ts'
import { isDeviceName } from './topics.ts'

/**
 * Makes a device's token. The line goes to standard output, to be appended to the credentials file; the token itself is
 * said once, beside it, and is stored nowhere.
 */
export const credentialCommand: AdapterCommand = {
  synopsis: 'credential <name> [--role bridge]',
  summary: 'a line for the credentials file of mqtt-broker, and the token that goes into the device',
  options: ['role'],
  run({ values, positionals }) {
    const [name, ...more] = positionals
    const { role = 'device' } = values
    if (name === undefined || more.length > 0 || !isDeviceName(name)) return null
    if (role !== 'device' && role !== 'bridge') return null
    const token = randomBytes(24).toString('base64url')
    return { output: tokenLine(name, token, role), remark: `The token of ${name}, shown this once: ${token}` }
  },
}
