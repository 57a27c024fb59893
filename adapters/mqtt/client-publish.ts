import type { MqttClient } from 'mqtt'
import { GatewayError } from '../../gateway/errors.ts'

const noMatchingSubscribers = 16

/** Resolves with whether somebody is subscribed, as far as the broker tells; rejects when the outcome is unknown. */
export function publish(client: MqttClient, topic: string, payload: Buffer, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let subscribed = true
    const settle = (error: Error | null): void => {
      clearTimeout(timer)
      client.off('packetreceive', receive)
      client.off('close', lost)
      if (error === null) resolve(subscribed)
      else reject(new GatewayError('LINK_LOST', `notice on ${topic}: ${error.message}`, { cause: error }))
    }
    const timer = setTimeout(() => settle(new Error(`no PUBACK in ${timeoutMs} ms`)), timeoutMs)
    const lost = (): void => settle(new Error('the connection was lost'))
    client.once('close', lost)
    client.publish(topic, payload, { qos: 1 }, (error) => settle(error ?? null))
    const messageId = client.getLastMessageId()
    // The callback of publish is not given the reason code.
    const receive: Parameters<typeof client.on<'packetreceive'>>[1] = (packet) => {
      if (packet.cmd === 'puback' && packet.messageId === messageId && packet.reasonCode === noMatchingSubscribers) {
        subscribed = false
      }
    }
    client.on('packetreceive', receive)
  })
}
