/**
 * Length of one degree in metres at a latitude, on the WGS-84 ellipsoid (series of the meridian and parallel arcs).
 * Good to a millimetre in a hundred metres; distances over tens of kilometres need something better.
 */
export function metresPerDegree(latitude: number): { readonly x: number; readonly y: number } {
  const phi = (latitude * Math.PI) / 180
  return {
    x: 111_412.84 * Math.cos(phi) - 93.5 * Math.cos(3 * phi) + 0.118 * Math.cos(5 * phi),
    y: 111_132.92 - 559.82 * Math.cos(2 * phi) + 1.175 * Math.cos(4 * phi),
  }
}

/** Square of the distance from the origin to the segment between two points, all in the same units. */
export function squaredDistance(x1: number, y1: number, x2: number, y2: number): number {
  const dx = x2 - x1
  const dy = y2 - y1
  const length = dx * dx + dy * dy
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, -(x1 * dx + y1 * dy) / length))
  const x = x1 + along * dx
  const y = y1 + along * dy
  return x * x + y * y
}
