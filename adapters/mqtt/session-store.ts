import memory from 'aedes-persistence'

const retainedBytes = 64 * 1024
const retainedTopicsPerDevice = 32

/**
 * What the broker remembers of its clients, in memory: subscriptions of persistent sessions, QoS 2 identifiers, wills,
 * and what devices asked to be retained under their own topics.
 *
 * It queues nothing for a client that is away. Notices wait in the gateway's own tables and are sent when their
 * addressee is there; a second queue here would send each of them twice, and one that nobody collects grows for ever.
 */
export function sessionStore(): object {
  const store = createMemory()
  const storeRetained = store.storeRetained.bind(store)
  const topics = new Map<string, Set<string>>()
  return Object.assign(store, {
    outgoingEnqueue: async () => {},
    outgoingEnqueueCombi: async () => {},
    outgoingUpdate: async () => {},
    subscriptionsByTopic: async () => [],
    storeRetained: async (packet: RetainedPacket) => {
      if (mayRetain(topics, packet)) await storeRetained(packet)
    },
  })
}

// Its types describe callbacks and a default export where there are promises and a function.
const createMemory = memory as unknown as () => { storeRetained(packet: RetainedPacket): Promise<void> }

interface RetainedPacket {
  readonly topic: string
  readonly payload: Uint8Array
}

/** Bounded, so that no device can fill the memory of all. An empty payload clears (MQTT 3.1.1, 3.3.1.3). */
function mayRetain(topics: Map<string, Set<string>>, { topic, payload }: RetainedPacket): boolean {
  const device = topic.split('/', 2).join('/')
  const kept = topics.get(device) ?? new Set()
  topics.set(device, kept)
  if (payload.length === 0) {
    kept.delete(topic)
    return true
  }
  if (payload.length > retainedBytes || (kept.size >= retainedTopicsPerDevice && !kept.has(topic))) return false
  kept.add(topic)
  return true
}
