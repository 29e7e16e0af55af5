// When a source has a new frame.

/** Tells of the newest frame of a video, a camera, or an example that moves. */
export class Frames {
  #waiting = null
  #fresh = null
  #closed = false

  /** isPaused: whether an example that moves stands still. */
  constructor({ media, live, move }, isPaused) {
    const began = performance.now()
    let lastS = null
    const next = media.requestVideoFrameCallback
      ? (told) => media.requestVideoFrameCallback((_, { mediaTime }) => told(mediaTime))
      : (told) => requestAnimationFrame(() => told(media.currentTime))
    const wait = () => next((mediaS) => {
      if (this.#closed) return
      const nowS = (performance.now() - began) / 1000
      if (move ? !isPaused() : mediaS !== lastS) {
        move?.(nowS)
        this.#tell({ timeS: live || move ? nowS : mediaS })
      }
      lastS = mediaS
      wait()
    })
    wait()
  }

  /** Wait for a frame that was not told before: { timeS }, of a file its place in it. */
  next() {
    return new Promise((resolve) => {
      this.#waiting = resolve
      // Not at once, so that what was drawn is shown, and the visitor heard.
      if (this.#fresh) setTimeout(() => this.#tell(this.#fresh))
    })
  }

  close() {
    this.#closed = true
  }

  #tell(frame) {
    this.#fresh = frame
    if (!frame || !this.#waiting) return
    this.#waiting(frame)
    this.#waiting = this.#fresh = null
  }
}
