import type { MqttClient } from 'mqtt'
import { mqttBroker } from '../adapters/mqtt/broker.ts'
import { encodeUp } from '../adapters/mqtt/codec.ts'
import type { AdapterKind } from '../gateway/adapter.ts'
import { type Answered, type ContractDriver, type ContractPeer, runContract, takenPort } from './contract.ts'
import { connect, credentials, listed } from './mqtt-stage.ts'

const device = 'h-0001'

const options = (port: number) => mqttBroker.options.parse({ tcp: { port }, devices: listed(device) })

class MqttPeer implements ContractPeer {
  readonly #client: MqttClient

  constructor(client: MqttClient) {
    this.#client = client
  }

  /** PUBACK, or the line cut before it: MQTT 3.1.1 has no other way to say no. */
  send(quality: 'good' | 'malformed', n: number): Promise<Answered> {
    const time = new Date(Date.UTC(2026, 10, 23) + n * 1000).toISOString()
    const { topic, payload } = encodeUp(device, 'position', { time, lat: 32.39 + n / 10_000, lon: 119.42 })
    const bytes = quality === 'good' ? payload : Buffer.from(payload).subarray(0, -1)
    return new Promise((resolve) => {
      this.#client.once('close', () => resolve('refused'))
      if (!this.#client.connected) return resolve('refused')
      this.#client.publish(topic, Buffer.from(bytes), { qos: 1 }, (error) => {
        resolve(error === undefined || error === null ? 'acknowledged' : 'refused')
      })
    })
  }

  vanish(): void {
    this.#client.stream.destroy()
    this.#client.end(true)
  }
}

const driver: ContractDriver = {
  name: 'mqtt broker over tcp',
  kind: mqttBroker as unknown as AdapterKind<never>,
  options: options(0),
  acknowledges: true,
  taken: () => takenPort(options),
  async connect(link) {
    const at = (link.state === 'listening' ? link.at : '').split(' ').find((one) => one.startsWith('mqtt:')) ?? ''
    // Each connection is another client to MQTT: one with the same id would take the other's place.
    return new MqttPeer(await connect(at, { ...credentials(device), clientId: `contract-${Math.random()}` }))
  },
}

runContract(driver)
