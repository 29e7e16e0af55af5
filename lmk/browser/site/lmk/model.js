// One model in ONNX Runtime: from crops to what is found in them, in image pixels.

import { cutCrop } from "./crops.js"
import { LmkError } from "./errors.js"
import { applyAffine } from "./geometry.js"

const FARTHEST = 16 // sides of the input in which landmarks may lie
const HIGHEST_SCORE = 1.01 // half precision may round above 1

const busy = new WeakMap() // by runtime: what its last caller waits for

export class Model {
  /** Of the bytes of an ONNX file. backend: "wasm" or "webgpu", which `ort` must have. */
  static async open(ort, bytes, declared, backend) {
    try {
      const options = { executionProviders: [backend] }
      const session = await inTurn(ort, () => ort.InferenceSession.create(bytes, options))
      return new Model(ort, session, declared)
    } catch (error) {
      const reason = error.message ?? error
      throw new LmkError(`ONNX Runtime cannot load this model (${reason}): export it again`, { cause: error })
    }
  }

  constructor(ort, session, { inputSize, numLandmarks, points }) {
    this.ort = ort
    this.session = session
    this.inputSize = inputSize
    this.counts = { landmarks: numLandmarks, points: points.length }
  }

  /**
   * What is in boxes of a frame: for each { xy, scores, points } with places [x, y] in image pixels.
   * times: gets the milliseconds of `crop` and `model` added.
   */
  async locate(frame, boxes, times = { crop: 0, model: 0 }) {
    if (!boxes.length) return []
    const began = performance.now(), size = this.inputSize
    const crops = new Uint8Array(boxes.length * size * size * 3)
    const toImage = boxes.map((box, row) => cutCrop(frame, box, size, crops, row * size * size * 3))
    const cut = performance.now()
    const found = await this.infer(crops)
    times.crop += cut - began
    times.model += performance.now() - cut
    return found.map(({ landmarks, scores, points }, row) => {
      const inImage = (xy) => applyAffine(toImage[row], xy)
      return { xy: landmarks.map(inImage), scores, points: points.map(inImage) }
    })
  }

  /** What is in crops, RGB bytes of B x S x S x 3: for each { landmarks, scores, points } in input px. */
  async infer(crops) {
    const size = this.inputSize, batch = crops.length / (size * size * 3)
    const images = new this.ort.Tensor("uint8", crops, [batch, size, size, 3])
    let values
    try {
      values = await inTurn(this.ort, () => this.session.run({ images }))
    } catch (error) {
      throw new LmkError(`the model failed (${error.message ?? error}): reload the page`, { cause: error })
    }
    const { landmarks, points } = this.counts
    const data = (name) => values[name]?.data ?? []
    if (data("landmarks").length !== 2 * batch * landmarks || data("scores").length !== batch * landmarks
      || data("points").length !== 2 * batch * points) {
      throw new LmkError("the outputs of this model are not those that it declares: export it again")
    }
    this.#check(data("landmarks"), data("points"), data("scores"))
    return Array.from({ length: batch }, (_, row) => ({
      landmarks: pairs(data("landmarks"), row * landmarks, landmarks),
      scores: Array.from(data("scores").slice(row * landmarks, (row + 1) * landmarks)),
      points: pairs(data("points"), row * points, points),
    }))
  }

  // False for NaN, too.
  #check(landmarks, points, scores) {
    const near = (value) => Math.abs(value) <= FARTHEST * this.inputSize
    if (!landmarks.every(near) || !Array.from(points).every(near)
      || !scores.every((score) => score >= 0 && score <= HIGHEST_SCORE)) {
      throw new LmkError("the model returned NaN or impossible landmarks: its weights are broken. Train it "
        + "again, or export it again with the parity check")
    }
  }

  async release() {
    await inTurn(this.ort, () => this.session.release())
  }
}

// ONNX Runtime does one thing at a time, for all of its models: on the GPU a second one breaks it.
function inTurn(ort, work) {
  const done = (busy.get(ort) ?? Promise.resolve()).then(work)
  busy.set(ort, done.catch(() => {}))
  return done
}

const pairs = (data, start, count) =>
  Array.from({ length: count }, (_, k) => [data[2 * (start + k)], data[2 * (start + k) + 1]])
