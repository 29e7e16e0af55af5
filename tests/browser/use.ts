// What the types of lmk.js promise to a page: this must compile, and the marked lines must not.

import { Landmarker, LmkError, Tracker, type FoundObject, type TrackedObject } from "../../lmk/browser/site/lmk.js"

export async function use(video: HTMLVideoElement, image: ImageData): Promise<number> {
  const landmarker: Landmarker = await Landmarker.load("faces-small.onnx", { backend: "wasm", threads: 1 })
  const found: FoundObject[] = await landmarker.detect(image, { boxes: [[0, 0, 9, 9], [0, 0, 9, 9, 30]] })
  const tracker: Tracker = landmarker.track({ smoothing: { cutoffHz: 1 }, finding: { angles: [0, 60] } })
  const tracked: TrackedObject[] = await tracker.track(video, 0.5)
  const pupil = found[0].points?.["left_pupil"] ?? [0, 0]
  // @ts-expect-error -- no such backend
  await Landmarker.load("faces-small.onnx", { backend: "cuda" })
  // @ts-expect-error -- a box has four or five numbers
  await landmarker.detect(image, { boxes: [[0, 0, 9]] })
  // @ts-expect-error -- it is made by load
  new Landmarker()
  if (tracked.length > 9) throw new LmkError("too many")
  if (tracker.searching && !tracker.searched) return 0
  return pupil[0] + tracked[0].id + tracker.times.model
}
