// Answers calls of the page's library, JSON in and out, for tests that compare it with Python.

import { text } from "node:stream/consumers"
import { apart, overlap } from "../../lmk/browser/site/lmk/boxes.js"
import { cutCrop } from "../../lmk/browser/site/lmk/crops.js"
import { LandmarkSearch, grid } from "../../lmk/browser/site/lmk/finder.js"
import { Follower, bestPairs } from "../../lmk/browser/site/lmk/follower.js"
import { Framing } from "../../lmk/browser/site/lmk/framing.js"
import { cropOfBox, inputToImage, invertAffine } from "../../lmk/browser/site/lmk/geometry.js"
import { readMetadata } from "../../lmk/browser/site/lmk/metadata.js"
import { Motion } from "../../lmk/browser/site/lmk/motion.js"
import { cumulative, quantile } from "../../lmk/browser/site/lmk/normal.js"
import { glance, sameScene } from "../../lmk/browser/site/lmk/scene.js"
import { Smoother } from "../../lmk/browser/site/lmk/smoothing.js"

const frameOf = ({ width, height, data }) =>
  ({ width, height, data: Uint8ClampedArray.from(Buffer.from(data, "base64")) })

const calls = {
  cropOfBox, inputToImage, invertAffine, overlap, grid, cumulative, quantile,
  apart: (boxes, share) => apart(boxes, boxes.keys(), share),
  bestPairs: (boxes, places) => [...bestPairs(boxes, places)],
  cutCrop: (frame, box, size) => {
    const out = new Uint8Array(size * size * 3)
    cutCrop(frameOf(frame), box, size, out)
    return Buffer.from(out).toString("base64")
  },
  fit: (framing, xy, scores, turned) => new Framing(framing).fit(xy, scores, turned),
  sameScene: (one, other) => sameScene(glance(frameOf(one)), glance(frameOf(other))),
  metadata: (bytes) => {
    const { framing, ...known } = readMetadata(Buffer.from(bytes, "base64"))
    return { ...known, framing: framing && { mean: framing.mean, findScores: framing.findScores } }
  },
  motion: (steps) => {
    const motion = new Motion(steps[0].box, steps[0].timeS)
    return steps.slice(1).map(({ box, timeS }) => {
      const predicted = motion.predict(timeS)
      motion.observe(box, timeS)
      return predicted
    })
  },
  smooth: (frames) => {
    const smoother = new Smoother({})
    return frames.map(({ timeS, objects }) => smoother.smooth(timeS, objects))
  },
  // Follow objects that are squares of one colour of a frame: what a model finds is computed from
  // where they are, `find` in test_same_as_python.py does the same.
  follow: (framing, frames, options) => {
    const model = {
      framing: new Framing(framing),
      describe: (box, places, scores, { id, opacity }) => ({ box, places, scores, id, opacity }),
    }
    const follower = new Follower(model, new LandmarkSearch(), options), scenes = new Map()
    return frames.map(({ timeS, scene, objects }) => {
      if (!scenes.has(scene)) scenes.set(scene, new Uint8ClampedArray(4 * 640 * 480).map((_, i) => i * scene % 251))
      const frame = { width: 640, height: 480, data: scenes.get(scene) }
      const search = follower.track(frame, timeS)
      let step = search.next()
      while (!step.done) step = search.next(step.value.map((box) => find(framing, objects, box)))
      return step.value
    })
  },
}

function find(framing, objects, box) {
  const near = objects.find((object) => overlap(object, box) > 0.15)
  const matrix = inputToImage(near ?? [box[0], box[1], box[2] / 3, box[3] / 3, 0], framing.input_size)
  const xy = framing.landmarks_input.map(([x, y], k) => {
    const far = near ? 0 : 40 * (k % 3) // not the shape of an object
    return matrix.map(([a, b, c]) => a * (x + far) + b * y + c)
  })
  return { xy, scores: xy.map(() => near ? 0.9 : 0.2), points: [] }
}

const asked = JSON.parse(await text(process.stdin))
process.stdout.write(JSON.stringify(asked.map(([name, ...rest]) => calls[name](...rest))))
