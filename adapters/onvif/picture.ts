import { GatewayError } from '../../gateway/errors.ts'

/** What a snapshot is of; the errand's id, which finds the incident, is added when it is fetched. */
export interface Picture {
  readonly event: string
  readonly part: string | null
  /** Values of the alarm's source: one of them names the video source. */
  readonly tokens: readonly string[]
}

export const pictureText = ({ event, part, tokens }: Picture): string => JSON.stringify({ event, part, tokens })

export function readPicture(text: string): Picture {
  try {
    const { event, part, tokens } = JSON.parse(text) as Picture
    if (typeof event === 'string' && (part === null || typeof part === 'string') && Array.isArray(tokens))
      return { event, part, tokens: tokens.map(String) }
  } catch {}
  throw new GatewayError('DECODE_SYNTAX', 'ONVIF: what a snapshot is of')
}
