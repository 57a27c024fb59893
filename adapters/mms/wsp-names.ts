/** Assigned numbers of WAP-230-WSP, appendix A, as far as MMS meets them. */

/** Table 40, content types. */
const contentTypes: Readonly<Record<number, string>> = {
  0: '*/*',
  1: 'text/*',
  2: 'text/html',
  3: 'text/plain',
  6: 'text/x-vcalendar',
  7: 'text/x-vcard',
  11: 'multipart/*',
  12: 'multipart/mixed',
  13: 'multipart/form-data',
  15: 'multipart/alternative',
  16: 'application/*',
  28: 'image/*',
  29: 'image/gif',
  30: 'image/jpeg',
  31: 'image/tiff',
  32: 'image/png',
  33: 'image/vnd.wap.wbmp',
  34: 'application/vnd.wap.multipart.*',
  35: 'application/vnd.wap.multipart.mixed',
  36: 'application/vnd.wap.multipart.form-data',
  38: 'application/vnd.wap.multipart.alternative',
  39: 'application/xml',
  40: 'text/xml',
  51: 'application/vnd.wap.multipart.related',
  59: 'application/xhtml+xml',
  62: 'application/vnd.wap.mms-message',
  79: 'audio/*',
  80: 'video/*',
}

const numberOfType = new Map(Object.entries(contentTypes).map(([number, name]) => [name, Number(number)]))

export const contentTypeOf = (number: number): string => contentTypes[number] ?? `application/x-wsp-${number}`

export const contentTypeNumber = (name: string): number | null => numberOfType.get(name) ?? null

export const mmsMessage = 'application/vnd.wap.mms-message'
export const multipartMixed = 'application/vnd.wap.multipart.mixed'
export const multipartRelated = 'application/vnd.wap.multipart.related'

/** Table 38, parameters. Numbers above 0x11 are the same words with a value of another form. */
export const parameterNames: Readonly<Record<number, string>> = {
  0: 'q',
  1: 'charset',
  2: 'level',
  3: 'type',
  5: 'name',
  6: 'filename',
  7: 'differences',
  8: 'padding',
  9: 'type',
  10: 'start',
  11: 'start-info',
  12: 'comment',
  13: 'domain',
  14: 'max-age',
  15: 'path',
  16: 'secure',
  17: 'sec',
  18: 'mac',
  19: 'creation-date',
  20: 'modification-date',
  21: 'read-date',
  22: 'size',
  23: 'name',
  24: 'filename',
  25: 'start',
  26: 'start-info',
  27: 'comment',
  28: 'domain',
  29: 'path',
}

/** Table 39, header fields of a part. */
export const headerContentLocation = 0x0e
export const headerContentDisposition: readonly number[] = [0x2e, 0x45]
export const headerContentId = 0x40
export const headerApplicationId = 0x2f
