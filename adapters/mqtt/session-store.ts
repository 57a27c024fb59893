import memory from 'aedes-persistence'

const retainedBytes = 64 * 1024
const retainedTopicsPerDevice = 32
const sessionsPerDevice = 16

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
  const addSubscriptions = store.addSubscriptions.bind(store)
  const topics = new Map<string, Set<string>>()
  const sessions = new Map<string, Set<string>>()
  return Object.assign(store, {
    addSubscriptions: async (client: Session, subscriptions: unknown) => {
      const forgotten = oldestSession(sessions, client.id)
      if (forgotten !== null) await store.cleanSubscriptions({ id: forgotten })
      await addSubscriptions(client, subscriptions)
    },
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
const createMemory = memory as unknown as () => {
  storeRetained(packet: RetainedPacket): Promise<void>
  addSubscriptions(client: Session, subscriptions: unknown): Promise<void>
  cleanSubscriptions(client: Session): Promise<void>
}

interface Session {
  /** `device/client id`, as the broker names its clients. */
  readonly id: string
}

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

/** The session that makes room for this one: a device that takes another client id each time must not pile them up. */
function oldestSession(sessions: Map<string, Set<string>>, id: string): string | null {
  const device = id.split('/', 1)[0] ?? ''
  const kept = sessions.get(device) ?? new Set()
  sessions.set(device, kept)
  kept.delete(id)
  kept.add(id)
  const [oldest] = kept
  if (kept.size <= sessionsPerDevice || oldest === undefined) return null
  kept.delete(oldest)
  return oldest
}
