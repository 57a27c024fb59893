import { createHash } from 'node:crypto'
import { writeBlock } from './block.ts'

/** What is said to the exchange, as octets. */

export function challenge(actionId: string): Buffer {
  return writeBlock([
    ['Action', 'Challenge'],
    ['ActionID', actionId],
    ['AuthType', 'MD5'],
  ])
}

export interface Credentials {
  readonly username: string
  readonly secret: string
  /** The challenge that was given; `null`: the secret is sent as it is. */
  readonly challenge: string | null
  /** Classes of events: `system,call,cdr`. */
  readonly events: string
}

export function login(actionId: string, { username, secret, challenge, events }: Credentials): Buffer {
  const proof: readonly (readonly [string, string])[] =
    challenge === null
      ? [['Secret', secret]]
      : [
          ['AuthType', 'MD5'],
          ['Key', loginKey(challenge, secret)],
        ]
  return writeBlock([['Action', 'Login'], ['ActionID', actionId], ['Username', username], ...proof, ['Events', events]])
}

export function loginKey(challenge: string, secret: string): string {
  return createHash('md5').update(`${challenge}${secret}`).digest('hex')
}

export function simpleAction(action: 'Ping' | 'Logoff' | 'CoreShowChannels', actionId: string): Buffer {
  return writeBlock([
    ['Action', action],
    ['ActionID', actionId],
  ])
}
