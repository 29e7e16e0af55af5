// From a frame and boxes to the network's input, as in lmk/inference/crops.py.

import { applyAffine, inputToImage, resize } from "./geometry.js"

const SAMPLES_APART = 1.25
const BLOCKS_A_PIXEL = 3
const MAX_BLOCK = 32, MAX_SAMPLES = 8

/**
 * Crop the square around a box and resize it to the network's input.
 *
 * frame: { width, height, data }, RGBA with 4 bytes per pixel. Writes RGB, size x size x 3 bytes,
 * into `out` from `offset` on, and returns the matrix from input to image pixels. Beyond the frame
 * its edge pixels are repeated.
 */
export function cutCrop(frame, box, size, out, offset = 0) {
  const toImage = inputToImage(box, size)
  const scale = Math.hypot(toImage[0][0], toImage[1][0])
  const block = Math.min(Math.max(Math.floor(scale / BLOCKS_A_PIXEL), 1), MAX_BLOCK)
  const [image, toSamples] = block > 1 ? blockMeans(frame, toImage, size, block) : [frame, toImage]
  const f = Math.min(Math.ceil(scale / block / SAMPLES_APART), MAX_SAMPLES)
  sample(image, toSamples, size, f, out, offset)
  return toImage
}

// Each pixel is the mean of f x f bilinear samples.
function sample(image, toImage, size, f, out, offset) {
  const [[, b], [d]] = toImage
  if (b || d) sampleTurned(image, toImage, size, f, out, offset)
  else sampleUpright(image, toImage, size, f, out, offset)
}

// First along the rows that are needed, then along the columns.
function sampleUpright({ width, height, data }, [[a, , c], [, e, g]], size, f, out, offset) {
  const across = weightsOf(a, c, size, f, width), down = weightsOf(e, g, size, f, height)
  const first = down.start[0], rows = down.start[size - 1] + down.taps - first
  const lines = new Float32Array(rows * size * 3)
  for (let row = 0, place = 0; row < rows; row++) {
    const line = 4 * width * clamp(first + row, height - 1)
    for (let column = 0; column < size; column++) {
      let red = 0, green = 0, blue = 0
      for (let tap = 0, i = column * across.taps; tap < across.taps; tap++, i++) {
        const weight = across.weights[i], p = line + across.places[i]
        red += weight * data[p]
        green += weight * data[p + 1]
        blue += weight * data[p + 2]
      }
      lines[place++] = red
      lines[place++] = green
      lines[place++] = blue
    }
  }
  const wide = 3 * size
  for (let row = 0; row < size; row++) {
    const top = (down.start[row] - first) * wide, i = row * down.taps
    for (let column = 0; column < wide; column++) {
      let sum = 0.5
      for (let tap = 0, p = top + column; tap < down.taps; tap++, p += wide) sum += down.weights[i + tap] * lines[p]
      out[offset + row * wide + column] = sum
    }
  }
}

// Of every input pixel along one axis: the first image pixel that its samples touch, and the weight
// of that and the next ones. places: where these are in a row of RGBA, none beyond the edges.
function weightsOf(scale, shift, size, f, length) {
  const taps = Math.ceil(scale * (f - 1) / f) + 2
  const start = new Int32Array(size), weights = new Float32Array(size * taps), places = new Int32Array(size * taps)
  for (let i = 0; i < size; i++) {
    start[i] = Math.floor(scale * (i + resize(0, 1 / f)) + shift)
    for (let j = 0; j < f; j++) {
      const x = scale * (i + resize(j, 1 / f)) + shift, left = Math.floor(x), right = x - left
      weights[i * taps + left - start[i]] += (1 - right) / f
      weights[i * taps + left + 1 - start[i]] += right / f
    }
    for (let tap = 0; tap < taps; tap++) places[i * taps + tap] = 4 * clamp(start[i] + tap, length - 1)
  }
  return { taps, start, weights, places }
}

function sampleTurned({ width, height, data }, [[a, b, c], [d, e, g]], size, f, out, offset) {
  const first = resize(0, 1 / f), across = 1 / f, area = f * f
  const lastX = width - 1, lastY = height - 1
  let place = offset
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      let red = 0, green = 0, blue = 0
      for (let i = 0; i < f; i++) {
        const v = row + first + i * across
        for (let j = 0; j < f; j++) {
          const u = column + first + j * across
          // Kept within the frame, so that its edge pixels are repeated.
          let x = a * u + b * v + c, y = d * u + e * v + g
          x = x < 0 ? 0 : x > lastX ? lastX : x
          y = y < 0 ? 0 : y > lastY ? lastY : y
          const left = x | 0, top = y | 0
          const right = x - left, below = y - top
          const p = 4 * (top * width + left), q = left < lastX ? p + 4 : p
          const r = top < lastY ? p + 4 * width : p, s = r + q - p
          const ws = right * below, wq = right - ws, wr = below - ws, wp = 1 - right - wr
          red += wp * data[p] + wq * data[q] + wr * data[r] + ws * data[s]
          green += wp * data[p + 1] + wq * data[q + 1] + wr * data[r + 1] + ws * data[s + 1]
          blue += wp * data[p + 2] + wq * data[q + 2] + wr * data[r + 2] + ws * data[s + 2]
        }
      }
      out[place++] = red / area + 0.5
      out[place++] = green / area + 0.5
      out[place++] = blue / area + 0.5
    }
  }
}

// Means of the blocks of pixels that a crop needs, and the matrix from input to blocks. Where the
// crop reaches beyond the frame one more block of its edge pixels stands for all there.
function blockMeans({ width, height, data }, toImage, size, block) {
  const corners = [[-1, -1], [-1, size], [size, -1], [size, size]].map((xy) => applyAffine(toImage, xy))
  const [startX, countX] = range(corners.map(([x]) => x), width, block)
  const [startY, countY] = range(corners.map(([, y]) => y), height, block)
  const means = new Uint8ClampedArray(4 * countX * countY)
  const area = block * block
  const columns = Int32Array.from({ length: countX * block }, (_, i) => 4 * clamp(startX + i, width - 1))
  for (let row = 0; row < countY; row++) {
    for (let column = 0; column < countX; column++) {
      let red = 0, green = 0, blue = 0
      for (let i = 0; i < block; i++) {
        const line = 4 * width * clamp(startY + row * block + i, height - 1)
        for (let j = column * block; j < (column + 1) * block; j++) {
          const p = line + columns[j]
          red += data[p]; green += data[p + 1]; blue += data[p + 2]
        }
      }
      const p = 4 * (row * countX + column)
      means[p] = red / area; means[p + 1] = green / area; means[p + 2] = blue / area
    }
  }
  const toBlocks = [startX, startY].map((start, axis) => {
    const [a, b, c] = toImage[axis]
    return [a / block, b / block, resize(c - start, 1 / block)]
  })
  return [{ width: countX, height: countY, data: means }, toBlocks]
}

function range(edges, length, block) {
  const start = Math.min(Math.max(Math.floor(Math.min(...edges)) - block, -block), length - 1)
  const end = Math.ceil(Math.max(...edges)) + block
  const stop = Math.min(Math.max(end, Math.max(start, 0) + 1), length + block)
  return [start, Math.ceil((stop - start) / block)]
}

const clamp = (value, last) => Math.min(Math.max(value, 0), last)
