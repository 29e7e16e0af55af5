// Boxes [x, y, width, height, angle] in image pixels and degrees, and their overlap.

import { LmkError } from "./errors.js"

export const SAME = 0.3 // overlap from which two boxes are one object

const FARTHEST_PX = 1e7

/** A box of a caller, [x, y, width, height] or with an angle, as one with an angle. */
export function checkBox(box) {
  const numbers = Array.from(box ?? [])
  const isBox = numbers.length === 4 || numbers.length === 5
  if (!isBox || !numbers.every((n) => Math.abs(n) <= FARTHEST_PX) || !(numbers[2] > 0 && numbers[3] > 0)) {
    throw new LmkError("expected a box [x, y, width > 0, height > 0] in image pixels, or with an "
      + `angle in degrees, got [${numbers}]`)
  }
  return [...numbers, 0].slice(0, 5)
}

/** Intersection over union. Angles are left out: it asks whether both are round one object. */
export function overlap([x, y, width, height], [left, top, wide, high]) {
  const shared = Math.max(Math.min(x + width, left + wide) - Math.max(x, left), 0)
    * Math.max(Math.min(y + height, top + high) - Math.max(y, top), 0)
  return shared / Math.max(width * height + wide * high - shared, 1e-9)
}

/** The numbers of boxes, in an order, without those that overlap an earlier one by more than `share`. */
export function apart(boxes, order, share, count = Infinity) {
  const kept = []
  for (const row of order) {
    if (kept.length >= count) break
    if (kept.every((other) => overlap(boxes[other], boxes[row]) <= share)) kept.push(row)
  }
  return kept
}

/** 0, 1, ... of a list, by rising value of `key`. */
export function ordered(list, key) {
  const values = list.map(key)
  return [...values.keys()].sort((a, b) => values[a] - values[b])
}
