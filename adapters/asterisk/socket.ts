import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as dial, type Socket } from 'node:net'
import { connect as dialTls } from 'node:tls'
import { describe, GatewayError } from '../../gateway/errors.ts'
import type { AmiOptions } from './ami-options.ts'

/** A connection that is up, TLS and all. Rejects with LINK_CONNECT, and then nothing is open. */
export async function openSocket(
  { host, port, tls, loginTimeout }: Pick<AmiOptions, 'host' | 'port' | 'tls' | 'loginTimeout'>,
  signal: AbortSignal,
): Promise<Socket> {
  const at = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }
  const socket = tls === 'none' ? dial(at) : dialTls({ ...at, ...trust(tls) })
  const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${loginTimeout} ms`)), loginTimeout)
  const abort = () => socket.destroy(new Error('stopped meanwhile'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    await once(socket, tls === 'none' ? 'connect' : 'secureConnect')
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw new GatewayError('LINK_CONNECT', `ami ${host}:${port}: ${describe(error)}`, { cause: error })
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

function trust({ ca, servername }: Exclude<AmiOptions['tls'], 'none'>) {
  return {
    ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
    ...(servername === undefined ? {} : { servername }),
  }
}
