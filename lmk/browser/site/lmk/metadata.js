// What an ONNX file says about itself, read from its bytes: ONNX Runtime's page version hides it.

import { LmkError } from "./errors.js"
import { Framing } from "./framing.js"

const METADATA = 14 // the number of ModelProto.metadata_props in ONNX's schema
const MOST_ENTRIES = 100, LONGEST = 1 << 20
const MOST_POINTS = 1000

/**
 * The declarations of a file that lmk exported: { name, numLandmarks, inputSize, framing, points,
 * skeleton }; framing is null for a model without. Throws LmkError for any other file.
 */
export function readMetadata(bytes) {
  const entries = metadataOf(bytes)
  const count = Number(entries.get("num_landmarks"))
  const input = /^images uint8 \((?:B|\d+), (\d{1,4}), \1, 3\)$/.exec(entries.get("input") ?? "")
  if (entries.get("schema_version") !== "1" || entries.get("task") !== "landmarks" || !input || !(count > 0)) {
    throw new LmkError("this file is not a model that lmk exported, or is incomplete: make one with "
      + "lmk export NAME -f onnx -o DIR")
  }
  const framing = entries.get("framing") ? new Framing(parse(entries.get("framing"))) : null
  if (framing && framing.mean.length !== count) throw damaged("framing")
  const { names: points, skeleton = [] } = entries.get("points") ? parse(entries.get("points")) : { names: [] }
  const inRange = (k) => Number.isInteger(k) && k >= 0 && k < points.length
  const isLine = (ends) => Array.isArray(ends) && ends.length === 2 && ends.every(inRange)
  if (!Array.isArray(points) || points.length > MOST_POINTS || !points.every((name) => typeof name === "string")
    || !Array.isArray(skeleton) || !skeleton.every(isLine)) {
    throw damaged("list of points")
  }
  const name = entries.get("name") ?? "model", inputSize = Number(input[1])
  return { name, numLandmarks: count, inputSize, framing, points, skeleton }
}

function parse(text) {
  try {
    const value = JSON.parse(text)
    if (value && typeof value === "object") return value
  } catch { /* said below */ }
  throw damaged("metadata")
}

const damaged = (what) => new LmkError(`the ${what} of this model is damaged: export it again`)

function metadataOf(bytes) {
  const entries = new Map(), reader = new Reader(bytes)
  try {
    while (reader.left && entries.size < MOST_ENTRIES) {
      const { number, part } = reader.field()
      if (number !== METADATA || !part || part.length > LONGEST) continue
      const inside = new Reader(part), texts = {}
      while (inside.left) {
        const { number: which, part: text } = inside.field()
        if (text) texts[which] = new TextDecoder().decode(text)
      }
      if (texts[1] !== undefined) entries.set(texts[1], texts[2] ?? "")
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new LmkError("this file is no ONNX model, or is incomplete: copy or export it again", { cause: error })
  }
  return entries
}

// Protocol buffers: each field is its number and kind, then a number or a counted part.
class Reader {
  #at = 0

  constructor(bytes) {
    this.bytes = bytes
  }

  get left() {
    return this.bytes.length - this.#at
  }

  field() {
    const tag = this.#number(), kind = tag % 8, number = Math.floor(tag / 8)
    if (kind === 0) this.#number()
    else if (kind === 1) this.#part(8)
    else if (kind === 2) return { number, part: this.#part(this.#number()) }
    else if (kind === 5) this.#part(4)
    else throw new RangeError(`kind ${kind}`)
    return { number }
  }

  #number() {
    let value = 0
    for (let scale = 1, i = 0; i < 10; i++, scale *= 128) {
      if (!this.left) throw new RangeError("end")
      const byte = this.bytes[this.#at++]
      value += (byte % 128) * scale
      if (byte < 128) return value
    }
    throw new RangeError("number")
  }

  #part(length) {
    if (length > this.left) throw new RangeError("end")
    this.#at += length
    return this.bytes.subarray(this.#at - length, this.#at)
  }
}
