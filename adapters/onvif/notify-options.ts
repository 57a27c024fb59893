import { z } from 'zod'
import { webhookFields } from '../../gateway/web/webhook-options.ts'
import { cameraFields, deviceFields, loginGiven, loginProblem } from './device-options.ts'

const subscribe = z
  .strictObject({
    ...deviceFields,
    /** This gateway as the device reaches it: `http://10.1.1.5:8080`. `/ingest/<name>` and the key are added. */
    consumer: z.url({ protocol: /^https?$/ }),
  })
  .refine(loginGiven, loginProblem)

export const notifyOptions = z
  .strictObject({
    ...webhookFields,
    ...cameraFields,
    /** `off`: the device was told by hand, or by somebody else, where to post. */
    subscribe: z.union([z.literal('off'), subscribe]).default('off'),
  })
  .refine(loginGiven, loginProblem)
  .refine(({ key, sources, username }) => key !== null || sources.length > 0 || username !== null, {
    path: ['key'],
    error: "anybody could raise an alarm in the camera's name: give a key, or sources",
  })
  .refine(({ key, username, subscribe: how }) => how === 'off' || username === null || key !== null, {
    path: ['username'],
    error: 'a device that is subscribed at is told an address and no password: give a key',
  })

export type NotifyOptions = z.infer<typeof notifyOptions>
export type SubscribeOptions = z.infer<typeof subscribe>
