// Find objects by their landmarks, without a detector, as in lmk/inference/regions/landmarks.py.
//
// A search is a generator: it yields boxes, receives what the model finds in each, and returns its
// result. The model looks into square boxes over the frame. The boxes with the highest scores move
// to where their landmarks lead, twice. Those that then have the score and the shape of objects in
// training are objects.

import { SAME, apart, ordered } from "./boxes.js"
import { LmkError } from "./errors.js"
import { mean } from "./framing.js"
import { boxOfCrop, centerSquare } from "./geometry.js"

const LARGEST = 0.95 // side of the largest boxes, as a share of the frame's shorter side
const SMALLEST = 0.05 // that of the smallest ones at most
const SHRINK = 2 // a side by the next smaller one
const APART = 0.8 // of neighbouring boxes, in sides
const FOLLOWED = 16, ROUNDS = 2 // the boxes that move, and how often
const LARGEST_MISFIT = 2 // of the framing's spread
const MOST_AT_ONCE = 64
const LEAST_PX = 16 // side of the smallest boxes
const COARSE = 0.3 // minSize of a first look, which takes a third of the time

/** Objects anywhere in the frame, at most 16. */
export class LandmarkSearch {
  pauseS = 0.2 // after a search that found nothing

  constructor({ minSize = 0.14, threshold = 0.95, angles = [0] } = {}) {
    const fits = minSize >= SMALLEST && minSize <= 1 && threshold > 0 && threshold < 1
    if (!fits || !angles.length || !angles.every((angle) => Math.abs(angle) <= 180)) {
      throw new LmkError(`expected minSize from ${SMALLEST} to 1, threshold between 0 and 1, and `
        + `angles from -180 to 180 degrees, got ${minSize}, ${threshold} and [${angles}]`)
    }
    this.minSize = minSize
    this.threshold = threshold
    this.angles = angles
  }

  /** coarse: only for objects that are not small, as most are in front of a camera. */
  * search(frame, framing, coarse = false) {
    const minSize = coarse ? Math.max(this.minSize, COARSE) : this.minSize
    const turned = !(this.angles.length === 1 && this.angles[0] === 0)
    let boxes = grid(frame.width, frame.height, { minSize, angles: this.angles })
    for (let round = 0; round < ROUNDS; round++) {
      const found = yield* looked(boxes)
      const scores = found.map((each) => mean(each.scores))
      boxes = found.map((each) => framing.fit(each.xy, each.scores, turned).box)
      boxes = apart(boxes, ordered(scores, (score) => -score), SAME, FOLLOWED).map((row) => boxes[row])
      const longest = 2 * Math.max(frame.width, frame.height) // beyond: landmarks far apart
      boxes = boxes.filter((box) => box[2] <= longest)
    }
    const least = framing.leastScore(this.threshold)
    const candidates = (yield* looked(boxes)).map(({ xy, scores }) => ({
      score: mean(scores),
      box: framing.fit(xy, scores, turned).box,
      misfitPx: framing.fit(xy, scores, true).misfitPx, // a tilted head has the shape of others
    }))
    const objects = candidates.filter(({ score, misfitPx }) =>
      score >= least && misfitPx <= LARGEST_MISFIT * framing.spreadPx)
    boxes = objects.map(({ box }) => box)
    return apart(boxes, ordered(objects, ({ score }) => -score), SAME).map((row) => boxes[row])
  }
}

/** The largest centred square of every frame, for models that were not measured for a search. */
export class Center {
  pauseS = 0;

  * search(frame) { // eslint-disable-line require-yield -- it needs no landmarks
    return [boxOfCrop(centerSquare(frame.width, frame.height))]
  }
}

/** Square boxes over a frame, of several sides and angles, each evenly spread. */
export function grid(width, height, { minSize, angles }) {
  const shorter = Math.min(width, height), boxes = []
  for (let side = LARGEST * shorter; side >= Math.max(minSize * shorter, LEAST_PX); side /= SHRINK) {
    for (const y of evenly(height - side, APART * side)) {
      for (const x of evenly(width - side, APART * side)) {
        for (const angle of angles) boxes.push([x, y, side, side, angle])
      }
    }
  }
  return boxes
}

// Places from 0 to `room`, at most so far apart.
function evenly(room, apart) {
  const last = Math.ceil(room / apart)
  return Array.from({ length: last + 1 }, (_, i) => last ? room * i / last : 0)
}

// Asked for in parts that need little memory.
function * looked(boxes) {
  const found = []
  for (let start = 0; start < boxes.length; start += MOST_AT_ONCE) {
    found.push(...yield boxes.slice(start, start + MOST_AT_ONCE))
  }
  return found
}
