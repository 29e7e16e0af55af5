// Smooth points over time, and hold lost ones for a moment, as in lmk/video/smoothing.py.

import { applyAffine, inputToImage, invertAffine } from "./geometry.js"
import { OneEuro } from "./one_euro.js"

/** A point with a score below lowScore keeps its last place in the crop, and fades out in fadeS. */
export const SMOOTHING = { cutoffHz: 1.5, perSpeed: 15, lowScore: 0.3, fadeS: 0.5 }

export class Smoother {
  #held = new Map() // by object: of each point the place in the crop, and when it was seen

  constructor(options) {
    this.options = { ...SMOOTHING, ...options }
    this.filter = new OneEuro(this.options)
  }

  /**
   * Smooth the points of one frame. objects: [{ key, xy, scores, box }] in image pixels. Returns
   * for each { xy, opacity }, which is 1 for a point that is seen and falls to 0 while it is held.
   */
  smooth(timeS, objects) {
    const held = new Map(), opacities = []
    const steady = objects.map(({ key, xy, scores, box }) => {
      const toImage = inputToImage(box, 1), toCrop = invertAffine(toImage)
      const points = this.#held.get(key) ?? xy.map(() => ({ seenS: -Infinity }))
      points.forEach((point, k) => {
        if (!point.inCrop || scores[k] >= this.options.lowScore) point.inCrop = applyAffine(toCrop, xy[k])
        if (scores[k] >= this.options.lowScore) point.seenS = timeS
      })
      held.set(key, points)
      opacities.push(points.map(({ seenS }) =>
        Math.max(1 - Math.max(timeS - seenS, 0) / this.options.fadeS, 0)))
      const side = Math.max(box[2], box[3])
      return { key, xy: points.map(({ inCrop }) => applyAffine(toImage, inCrop)), side }
    })
    this.#held = held
    return this.filter.smooth(timeS, steady).map((xy, row) => ({ xy, opacity: opacities[row] }))
  }
}
