// What was found as JSON Lines, as `lmk run -o out.jsonl` writes it.

const MOST_FRAMES = 20000 // half a megabyte per thousand of one face

/** The lines of one source. */
export class Lines {
  #lines = []
  #frames = 0

  constructor(source, model) {
    this.source = source
    this.model = model
  }

  /** Add the objects of a frame; of more than a run of ten minutes the last are kept. */
  add(timeS, objects) {
    const where = { source: this.source, frame: this.#frames, time_s: round(timeS, 6) }
    this.#frames += 1
    this.#lines.push(JSON.stringify({ ...where, objects: objects.map((object) => toJson(this.model, object)) }))
    if (this.#lines.length > MOST_FRAMES) this.#lines.shift()
  }

  get count() {
    return this.#lines.length
  }

  text() {
    return this.#lines.map((line) => `${line}\n`).join("")
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
