import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { SerialPort } from 'serialport'
import { GatewayError } from '../../gateway/errors.ts'
import { farEndOf, type ModbusOptions } from './options.ts'

type Serial = Extract<ModbusOptions, { transport: 'serial' }>
type OverTcp = Exclude<ModbusOptions, Serial>

/** Opens the line or connection. Rejects with LINK_CONNECT; `signal` calls it off. */
export async function openLink(options: ModbusOptions, signal: AbortSignal): Promise<Duplex> {
  try {
    return options.transport === 'serial' ? await openSerial(options) : await openSocket(options, signal)
  } catch (error) {
    throw new GatewayError('LINK_CONNECT', `Modbus ${farEndOf(options)}`, { cause: error })
  }
}

async function openSerial({ path, baudRate, dataBits, parity, stopBits }: Serial): Promise<Duplex> {
  const port = new SerialPort({ path, baudRate, dataBits, parity, stopBits, autoOpen: false })
  await new Promise<void>((resolve, reject) => {
    port.open((error) => (error === null || error === undefined ? resolve() : reject(error)))
  })
  return port
}

async function openSocket({ host, port, connectWithin }: OverTcp, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 })
  const late = setTimeout(() => socket.destroy(new Error('no answer in time')), connectWithin)
  const callOff = () => socket.destroy(new Error('the gateway is stopping'))
  signal.addEventListener('abort', callOff)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return socket
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', callOff)
    socket.removeAllListeners('connect').removeAllListeners('error')
  }
}
