// What was found as JSON Lines, as `lmk run -o out.jsonl` writes it, of those frames that were
// looked at: a page that is slower than its video leaves some out.

const LEAST_S = 1e-4 // between two frames
const MOST_FRAMES = 20000 // half a megabyte per thousand of one face

/** The lines of one source. */
export class Lines {
  #found = new Map() // by time: what is found in a frame again takes the place of what was found before

  constructor(source, model) {
    this.source = source
    this.model = model
  }

  /** Add the objects of a frame; of more than a run of ten minutes the last are kept. */
  add(timeS, objects) {
    const frame = Math.round(timeS / LEAST_S), { time_s } = this.#found.get(frame) ?? { time_s: round(timeS, 6) }
    this.#found.set(frame, { time_s, objects: objects.map((object) => toJson(this.model, object)) })
    if (this.#found.size > MOST_FRAMES) this.#found.delete(this.#found.keys().next().value)
  }

  get count() {
    return this.#found.size
  }

  text() {
    const inOrder = [...this.#found.values()].sort((one, other) => one.time_s - other.time_s)
    return inOrder.map((found, frame) => `${JSON.stringify({ source: this.source, frame, ...found })}\n`).join("")
  }
}

function toJson(model, { id = 1, box, angle, landmarks, scores, opacity, points, confidence }) {
  const places = (list) => list.map((xy) => xy.map((value) => round(value, 3)))
  return {
    model,
    id,
    box: box.map((value) => round(value, 3)),
    ...(angle ? { angle: round(angle, 2) } : {}),
    landmarks: places(landmarks),
    scores: scores.map((score) => round(score, 4)),
    opacity: (opacity ?? scores.map(() => 1)).map((value) => round(value, 2)),
    ...(points ? { points: byName(points, (xy) => places([xy])[0]) } : {}),
    ...(confidence === undefined ? {} : { confidence: round(confidence, 4) }),
  }
}

const byName = (points, value) => Object.fromEntries(Object.entries(points).map(([name, xy]) => [name, value(xy)]))

const round = (value, digits) => Number(value.toFixed(digits))
