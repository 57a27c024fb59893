import { asteriskAmi } from '../adapters/asterisk/ami.ts'
import { asteriskCdr } from '../adapters/asterisk/cdr-file.ts'
import { freeswitchCdr } from '../adapters/freeswitch/cdr.ts'
import { freeswitchEsl } from '../adapters/freeswitch/esl.ts'
import { hikvisionPush } from '../adapters/hikvision/push.ts'
import { hikvisionStream } from '../adapters/hikvision/stream.ts'
import { mm7 } from '../adapters/mms/mm7-listener.ts'
import { mmsRetriever } from '../adapters/mms/retriever.ts'
import { modbus } from '../adapters/modbus/adapter.ts'
import { mqttBroker } from '../adapters/mqtt/broker.ts'
import { mqttClient } from '../adapters/mqtt/client.ts'
import { nmea } from '../adapters/nmea/adapter.ts'
import { nvrFrigate } from '../adapters/nvr/frigate.ts'
import { nvrMotion } from '../adapters/nvr/motion.ts'
import { onvifNotify } from '../adapters/onvif/notify.ts'
import { onvifPull } from '../adapters/onvif/pull-point.ts'
import { platformAlarms, platformSensors } from '../adapters/platform/alarms.ts'
import { platformCalls } from '../adapters/platform/calls.ts'
import { smppEsme } from '../adapters/smpp/esme.ts'
import { smppSmsc } from '../adapters/smpp/smsc.ts'
import type { AdapterKind } from './adapter.ts'

/** Every protocol this gateway speaks. The one place in `gateway/` that knows an adapter. */
export const adapterKinds: readonly AdapterKind<never>[] = [
  listed(mqttBroker),
  listed(mqttClient),
  listed(nmea),
  listed(modbus),
  listed(smppEsme),
  listed(smppSmsc),
  listed(mmsRetriever),
  listed(mm7),
  listed(platformCalls),
  listed(platformAlarms),
  listed(platformSensors),
  listed(onvifPull),
  listed(onvifNotify),
  listed(freeswitchCdr),
  listed(freeswitchEsl),
  listed(asteriskAmi),
  listed(asteriskCdr),
  listed(hikvisionStream),
  listed(hikvisionPush),
  listed(nvrFrigate),
  listed(nvrMotion),
]

/** The list forgets each kind's type of options: `decode` and `create` are only given what the same kind's schema made. */
function listed<Options>(kind: AdapterKind<Options>): AdapterKind<never> {
  return kind as unknown as AdapterKind<never>
}
