// Track the objects of a video or a camera: what pages use.

import { LmkError } from "./errors.js"
import { Follower } from "./follower.js"
import { SMOOTHING } from "./smoothing.js"

/** See lmk.d.ts. */
export class Tracker {
  #landmarker
  #follower

  constructor(landmarker, { follow, searchS = 2, searchMs = 5, smoothing = SMOOTHING, finding = {} } = {}) {
    const finds = Boolean(landmarker.framing?.findScores)
    if (follow && !finds) {
      throw new LmkError(`${landmarker.name} cannot be tracked: it does not know how its landmarks score `
        + "where there is no object. Train it again with this version of lmk")
    }
    if (!(searchS > 0) || !(searchMs === null || searchMs > 0)) {
      throw new LmkError(`expected searchS > 0 and searchMs > 0 or null, got ${searchS} and ${searchMs}`)
    }
    const options = { follow: follow ?? finds, searchS, searchMs, smoothing }
    this.#landmarker = landmarker
    this.#follower = new Follower(landmarker, landmarker.finder(finding), options)
    this.times = { read: 0, crop: 0, model: 0, follow: 0 }
  }

  get searching() { return this.#follower.searching }
  get searched() { return this.#follower.searched }

  async track(image, timeS = performance.now() / 1000) {
    if (!Number.isFinite(timeS)) throw new LmkError(`expected a time in seconds, got ${timeS}`)
    const times = { read: 0, crop: 0, model: 0, follow: 0 }
    const began = performance.now()
    const frame = this.#landmarker.read(image)
    times.read = performance.now() - began
    const objects = await this.#landmarker.answer(frame, this.#follower.track(frame, timeS), times)
    times.follow = performance.now() - began - times.read - times.crop - times.model
    this.times = times
    return objects
  }
}
