// A search whose boxes are looked into over several frames, as in lmk/video/paced.py.

import { ordered } from "./boxes.js"

const LATEST = 0.3 // weight of the last measurement of a box's time
const FIRST_COUNT = 4 // boxes before any was measured
const IDLE_MS = 60 // a search's share of a frame while nothing is tracked, which then waits for nothing

/**
 * How many boxes a search may look into in one frame. limitMs: the time that they take while
 * objects are tracked, in the mean of frames: a box that takes longer is looked into every few.
 */
export class Budget {
  #boxMs = NaN
  #savedMs = 0

  constructor(limitMs) {
    this.limitMs = limitMs
  }

  /** Of the next frame. */
  next(tracked) {
    if (Number.isNaN(this.#boxMs)) return FIRST_COUNT
    if (!tracked) return Math.max(Math.floor(Math.max(this.limitMs, IDLE_MS) / this.#boxMs), 1)
    this.#savedMs += this.limitMs
    const count = Math.floor(this.#savedMs / this.#boxMs)
    this.#savedMs = count ? this.#savedMs % this.#boxMs : this.#savedMs
    return count
  }

  /** Ask for what is in boxes, and measure the time of one. */
  * timed(boxes) {
    const began = performance.now()
    const answer = yield boxes
    if (boxes.length) {
      const boxMs = (performance.now() - began) / boxes.length
      const known = Number.isNaN(this.#boxMs) ? boxMs : this.#boxMs
      this.#boxMs = known + LATEST * (boxMs - known)
    }
    return answer
  }
}

/** A search of a frame that goes on in the next ones. near: where objects were lost; what is near
 * them is looked into first. found: the boxes of the objects, once all was looked into. */
export class PacedSearch {
  found = null
  #search
  #near
  #order = []
  #left = []
  #answers = []

  constructor(search, near) {
    this.#search = search
    this.#near = near
    this.#goOn()
  }

  /** The next boxes to look into, at most `count`. */
  boxes(count) {
    return this.#left.slice(0, count)
  }

  /** Give what is in these boxes. */
  answer(found) {
    this.#answers.push(...found)
    this.#left = this.#left.slice(found.length)
    if (this.#left.length || this.found) return
    const inOrder = []
    this.#order.forEach((row, i) => { inOrder[row] = this.#answers[i] })
    this.#goOn(inOrder)
  }

  #goOn(answer) {
    const { done, value } = this.#search.next(answer)
    if (done) {
      this.found = value
      return
    }
    this.#order = this.#near.length ? ordered(value, (box) => nearness(box, this.#near)) : [...value.keys()]
    this.#left = this.#order.map((row) => value[row])
    this.#answers = []
    if (!value.length) this.#goOn([])
  }
}

function nearness([x, y, width, height], near) {
  return Math.min(...near.map(([left, top, wide, high]) =>
    Math.hypot(x + width / 2 - left - wide / 2, y + height / 2 - top - high / 2) / wide
      + Math.abs(Math.log(width / wide))))
}
