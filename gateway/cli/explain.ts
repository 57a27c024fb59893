import { pino } from 'pino'
import type { Configuration } from '../../config/schema.ts'
import { openDesk } from '../desk.ts'
import { GatewayError } from '../errors.ts'
import { explainMessage, type StoredMessage } from '../intake/explain.ts'
import { aroundId, uuidPattern } from '../store/message-id.ts'
import { callApi, runningAddress } from './ask-gateway.ts'

/** How a stored message is understood today, step by step: bytes, reports, and what triage makes of them on their own. */
export async function explain(configuration: Configuration, id: string): Promise<string | null> {
  if (!uuidPattern.test(id)) return null
  const running = await runningAddress(configuration)
  if (running !== null) {
    const response = await callApi(running, configuration, `/v1/messages/${encodeURIComponent(id)}/explanation`)
    if (response.status === 404) return null
    if (!response.ok)
      throw new GatewayError('STORE_UNAVAILABLE', `${running} answered ${response.status}: ${await response.text()}`)
    return response.text()
  }
  const { desk, database, sources, city, close } = await openDesk(configuration, pino({ level: 'silent' }))
  try {
    const message = await database.prisma.message.findFirst({ where: { id, ...aroundId(id) } })
    if (message === null) return null
    const { limits } = desk.understanding()
    return explainMessage(message as StoredMessage, sources, city.current(), limits)
  } finally {
    await close()
  }
}
