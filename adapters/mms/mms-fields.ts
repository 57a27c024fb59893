/** Assigned numbers of OMA-TS-MMS_ENC, 7.3, table 25, as far as they are read or written here. */
export const field = {
  contentLocation: 0x03,
  contentType: 0x04,
  date: 0x05,
  expiry: 0x08,
  from: 0x09,
  messageClass: 0x0a,
  messageType: 0x0c,
  version: 0x0d,
  messageSize: 0x0e,
  reportAllowed: 0x11,
  status: 0x15,
  subject: 0x16,
  to: 0x17,
  transactionId: 0x18,
  retrieveStatus: 0x19,
  retrieveText: 0x1a,
} as const

/** 7.2.23, less 128. */
export const messageType = {
  notificationInd: 2,
  notifyRespInd: 3,
  retrieveConf: 4,
} as const

/** 7.2.44, X-Mms-Status-value, less 128. */
export const status = { expired: 0, retrieved: 1, rejected: 2, deferred: 3, unrecognised: 4 } as const

/** 1.2, as a short integer: a major of three bits, a minor of four. Every centre understands it. */
export const version = 0x12
