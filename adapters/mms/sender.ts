import { subscriberUri } from '../../gateway/subscriber.ts'

/**
 * Addresses as MMS writes them (OMA-TS-MMS_ENC, 8): `+8613800138000/TYPE=PLMN`, an e-mail address, and what centres make of
 * these.
 */

/** Somebody who hides. A subject is never empty. */
export const anonymous = 'tel:anonymous'

export function senderUri(address: string | null, country: string): string {
  const plain = addressOf(address)
  if (plain === '') return anonymous
  const email = /^(?:.*<)?([^<>\s]+@[^<>\s]+?)>?$/.exec(plain)?.[1]
  return email === undefined ? subscriberUri(plain, country) : `mailto:${email.toLowerCase()}`
}

/** The number or address alone, as it came; `null`: none. */
export function recipient(address: string | null | undefined): string | null {
  const plain = addressOf(address ?? null)
  return plain === '' ? null : plain
}

function addressOf(address: string | null): string {
  return (
    (address ?? '')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/[\u0000-\u001f\u007f]/g, '')
      .replace(/\/TYPE=\w+$/i, '')
      .trim()
      .slice(0, 320)
      .toWellFormed()
  )
}
