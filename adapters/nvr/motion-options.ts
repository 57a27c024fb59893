import { z } from 'zod'
import { byteSize } from '../../config/fields.ts'
import { webhookFields } from '../../gateway/web/webhook-options.ts'
import { cameraNames } from './camera-names.ts'

export const motionOptions = z.strictObject({
  ...webhookFields,
  maxSize: byteSize().prefault('8MiB'),
  /** The register's ids of cameras by what the hooks say (`camera=%t`); without one it is `motion/7`. */
  cameras: cameraNames(),
})

export type MotionOptions = z.output<typeof motionOptions>
