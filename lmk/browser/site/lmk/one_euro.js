// The One Euro filter of Casiez, Roussel and Vogel (CHI 2012), as in lmk/video/filters/one_euro.py:
// a low-pass whose cutoff rises with speed, so that points at rest are still and moving ones do not
// lag.

const SPEED_CUTOFF_HZ = 1 // of the speed's own low-pass, as in the paper

/** Smooths the points of several objects. cutoffHz: of a point at rest; perSpeed: more of it, Hz
 * per crop side per second. */
export class OneEuro {
  #timeS = -Infinity
  #known = new Map() // by object: the place and the speed of each of its points

  constructor({ cutoffHz, perSpeed }) {
    this.cutoffHz = cutoffHz
    this.perSpeed = perSpeed
  }

  /**
   * The smooth points of one frame. objects: [{ key, xy, side }], the points in image pixels and
   * the side of the crop; a key that was not in the last frame is a new object. Times may repeat; a
   * time before the last one counts as repeated.
   */
  smooth(timeS, objects) {
    const stepS = timeS - this.#timeS
    if (stepS > 0) this.#timeS = timeS
    const known = new Map(objects.map(({ key, xy }) =>
      [key, this.#known.get(key) ?? xy.map((place) => ({ place, speed: [0, 0] }))]))
    this.#known = known
    return objects.map(({ key, xy, side }) => known.get(key).map((point, k) => {
      if (stepS > 0) this.#move(point, xy[k], side, stepS)
      return point.place
    }))
  }

  #move(point, found, side, stepS) {
    const way = found.map((value, axis) => value - point.place[axis])
    const follow = share(SPEED_CUTOFF_HZ, stepS)
    point.speed = point.speed.map((speed, axis) => speed + follow * (way[axis] / stepS - speed))
    const cutoffHz = this.cutoffHz + this.perSpeed * Math.hypot(...point.speed) / side
    point.place = point.place.map((place, axis) => place + share(cutoffHz, stepS) * way[axis])
  }
}

// Of the new value in a first-order low-pass.
const share = (cutoffHz, stepS) => 1 / (1 + 1 / (2 * Math.PI * stepS * cutoffHz))
