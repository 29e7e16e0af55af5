// Predict where an object is in the next frame, as in lmk/video/motion.py. In sides of its box:

const ACCELERATION = 100 // spectral density, sides^2 / s^3
const PLACE_NOISE = 0.01
const FIRST_SPEED = 5 // sides / s
const HORIZON_S = 0.25 // after a longer gap between frames, the last speed says nothing
const FARTHEST = 0.5 // a prediction lies at most so many sides from the last place

/** The last box of an object and its velocity, by a Kalman filter with random acceleration. */
export class Motion {
  #timeS
  #velocity = [0, 0] // of the centre, px / s
  #variance = FIRST_SPEED ** 2 // of the velocity, sides^2 / s^2

  constructor(box, timeS) {
    this.box = box
    this.#timeS = timeS
  }

  /** The box at a later time, with the size and the angle of the last one. */
  predict(timeS) {
    const gapS = timeS - this.#timeS
    const [x, y, width, height, angle] = this.box
    const move = this.#velocity.map((speed) => gapS <= HORIZON_S ? speed * gapS : 0)
    const farthest = FARTHEST * Math.max(width, height)
    const share = Math.min(1, farthest / Math.max(Math.hypot(...move), 1e-6))
    return [x + share * move[0], y + share * move[1], width, height, angle]
  }

  /** Take the box that was found at a time: the first one corrects that of the start. */
  observe(box, timeS) {
    const gapS = timeS - this.#timeS
    if (gapS > 0) {
      const variance = this.#variance + ACCELERATION * gapS
      const gain = variance / (variance + 2 * (PLACE_NOISE / gapS) ** 2)
      const last = center(this.box)
      center(box).forEach((place, axis) => {
        this.#velocity[axis] += gain * ((place - last[axis]) / gapS - this.#velocity[axis])
      })
      this.#variance = variance * (1 - gain)
    }
    this.box = box
    this.#timeS = timeS
  }
}

const center = ([x, y, width, height]) => [x + width / 2, y + height / 2]
