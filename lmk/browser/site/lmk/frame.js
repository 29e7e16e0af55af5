// The pixels of a picture or of a video's present frame.

import { LmkError } from "./errors.js"

const MOST_PIXELS = 1 << 25 // of a picture; a canvas of more fails on phones

/** Reads pixels. One reader reuses its canvas from frame to frame. */
export class FrameReader {
  #canvas
  #pen

  /**
   * The pixels { width, height, data } of an image element, a video, a canvas, an ImageBitmap, a
   * VideoFrame or ImageData, upright, RGBA. A transparent picture lies on white.
   */
  read(source) {
    const pixels = source?.data instanceof Uint8ClampedArray && source.width > 0
    const [width, height] = sizeOf(source)
    if (!(width > 0 && height > 0)) {
      throw new LmkError("expected a picture, a video or a canvas with pixels: wait until it is loaded")
    }
    if (width * height > MOST_PIXELS) {
      throw new LmkError(`expected at most ${MOST_PIXELS / 1e6 | 0} million pixels, got ${width} x ${height}: `
        + "make the picture smaller")
    }
    if (pixels) return source
    if (this.#canvas?.width !== width || this.#canvas?.height !== height) this.#resize(width, height)
    this.#pen.fillStyle = "#fff"
    this.#pen.fillRect(0, 0, width, height)
    this.#pen.drawImage(source, 0, 0, width, height)
    try {
      return this.#pen.getImageData(0, 0, width, height)
    } catch (error) {
      throw new LmkError("this picture is from another site, which does not let pages read it", { cause: error })
    }
  }

  #resize(width, height) {
    this.#canvas ??= typeof OffscreenCanvas === "undefined" ? document.createElement("canvas")
      : new OffscreenCanvas(width, height)
    this.#canvas.width = width
    this.#canvas.height = height
    this.#pen = this.#canvas.getContext("2d", { willReadFrequently: true })
  }
}

/** The width and height of a picture or video, in pixels; 0 before it is loaded. */
export function sizeOf(source) {
  if (source === null || typeof source !== "object") return [0, 0]
  return [
    source.videoWidth ?? source.naturalWidth ?? source.displayWidth ?? source.width,
    source.videoHeight ?? source.naturalHeight ?? source.displayHeight ?? source.height,
  ]
}
