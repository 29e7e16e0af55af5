// Landmarks of objects in pictures, videos and cameras. Types and documentation: lmk.d.ts.

export { LmkError } from "./lmk/errors.js"
export { Landmarker } from "./lmk/landmarker.js"
export { Tracker } from "./lmk/tracker.js"
