// When a source has a new frame.

/** Tells of the newest frame of a video, a camera, or an example that moves. */
export class Frames {
  #waiting = null
  #fresh = null
  #closed = false
  #media
  #stopped = () => {}

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
    this.#media = media
    if (live || move) return
    this.#stopped = () => this.#tell({ timeS: lastS ?? media.currentTime })
    media.addEventListener("pause", this.#stopped)
  }

  /**
   * Wait for a frame that was not told before, or for that at which a video stops: { timeS }, of a file its
   * time in it.
   */
  next() {
    return new Promise((resolve) => {
      this.#waiting = resolve
      // Not at once, so that what was drawn is shown, and the visitor heard.
      if (this.#fresh) setTimeout(() => this.#tell(this.#fresh))
    })
  }

  close() {
    this.#closed = true
    this.#media.removeEventListener("pause", this.#stopped)
  }

  #tell(frame) {
    this.#fresh = frame
    if (!frame || !this.#waiting) return
    this.#waiting(frame)
    this.#waiting = this.#fresh = null
  }
}
