/** What data_coding 0, the SMSC default alphabet, means on a link. */
export const defaultCodings = ['gsm', 'gsm-packed', 'latin1', 'ascii', 'ucs2', 'gb18030'] as const
export type DefaultCoding = (typeof defaultCodings)[number]

/** How the octets of a text are read. `octets`: nobody knows; see `guessed`. */
export const textCodings = [
  ...defaultCodings,
  'utf8',
  'octets',
  'japanese',
  'iso-2022-jp',
  'iso-8859-5',
  'iso-8859-8',
  'ks-c-5601',
] as const
export type TextCoding = (typeof textCodings)[number]
