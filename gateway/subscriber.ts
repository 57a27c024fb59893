/**
 * Subscribers' numbers in the gateway's own form: `tel:+` and the international number (RFC 3966). Service numbers and
 * alphanumeric senders have no international form and stay what they are: `tel:12319`, `tel:BANK`.
 */

/** Digits of an international number, E.164: at most 15. */
const longest = 15

/**
 * `country`: the country code without `+` (86). `international`: the far end says so itself (TON 1); `null` when it does
 * not say, and then a number that begins with the country code and is long enough, or with + or 00, is one.
 */
export function subscriberUri(number: string, country: string, international: boolean | null = null): string {
  const plain = number
    .trim()
    .replace(/^tel:/i, '')
    .replace(/[\s().-]/g, '')
  const explicit = /^(?:\+|00)(\d+)$/.exec(plain)?.[1]
  if (explicit !== undefined) return `tel:+${explicit.slice(0, longest)}`
  if (!/^\d+$/.test(plain)) return `tel:${plain}`
  if (international === true) return `tel:+${plain.slice(0, longest)}`
  const national = plain.replace(/^0+/, '')
  // Shorter than any subscriber number of a national network: a service number such as 12319 or 106575…'s base.
  if (national.length < shortestNational) return `tel:${plain}`
  if (country === '86' && servicePrefix.test(national)) return `tel:${plain}`
  const whole =
    plain.startsWith(country) && plain.length >= country.length + shortestMobile ? plain : `${country}${national}`
  return whole.length > longest ? `tel:${plain}` : `tel:+${whole}`
}

/** China's numbers of services, however many digits follow: SMS ports, and calls at the callee's cost. */
const servicePrefix = /^(?:106|400|800)/
const shortestNational = 9
const shortestMobile = 10

/** The international number without its `+`, or the service number: what an address field of a protocol takes. */
export function digitsOf(uri: string): string {
  return uri.replace(/^tel:\+?/, '')
}

/** Whether it is a number in international form. */
export function isInternational(uri: string): boolean {
  return uri.startsWith('tel:+')
}

/** For logs and lists: the last four digits stand for the whole. */
export function maskedSubscriber(uri: string): string {
  const digits = digitsOf(uri)
  return digits.length <= 6 ? uri : `tel:…${digits.slice(-4)}`
}
