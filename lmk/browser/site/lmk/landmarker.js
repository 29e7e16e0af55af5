// Find the landmarks of objects in pictures: what pages use.

import { checkBox } from "./boxes.js"
import { LmkError } from "./errors.js"
import { Center, LandmarkSearch } from "./finder.js"
import { FrameReader } from "./frame.js"
import { readMetadata } from "./metadata.js"
import { Model } from "./model.js"
import { hasWebGpu, loadRuntime, requireWebAssembly, threadsHere } from "./runtime.js"
import { Tracker } from "./tracker.js"
import { chooseBackend } from "./webgpu.js"

const BACKENDS = ["auto", "wasm", "webgpu"]
const MOST_THREADS = 64

/** See lmk.d.ts, as for all that is public. */
export class Landmarker {
  #declared
  #model
  #reader = new FrameReader()
  #last = Promise.resolve()
  #released = null // what waits for its release

  static async load(model, options) {
    const { backend = "auto", threads = threadsHere() } = options ?? {}
    if (!BACKENDS.includes(backend)) {
      throw new LmkError(`expected a backend of ${BACKENDS.join(", ")}, got ${backend}`)
    }
    if (!(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
      throw new LmkError(`expected threads of 1 to ${MOST_THREADS}, got ${threads}`)
    }
    requireWebAssembly()
    const [bytes, ort] = await Promise.all([bytesOf(model), loadRuntime("wasm", threads)])
    const declared = readMetadata(bytes)
    const landmarker = new Landmarker(declared, await Model.open(ort, bytes, declared, "wasm"), threads)
    if (backend !== "wasm") {
      const settled = landmarker.#settle(bytes, backend === "webgpu")
      landmarker.settled = settled
      if (backend === "webgpu") await settled
    }
    return landmarker
  }

  constructor(declared, model, threads) {
    this.#declared = declared
    this.#model = model
    this.backend = { name: "wasm", threads, reason: "" }
    this.settled = Promise.resolve()
  }

  get name() { return this.#declared.name }
  get numLandmarks() { return this.#declared.numLandmarks }
  get inputSize() { return this.#declared.inputSize }
  get framing() { return this.#declared.framing }
  get pointNames() { return this.#declared.points }
  get skeleton() { return this.#declared.skeleton }

  async detect(image, options) {
    const { boxes, finding } = options ?? {}
    if (boxes && !Array.isArray(boxes)) throw new LmkError("expected boxes as an array of [x, y, width, height]")
    const frame = this.read(image)
    const given = boxes?.map(checkBox)
    const search = given ? null : this.finder(finding ?? {}).search(frame, this.framing)
    return this.answer(frame, this.#detected(given, search))
  }

  track(options) {
    return new Tracker(this, options ?? {})
  }

  /** What is in crops as the network sees them, RGB bytes of B x S x S x 3, in input pixels. */
  async infer(crops) {
    const bytes = 3 * this.inputSize ** 2
    if (!(crops instanceof Uint8Array) || !crops.length || crops.length % bytes) {
      throw new LmkError(`expected crops as a Uint8Array of ${bytes} bytes each, RGB of ${this.inputSize} x `
        + `${this.inputSize} pixels`)
    }
    return this.#inTurn((model) => model.infer(crops))
  }

  async release() {
    const last = this.#last
    this.#released ??= last.then(() => this.#model.release())
    await this.#released
  }

  * #detected(boxes, search) {
    const found = boxes ?? (yield* search)
    const located = yield found
    return located.map(({ xy, scores, points }, row) => this.describe(found[row], [...xy, ...points], scores))
  }

  /** What is drawn and written of one object, whose landmarks and then points lie at `places`. */
  describe(box, places, scores, { id, opacity } = {}) {
    const confidence = this.framing?.confidence(scores)
    const count = this.numLandmarks, names = this.pointNames
    const byName = (values) => Object.fromEntries(names.map((name, k) => [name, values[count + k]]))
    return {
      ...(id === undefined ? {} : { id }),
      box: box.slice(0, 4),
      angle: box[4],
      landmarks: places.slice(0, count),
      scores,
      ...(opacity ? { opacity: opacity.slice(0, count) } : {}),
      ...(names.length ? { points: byName(places) } : {}),
      ...(names.length && opacity ? { pointsOpacity: byName(opacity) } : {}),
      ...(Number.isFinite(confidence) ? { confidence } : {}),
    }
  }

  read(image) {
    return this.#reader.read(image)
  }

  /** A search by landmarks, where the model was measured for it, or else the centred square. */
  finder(finding) {
    return this.framing?.findScores ? new LandmarkSearch(finding) : new Center()
  }

  /** Run a search, a generator that yields boxes and receives what the model finds in them. */
  async answer(frame, search, times) {
    return this.#inTurn(async (model) => {
      try {
        let step = search.next()
        while (!step.done) step = search.next(await model.locate(frame, step.value, times))
        return step.value
      } finally {
        search.return() // after an error, so that a tracker is as before the frame
      }
    })
  }

  // Calls come in the order of frames, and none meets a model that was exchanged.
  #inTurn(work) {
    if (this.#released) return Promise.reject(new LmkError("this landmarker was released: load it again"))
    const turn = this.#last.then(() => work(this.#model))
    this.#last = turn.catch(() => {})
    return turn
  }

  // Go over to the GPU, where there is one and it computes the same landmarks, in less time.
  async #settle(bytes, required) {
    try {
      if (!await hasWebGpu()) throw new LmkError("this browser gives pages no GPU (WebGPU)")
      const ort = await loadRuntime("webgpu", this.backend.threads)
      const candidate = await Model.open(ort, bytes, this.#declared, "webgpu")
      const choice = await this.#inTurn((model) => chooseBackend(model, candidate, required))
      if (!choice.take) {
        await candidate.release()
        if (required) throw new LmkError(choice.reason)
        this.backend = { ...this.backend, reason: choice.reason }
        return
      }
      await this.#inTurn(async (model) => {
        this.#model = candidate
        this.backend = { name: "webgpu", threads: 0, reason: choice.reason }
        await model.release()
      })
    } catch (error) {
      if (required) throw error
      this.backend = { ...this.backend, reason: error.message }
    }
  }
}

async function bytesOf(model) {
  if (model instanceof ArrayBuffer) return new Uint8Array(model)
  if (ArrayBuffer.isView(model)) return new Uint8Array(model.buffer, model.byteOffset, model.byteLength)
  const answer = await fetch(model).catch((error) => {
    throw new LmkError(`${model} cannot be loaded: check the connection`, { cause: error })
  })
  if (!answer.ok) throw new LmkError(`${model} cannot be loaded: the server answers ${answer.status}`)
  return new Uint8Array(await answer.arrayBuffer())
}
