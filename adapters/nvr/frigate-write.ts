/** Events as Frigate publishes them: the other direction of `frigate-event.ts`, for simulators and tests. */

export interface TrackedObject {
  readonly id: string
  readonly camera: string
  readonly label: string
  readonly startTime: Date
  readonly endTime: Date | null
  readonly frameTime: Date
  readonly score: number
  readonly falsePositive: boolean
  readonly stationary: boolean
  readonly currentZones: readonly string[]
  readonly enteredZones: readonly string[]
  readonly hasSnapshot: boolean
}

const seconds = (at: Date | null): number | null => (at === null ? null : at.getTime() / 1000)

const stateOf = (object: TrackedObject) => ({
  id: object.id,
  camera: object.camera,
  frame_time: seconds(object.frameTime),
  label: object.label,
  sub_label: null,
  top_score: object.score,
  false_positive: object.falsePositive,
  start_time: seconds(object.startTime),
  end_time: seconds(object.endTime),
  score: object.score,
  stationary: object.stationary,
  current_zones: object.currentZones,
  entered_zones: object.enteredZones,
  has_snapshot: object.hasSnapshot,
  has_clip: false,
})

/** The payload of `frigate/events`. */
export function writeFrigateEvent(type: 'new' | 'update' | 'end', before: TrackedObject, after: TrackedObject): string {
  return JSON.stringify({ type, before: stateOf(before), after: stateOf(after) })
}

export interface Review {
  readonly id: string
  readonly camera: string
  readonly startTime: Date
  readonly endTime: Date | null
  readonly severity: 'alert' | 'detection'
  readonly detections: readonly string[]
  readonly objects: readonly string[]
  readonly zones: readonly string[]
}

const reviewOf = (review: Review) => ({
  id: review.id,
  camera: review.camera,
  start_time: seconds(review.startTime),
  end_time: seconds(review.endTime),
  severity: review.severity,
  thumb_path: `/media/frigate/clips/review/thumb-${review.camera}-${review.id}.webp`,
  data: { detections: review.detections, objects: review.objects, sub_labels: [], zones: review.zones, audio: [] },
})

/** The payload of `frigate/reviews`. */
export function writeFrigateReview(type: 'new' | 'update' | 'end', before: Review, after: Review): string {
  return JSON.stringify({ type, before: reviewOf(before), after: reviewOf(after) })
}
