// Notice that a frame shows another scene, as after a cut; as in lmk/video/scene.py.

const ROWS = 18, COLUMNS = 32 // points of a frame that are compared
const CHANGED = 20 // grey levels
const OTHER_SCENE = 0.6 // of the points, those that differ

/** The green of some points of a frame. */
export function glance({ width, height, data }) {
  const points = new Float64Array(ROWS * COLUMNS)
  for (let row = 0; row < ROWS; row++) {
    const y = Math.floor((row + 0.5) * height / ROWS)
    for (let column = 0; column < COLUMNS; column++) {
      const x = Math.floor((column + 0.5) * width / COLUMNS)
      points[row * COLUMNS + column] = data[4 * (y * width + x) + 1]
    }
  }
  return points
}

/** Whether two glances are of the same scene; the brightness of all may differ. */
export function sameScene(one, other) {
  const change = one.map((value, i) => value - other[i])
  const sorted = change.slice().sort(), half = sorted.length / 2
  const median = (sorted[half - 1] + sorted[half]) / 2
  const changed = change.filter((value) => Math.abs(value - median) > CHANGED).length
  return changed / change.length < OTHER_SCENE
}
