import type { Adapter, AdapterContext, AdapterKind } from '../../gateway/adapter.ts'
import { type Clock, systemClock } from './clock.ts'
import { type NmeaOptions, nmeaListeners, nmeaOptions } from './options.ts'
import { decode } from './reports.ts'
import { NmeaSerial } from './serial.ts'
import { NmeaTcpClient } from './tcp-client.ts'
import { NmeaTcpServer } from './tcp-server.ts'
import { NmeaUdp } from './udp.ts'

/** NMEA 0183 over whatever carries it. It has no acknowledgement: a far end sees at most that its link is closed. */
export const nmea: AdapterKind<NmeaOptions> = {
  kind: 'nmea',
  channel: 'nmea',
  options: nmeaOptions,
  listeners: nmeaListeners,
  decode,
  // Two readers would cut one stream into epochs each in its own way, and what differs counts twice; many port servers take
  // one client anyway. A serial port is its machine's: the gateway that had its lease might be the one without it.
  exclusive: ({ transport }) => transport === 'tcp-client',
  create: (options, context) => createNmea(options, context, systemClock),
}

export function createNmea(options: NmeaOptions, context: AdapterContext, clock: Clock): Adapter {
  switch (options.transport) {
    case 'tcp-server':
      return new NmeaTcpServer(options, context, clock)
    case 'tcp-client':
      return new NmeaTcpClient(options, context, clock)
    case 'udp':
      return new NmeaUdp(options, context, clock)
    case 'serial':
      return new NmeaSerial(options, context, clock)
  }
}
