// The framing of a model, as in lmk/model/framing.py: where its landmarks lie in crops of training.

import { boxOfCrop } from "./geometry.js"
import { LmkError } from "./errors.js"
import { cumulative, quantile } from "./normal.js"

const UPRIGHT = 12, TURNED = 24 // degrees to which a crop stays upright, and from which it turns fully

export class Framing {
  /** Of the JSON in a model's metadata, which is checked. */
  constructor({ landmarks_input, spread_px, score, input_size = 128, find_scores = null }) {
    const finite = (...numbers) => numbers.every((n) => Number.isFinite(n) && Math.abs(n) <= 1e9)
    const points = Array.isArray(landmarks_input)
      && landmarks_input.every((p) => Array.isArray(p) && p.length === 2 && finite(...p))
    const scores = find_scores === null || (Array.isArray(find_scores) && find_scores.length === 2
      && finite(...find_scores) && find_scores[1] > 0)
    if (!points || !finite(spread_px, score, input_size) || !(input_size > 0) || !scores) {
      throw new LmkError("the framing of this model is damaged: export it again")
    }
    this.mean = landmarks_input
    this.spreadPx = spread_px
    this.score = score
    this.inputSize = input_size
    this.findScores = find_scores
  }

  /**
   * The box of an object as in training, from its landmarks, and their distance from that fit, root
   * mean square in input pixels. Least squares over scale and shift, weighted by score; with
   * `turned` also over the angle, of which small ones stay 0.
   */
  fit(xy, scores, turned = false) {
    const safe = scores.map((score) => Math.max(score, 1e-6))
    const total = safe.reduce((sum, score) => sum + score, 0)
    const share = safe.map((score) => score / total)
    const [meanX, meanY] = center(this.mean, share), [x0, y0] = center(xy, share)
    let along = 0, across = 0, extent = 0
    for (let k = 0; k < share.length; k++) {
      const px = this.mean[k][0] - meanX, py = this.mean[k][1] - meanY
      const qx = xy[k][0] - x0, qy = xy[k][1] - y0
      along += share[k] * (px * qx + py * qy)
      across += share[k] * (px * qy - py * qx)
      extent += share[k] * (px * px + py * py)
    }
    const degrees = turned ? followed(Math.atan2(across, along) * 180 / Math.PI) : 0
    const cos = Math.cos(degrees * Math.PI / 180), sin = Math.sin(degrees * Math.PI / 180)
    const found = (along * cos + across * sin) / Math.max(extent, 1e-6)
    const scale = Math.max(found, 1 / this.inputSize) // a crop of a pixel at least
    let square = 0
    for (let k = 0; k < share.length; k++) {
      const qx = xy[k][0] - x0, qy = xy[k][1] - y0
      const dx = (cos * qx + sin * qy) / scale - (this.mean[k][0] - meanX)
      const dy = (cos * qy - sin * qx) / scale - (this.mean[k][1] - meanY)
      square += share[k] * (dx * dx + dy * dy)
    }
    const half = (this.inputSize - 1) / 2, side = scale * this.inputSize
    const mx = x0 + scale * (cos * (half - meanX) - sin * (half - meanY))
    const my = y0 + scale * (sin * (half - meanX) + cos * (half - meanY))
    const crop = [mx + 0.5 - side / 2, my + 0.5 - side / 2, side, side, degrees]
    return { box: boxOfCrop(crop), misfitPx: Math.sqrt(square) }
  }

  /**
   * How surely landmarks with these scores are those of an object, in [0, 1]: the share of pictures
   * without an object in which all have a lower mean score. NaN where it was not measured.
   */
  confidence(scores) {
    return this.findScores ? cumulative(mean(scores), ...this.findScores) : NaN
  }

  /** The mean score from which on landmarks are an object with such confidence, in (0, 1). */
  leastScore(confidence) {
    return this.findScores ? quantile(confidence, ...this.findScores) : this.score
  }
}

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length

function center(points, share) {
  let x = 0, y = 0
  points.forEach((point, k) => { x += share[k] * point[0]; y += share[k] * point[1] })
  return [x, y]
}

// Without a jump: crops of objects that are turned by less than UPRIGHT stay upright.
function followed(degrees) {
  const size = Math.abs(degrees)
  return size < TURNED ? Math.sign(degrees) * Math.max(2 * (size - UPRIGHT), 0) : degrees
}
