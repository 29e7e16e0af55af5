// Landmarks of objects in pictures, videos and cameras, in a page.
//
//     import { Landmarker } from "./lmk.js"
//
//     const landmarker = await Landmarker.load("faces-small.onnx")
//     const objects = await landmarker.detect(document.querySelector("img"))
//
//     const tracker = landmarker.track()
//     async function next() {
//       for (const { id, landmarks } of await tracker.track(video)) console.log(id, landmarks)
//       video.requestVideoFrameCallback(next)
//     }
//
// Copy lmk.js, lmk.d.ts, the folder lmk and, where there is one, onnxruntime-web: lmk/onnxruntime-web.json
// says where ONNX Runtime is.
// Words, and what is computed, are those of the Python package lmk.

/** [x, y] in pixels of the picture; (0, 0) is the centre of the top-left pixel. */
export type Place = [number, number]

/**
 * [x, y, width, height] in pixels of the picture, counted from the outer edge of its first pixel,
 * and maybe the angle in degrees, from x towards y, by which the box is turned about its centre.
 */
export type Box = [number, number, number, number] | [number, number, number, number, number]

/** What pixels are read from. Pictures of other sites must allow it (CORS). */
export type Picture =
  | HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas | ImageBitmap | VideoFrame | ImageData

/** One object, as in a line of `lmk run -o out.jsonl`. */
export interface FoundObject {
  /** Where it was searched for. */
  box: [number, number, number, number]
  /** By which the box is turned about its centre, degrees from x towards y. */
  angle: number
  landmarks: Place[]
  /** Of each landmark, in [0, 1]: the share of the heatmap close to it. */
  scores: number[]
  /** The named points of a model that has some, see `lmk name`. */
  points?: Record<string, Place>
  /**
   * In [0, 1]: the share of pictures without an object in which all landmarks have a lower mean
   * score. Not there for models that were not measured for it.
   */
  confidence?: number
}

/** One object of a video. */
export interface TrackedObject extends FoundObject {
  /** The same from frame to frame, also when the object was lost for less than a second. */
  id: number
  /** Of each landmark: 1 where it is seen, and falling to 0 while it keeps its last place. */
  opacity: number[]
  pointsOpacity?: Record<string, number>
}

/** How objects are searched for all over a picture. */
export interface Finding {
  /** Side of the smallest crops, as a share of the picture's shorter side, 0.05 to 1; 0.14. */
  minSize?: number
  /** The share of pictures without an object in which nothing is found, between 0 and 1; 0.95. */
  threshold?: number
  /** By which objects may be turned, degrees; others within 30 of these are found too; [0]. */
  angles?: number[]
}

export interface LoadOptions {
  /**
   * "auto", the default: WebAssembly at once, and the GPU (WebGPU) as soon as it was found to give
   * the same landmarks in less time, see `settled`. "wasm"; or "webgpu", an error where it is not
   * there or not right.
   */
  backend?: "auto" | "wasm" | "webgpu"
  /**
   * Threads of WebAssembly. By default half of the processor's, at most 4, if the page is
   * cross-origin isolated; otherwise browsers allow one. The first landmarker of a page decides.
   */
  threads?: number
}

/** What runs the model, and why not another. */
export interface Backend {
  name: "wasm" | "webgpu"
  /** Of WebAssembly; 0 on the GPU. */
  threads: number
  reason: string
}

/** The One Euro filter; see `lmk run --help`. */
export interface Smoothing {
  /** Of a landmark at rest, Hz; lower is smoother; 1.5. */
  cutoffHz?: number
  /** Increase of it with speed, Hz per crop side per second; higher lags less; 15. */
  perSpeed?: number
  /** A landmark with a lower score keeps its last place in the crop; 0.3. */
  lowScore?: number
  /** In this time it fades out, seconds; 0.5. */
  fadeS?: number
}

export interface TrackOptions {
  /**
   * Whether objects are tracked from their own landmarks between searches. By default for models
   * that know how their landmarks score where there is no object; others look into the centred
   * square of every frame.
   */
  follow?: boolean
  /** Between two searches while objects are tracked, seconds; 2. */
  searchS?: number
  /**
   * How long a search takes of a frame while objects are tracked, milliseconds in the mean of
   * frames; 5. While none is, it takes 60 ms, so that the first objects come after some frames. null
   * for no limit: all of a frame is searched at once.
   */
  searchMs?: number | null
  /** null for none. */
  smoothing?: Smoothing | null
  finding?: Finding
}

/** Milliseconds of the last frame. */
export interface Times {
  read: number
  crop: number
  model: number
  follow: number
}

/** A model that is ready to run. */
export class Landmarker {
  /**
   * Load an ONNX file of `lmk export`, from its address or its bytes. Throws LmkError for another
   * file, and where the browser has no WebAssembly.
   */
  static load(model: string | URL | ArrayBuffer | Uint8Array, options?: LoadOptions): Promise<Landmarker>

  private constructor()

  readonly name: string
  readonly numLandmarks: number
  /** Side of the network's input, px. */
  readonly inputSize: number
  readonly pointNames: string[]
  /** The pairs of named points that lines join, by their numbers. */
  readonly skeleton: [number, number][]
  readonly backend: Backend
  /** Resolves when the backend is final. */
  readonly settled: Promise<void>

  /**
   * Find the objects of one picture; or, with boxes, the landmarks in each of these, in order.
   * Boxes may extend beyond the picture.
   */
  detect(picture: Picture, options?: { boxes?: Box[]; finding?: Finding }): Promise<FoundObject[]>

  /** Track the objects of a video or camera; one tracker per video. */
  track(options?: TrackOptions): Tracker

  /**
   * What is in crops as the network sees them, RGB bytes of B x S x S x 3, S the input size: places
   * in input pixels.
   */
  infer(crops: Uint8Array): Promise<{ landmarks: Place[]; scores: number[]; points: Place[] }[]>

  /** Free the model's memory; calls that were made before end first, later ones are an error. */
  release(): Promise<void>
}

/** The objects of one video, from frame to frame. */
export class Tracker {
  constructor(landmarker: Landmarker, options?: TrackOptions)

  /**
   * Find the objects of the video's present frame.
   *
   * timeS: its time in seconds, by default the clock's. A time that is not later than the last one
   * is that of another video: nothing is followed from before.
   */
  track(picture: Picture, timeS?: number): Promise<TrackedObject[]>

  readonly times: Times

  /** Whether a search goes on in the next frames. */
  readonly searching: boolean

  /** Whether all of a frame was searched since the video began: before that, no object is no answer. */
  readonly searched: boolean
}

/** Its message says what was expected, what came, and how to mend it. */
export class LmkError extends Error {}
