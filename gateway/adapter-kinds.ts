import type { AdapterKind } from './adapter.ts'

/** Every protocol this gateway speaks. The one place in `gateway/` that knows an adapter. */
export const adapterKinds: readonly AdapterKind<never>[] = []
