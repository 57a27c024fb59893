import { GatewayError, quote } from '../../gateway/errors.ts'
import { Octets, uintvar } from './octets.ts'
import { contentType, contentTypeValue, shortInteger } from './wsp.ts'
import { headerApplicationId, mmsMessage } from './wsp-names.ts'

/**
 * A push without connection (WAP-230-WSP, 8.2.1 and 8.2.4.1): transaction id, type, length of the headers, content type and
 * headers, data. It is what a datagram to port 2948 carries.
 */

const push = 0x06
/** Asks for a confirmation that a datagram cannot carry; some centres write it all the same. */
const confirmedPush = 0x07

/** The MMS PDU inside. Throws a `DECODE_` error when it is no push of an MMS message. */
export function readPush(datagram: Uint8Array): Uint8Array {
  const octets = new Octets(datagram, 'WAP push')
  octets.octet('transaction id')
  const type = octets.octet('type')
  if (type !== push && type !== confirmedPush) {
    throw new GatewayError('DECODE_UNSUPPORTED', `WAP push: WSP PDU of type 0x${type.toString(16)}`)
  }
  const headers = octets.within(octets.uintvar('length of headers'), 'headers')
  const media = contentType(headers).type
  if (media !== mmsMessage) throw new GatewayError('DECODE_UNSUPPORTED', `WAP push: content type ${quote(media)}`)
  return octets.rest()
}

/** X-Wap-Application-Id of the MMS user agent: `x-wap-application:mms.ua` (WINA, push application ids). */
const mmsUserAgent = 0x04

export function writePush(pdu: Uint8Array, transactionId: number): Uint8Array {
  const headers = Buffer.concat([
    contentTypeValue(mmsMessage),
    shortInteger(headerApplicationId),
    shortInteger(mmsUserAgent),
  ])
  return Buffer.concat([Uint8Array.of(transactionId & 0xff, push), uintvar(headers.length), headers, pdu])
}
