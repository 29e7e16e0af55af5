// Unit tests of the page's library, for node's own runner: node --test tests/browser

import assert from "node:assert/strict"
import { test } from "node:test"
import { checkBox } from "../../lmk/browser/site/lmk/boxes.js"
import { LandmarkSearch } from "../../lmk/browser/site/lmk/finder.js"
import { Follower } from "../../lmk/browser/site/lmk/follower.js"
import { Framing } from "../../lmk/browser/site/lmk/framing.js"
import { readMetadata } from "../../lmk/browser/site/lmk/metadata.js"
import { Budget, PacedSearch } from "../../lmk/browser/site/lmk/paced.js"
import { landmarkColor } from "../../lmk/browser/site/page/draw.js"
import { Lines } from "../../lmk/browser/site/page/jsonl.js"

const MEAN = [[40, 40], [88, 44], [64, 70], [50, 95], [80, 93]]
const FRAMING = { landmarks_input: MEAN, spread_px: 8, score: 0.8, input_size: 128, find_scores: [0.6, 0.05] }
const FRAME = { width: 320, height: 240, data: new Uint8ClampedArray(320 * 240 * 4) }
const MODEL = {
  framing: new Framing(FRAMING),
  describe: (box, xy, scores, { id }) => ({ box, xy, scores, id }),
}
const OPTIONS = { follow: true, searchS: 2, searchMs: null, smoothing: null }

// An object that fills the square at [x, y, side], seen in boxes whose centre lies in it.
function seen([x, y, side], box) {
  const middle = [box[0] + box[2] / 2, box[1] + box[3] / 2]
  const inside = middle[0] > x && middle[0] < x + side && middle[1] > y && middle[1] < y + side
  const [left, top, scale] = inside ? [x, y, side / 128] : [box[0], box[1], 0.1]
  const xy = MEAN.map(([u, v]) => [left + (u + 0.5) * scale - 0.5, top + (v + 0.5) * scale - 0.5])
  return { xy, scores: MEAN.map(() => inside ? 0.95 : 0.1), points: [] }
}

function run(search, object, fail = -1) {
  let step = search.next()
  for (let round = 0; !step.done; round++) {
    if (round === fail) {
      search.return()
      return null
    }
    step = search.next(step.value.map((box) => seen(object, box)))
  }
  return step.value
}

// The bytes of a message: fields of [number, bytes].
function message(...fields) {
  return Uint8Array.from(fields.flatMap(([number, bytes]) => [number * 8 + 2, ...varint(bytes.length), ...bytes]))
}
const varint = (value) => value < 128 ? [value] : [128 + value % 128, ...varint(Math.floor(value / 128))]
const bytesOf = (text) => new TextEncoder().encode(text)
const entry = ([key, value]) => [14, message([1, bytesOf(key)], [2, bytesOf(value)])]
const DECLARED = { schema_version: "1", task: "landmarks", num_landmarks: "5", name: "test",
  input: "images uint8 (B, 96, 96, 3)", framing: JSON.stringify(FRAMING) }
const fileOf = (changed) => message([7, new Uint8Array(300)], ...Object.entries({ ...DECLARED, ...changed }).map(entry))

test("metadata is read after a graph of any size", () => {
  const { name, numLandmarks, inputSize, framing, points } = readMetadata(fileOf({}))
  assert.deepEqual([name, numLandmarks, inputSize, points], ["test", 5, 96, []])
  assert.deepEqual(framing.mean, MEAN)
})

test("points and their skeleton are read and checked", () => {
  const points = { names: ["a", "b"], skeleton: [[0, 1]] }
  assert.deepEqual(readMetadata(fileOf({ points: JSON.stringify(points) })).skeleton, [[0, 1]])
  for (const wrong of [{ names: "a" }, { names: ["a"], skeleton: [[0, 1]] }, { names: [1] }, []]) {
    assert.throws(() => readMetadata(fileOf({ points: JSON.stringify(wrong) })), /damaged/)
  }
})

test("every cut file is refused with words", () => {
  const whole = fileOf({})
  for (let length = 0; length < whole.length - 1; length += 7) {
    assert.throws(() => readMetadata(whole.subarray(0, length)), { name: "LmkError" }, `length ${length}`)
  }
})

test("files of others and damaged declarations are refused", () => {
  const wrongs = [{ task: "faces" }, { schema_version: "2" }, { input: "images float (B, 3, 9, 9)" },
    { input: "images uint8 (B, 96, 64, 3)" }, { num_landmarks: "4" }, { num_landmarks: "x" }, { framing: "{" },
    { framing: "[1]" }, { framing: JSON.stringify({ ...FRAMING, spread_px: null }) },
    { framing: JSON.stringify({ ...FRAMING, find_scores: [0.5, 0] }) }]
  for (const wrong of wrongs) {
    assert.throws(() => readMetadata(fileOf(wrong)), { name: "LmkError" }, JSON.stringify(wrong))
  }
})

test("a box of a caller is checked", () => {
  assert.deepEqual(checkBox([1, 2, 3, 4]), [1, 2, 3, 4, 0])
  assert.deepEqual(checkBox(Float32Array.of(1, 2, 3, 4, 30)), [1, 2, 3, 4, 30])
  for (const wrong of [null, [1, 2, 3], [1, 2, 0, 4], [1, 2, NaN, 4], [1, 2, 3, 1e9], "1234567"]) {
    assert.throws(() => checkBox(wrong), /expected a box/)
  }
})

test("an object is found, framed as in training, and keeps its number", () => {
  const follower = new Follower(MODEL, new LandmarkSearch(), OPTIONS)
  for (let frame = 0; frame < 10; frame++) {
    const object = [40 + 3 * frame, 50, 120]
    const found = run(follower.track(FRAME, frame / 25), object)
    assert.deepEqual(found.map(({ id }) => id), [1])
    if (frame > 2) assert.ok(Math.abs(found[0].box[0] - object[0]) < 3, `${found[0].box}`)
  }
})

test("after an error all is as before the frame", () => {
  const follower = new Follower(MODEL, new LandmarkSearch(), OPTIONS)
  run(follower.track(FRAME, 0), [40, 50, 120])
  for (const timeS of [0.04, 0.05]) assert.equal(run(follower.track(FRAME, timeS), [40, 50, 120], 0), null)
  assert.deepEqual(run(follower.track(FRAME, 0.1), [42, 50, 120]).map(({ id }) => id), [1])
})

test("a time that does not rise is of another video", () => {
  const follower = new Follower(MODEL, new LandmarkSearch(), OPTIONS)
  run(follower.track(FRAME, 5), [40, 50, 120])
  assert.deepEqual(run(follower.track(FRAME, 1), [40, 50, 120]).map(({ id }) => id), [2])
})

test("a search that is spread over frames finds the same", () => {
  const follower = new Follower(MODEL, new LandmarkSearch(), { ...OPTIONS, searchMs: 1e-6 })
  let frames = 0, found = []
  while (!found.length && frames < 500) found = run(follower.track(FRAME, ++frames / 25), [100, 60, 130])
  assert.ok(frames > 2 && frames < 200, `${frames} frames`)
  assert.ok(Math.abs(found[0].box[2] - 130) < 3)
})

test("a paced search answers in the order in which it was asked", () => {
  const asked = [[0, 0, 10, 10, 0], [100, 0, 10, 10, 0], [50, 0, 10, 10, 0]]
  const search = function * () { return (yield asked).map(({ at }) => at) }
  const paced = new PacedSearch(search(), [[95, 0, 10, 10, 0]])
  const order = []
  while (!paced.found) {
    const [box] = paced.boxes(1)
    order.push(box[0])
    paced.answer([{ at: box[0] }])
  }
  assert.deepEqual(order, [100, 50, 0])
  assert.deepEqual(paced.found, [0, 100, 50])
})

test("a search of a frame without boxes ends", () => {
  const search = function * () { return yield [] }
  assert.deepEqual(new PacedSearch(search(), []).found, [])
})

test("while objects are tracked a search takes its share of the time in the mean", (t) => {
  let nowMs = 0
  t.mock.method(performance, "now", () => nowMs)
  const budget = new Budget(5)
  const timed = budget.timed([[0, 0, 1, 1, 0]])
  timed.next()
  nowMs += 20
  timed.next([])
  let boxes = 0
  for (let frame = 0; frame < 100; frame++) boxes += budget.next(true)
  assert.equal(boxes, 25)
  assert.equal(budget.next(false), 3) // of the 60 ms of frames in which nothing is tracked
})

test("lines are those of lmk run", () => {
  const lines = new Lines("camera", "faces-small")
  lines.add(0.0333333333, [{ id: 3, box: [1.23456, 2, 3, 4], angle: 12.345, landmarks: [[5.00049, 6]],
    scores: [0.123456], opacity: [0.5], points: { chin: [1, 2.0004] }, confidence: 0.99996 }])
  lines.add(0.1, [])
  const [one, two] = lines.text().trim().split("\n").map((line) => JSON.parse(line))
  assert.deepEqual(one, { source: "camera", frame: 0, time_s: 0.033333, objects: [{ model: "faces-small", id: 3,
    box: [1.235, 2, 3, 4], angle: 12.35, landmarks: [[5, 6]], scores: [0.1235], opacity: [0.5],
    points: { chin: [1, 2] }, confidence: 1 }] })
  assert.deepEqual(two, { source: "camera", frame: 1, time_s: 0.1, objects: [] })
})

test("a frame that is seen again has one line, in the order of the video", () => {
  const lines = new Lines("clip.mp4", "faces-small"), object = { box: [1, 2, 3, 4], landmarks: [], scores: [] }
  for (const [timeS, objects] of [[0.1, []], [0.2, [object]], [0.0333, []], [0.100001, [object]]]) {
    lines.add(timeS, objects)
  }
  const found = lines.text().trim().split("\n").map((line) => JSON.parse(line))
  assert.deepEqual(found.map(({ frame, time_s, objects }) => [frame, time_s, objects.length]),
    [[0, 0.0333, 0], [1, 0.1, 1], [2, 0.2, 1]])
  assert.equal(lines.count, 3)
})

test("the first landmarks have the colours of Python's", () => {
  assert.deepEqual([0, 1, 2].map(landmarkColor), ["rgb(255 38 103)", "rgb(29 125 191)", "rgb(230 255 38)"])
})
