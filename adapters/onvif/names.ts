/** Namespaces and actions of ONVIF's services (ONVIF Core Specification, WS-BaseNotification 1.3). */
export const ns = {
  soap12: 'http://www.w3.org/2003/05/soap-envelope',
  soap11: 'http://schemas.xmlsoap.org/soap/envelope/',
  addressing: 'http://www.w3.org/2005/08/addressing',
  security: 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd',
  securityUtility: 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd',
  notification: 'http://docs.oasis-open.org/wsn/b-2',
  schema: 'http://www.onvif.org/ver10/schema',
  device: 'http://www.onvif.org/ver10/device/wsdl',
  events: 'http://www.onvif.org/ver10/events/wsdl',
  media: 'http://www.onvif.org/ver10/media/wsdl',
  topics: 'http://www.onvif.org/ver10/topics',
  errors: 'http://www.onvif.org/ver10/error',
  resource: 'http://docs.oasis-open.org/wsrf/r-2',
  faults: 'http://docs.oasis-open.org/wsrf/bf-2',
} as const

export const passwordDigest =
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest'
export const base64Binary =
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary'
/** Core Specification, 9.7.2: topics with `|` between them and `//.` for all below. */
export const concreteSet = 'http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet'

const pullPoint = `${ns.events}/PullPointSubscription`
const manager = 'http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager'

/** WS-Addressing action of each operation; some devices go by it alone. */
export const actions = {
  GetSystemDateAndTime: `${ns.device}/GetSystemDateAndTime`,
  GetServices: `${ns.device}/GetServices`,
  GetCapabilities: `${ns.device}/GetCapabilities`,
  GetProfiles: `${ns.media}/GetProfiles`,
  GetSnapshotUri: `${ns.media}/GetSnapshotUri`,
  CreatePullPointSubscription: `${ns.events}/EventPortType/CreatePullPointSubscriptionRequest`,
  PullMessages: `${pullPoint}/PullMessagesRequest`,
  SetSynchronizationPoint: `${pullPoint}/SetSynchronizationPointRequest`,
  Subscribe: 'http://docs.oasis-open.org/wsn/bw-2/NotificationProducer/SubscribeRequest',
  Renew: `${manager}/RenewRequest`,
  Unsubscribe: `${manager}/UnsubscribeRequest`,
} as const

export type Operation = keyof typeof actions
