/** What Frigate publishes and this gateway reads. */
export type FrigateTopic =
  | { readonly is: 'events' | 'reviews' | 'available' }
  | { readonly is: 'snapshot'; readonly camera: string; readonly label: string }

/** `frigate/front_door/person/snapshot`; `null`: something else. */
export function readFrigateTopic(topic: string, prefix: string): FrigateTopic | null {
  if (!topic.startsWith(`${prefix}/`)) return null
  const levels = topic.slice(prefix.length + 1).split('/')
  const [first = '', label = '', last] = levels
  if (levels.length === 1 && (first === 'events' || first === 'reviews' || first === 'available')) return { is: first }
  if (levels.length === 3 && last === 'snapshot' && first !== '' && label !== '')
    return { is: 'snapshot', camera: first, label }
  return null
}

export function frigateFilters(prefix: string, follow: 'events' | 'reviews', withSnapshots: boolean): string[] {
  return [`${prefix}/${follow}`, `${prefix}/available`, ...(withSnapshots ? [`${prefix}/+/+/snapshot`] : [])]
}
