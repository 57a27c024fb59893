import { Cam } from 'onvif'
import t from 'tap'
import { SimulatedCamera } from '../simulators/onvif-camera.ts'

interface Heard {
  readonly topic: { readonly _: string }
  readonly message: {
    readonly message: {
      readonly $: { readonly PropertyOperation: string }
      readonly data: { readonly simpleItem: { readonly $: { readonly Value: boolean } } }
    }
  }
}

/** npm's `onvif`, a client that nobody here wrote, against the simulated camera: what it writes is read by others. */
for (const proof of ['digest', 'token'] as const)
  t.test(`a client by somebody else connects with ${proof}, hears what happens, and renews`, async (t) => {
    const camera = new SimulatedCamera({ username: 'admin', password: 'word', proof, clockAheadMs: -86_400_000 })
    const { hostname, port } = new URL(await camera.start())
    t.teardown(() => camera.stop())
    const cam = new Cam({ hostname, port: Number(port), username: 'admin', password: 'word', autoconnect: false })
    await new Promise<void>((resolve, reject) => cam.connect((error) => (error ? reject(error) : resolve())))
    const uri = await new Promise<string>((resolve, reject) =>
      cam.getSnapshotUri({}, (error, found) => (error || !found ? reject(error) : resolve(found.uri))),
    )
    t.equal(uri, `http://${hostname}:${port}/snapshot.jpg?profile=1`)
    const heard: string[] = []
    const both = new Promise<void>((resolve, reject) => {
      cam.on('eventsError', reject)
      cam.on('event', (message: Heard) => {
        const { $, data } = message.message.message
        heard.push(`${message.topic._} ${$.PropertyOperation} ${data.simpleItem.$.Value}`)
        if (heard.length === 1) camera.motion(false)
        else resolve()
      })
    })
    await untilSubscribed(camera)
    camera.motion(true)
    await both
    t.strictSame(heard, [
      'tns1:RuleEngine/CellMotionDetector/Motion Changed true',
      'tns1:RuleEngine/CellMotionDetector/Motion Changed false',
    ])
    t.ok((camera.asked.get('Renew') ?? 0) >= 1)
    cam.removeAllListeners('event')
    await new Promise<void>((resolve, reject) => cam.unsubscribe((error) => (error ? reject(error) : resolve())))
    t.equal(camera.subscriptions.size, 0)
  })

async function untilSubscribed(camera: SimulatedCamera): Promise<void> {
  const deadline = Date.now() + 10_000
  while (camera.subscriptions.size === 0) {
    if (Date.now() > deadline) throw new Error('it does not subscribe')
    await new Promise<void>((resolve) => setTimeout(resolve, 20))
  }
}
