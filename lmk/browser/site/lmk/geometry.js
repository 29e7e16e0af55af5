// Frames of reference, as in lmk/geometry.py: (0, 0) is the centre of the top-left pixel, and a box
// [x, y, width, height, angle] counts from the outer edge of the first pixel, in image pixels. The
// angle, in degrees from x towards y, turns it about its centre. A matrix is [[a, b, c], [d, e, f]].

export const CROP_SIDE = 1 // side of a crop, in longer sides of its box

const RADIAN = Math.PI / 180

/** The place of `x` in the same picture resized by `scale`. */
export const resize = (x, scale) => (x + 0.5) * scale - 0.5

export function applyAffine([[a, b, c], [d, e, f]], [x, y]) {
  return [a * x + b * y + c, d * x + e * y + f]
}

export function invertAffine([[a, b, c], [d, e, f]]) {
  const determinant = a * e - b * d
  const [p, q, r, s] = [e, -b, -d, a].map((value) => value / determinant)
  return [[p, q, -(p * c + q * f)], [r, s, -(r * c + s * f)]]
}

/** The crop rule: the square that a network sees of a box. It keeps the box's centre and angle. */
export const cropOfBox = (box) => squareAround(box, CROP_SIDE)

/** The inverse of the crop rule: the square box that has this crop. */
export const boxOfCrop = (crop) => squareAround(crop, 1 / CROP_SIDE)

/** The matrix from the pixels of an input of `size` to those of the image, by the crop rule. */
export function inputToImage(box, size) {
  const [left, top, side, , angle] = cropOfBox(box)
  const scale = side / size
  const cos = scale * Math.cos(angle * RADIAN), sin = scale * Math.sin(angle * RADIAN)
  const middle = (size - 1) / 2, x = left + side / 2 - 0.5, y = top + side / 2 - 0.5
  return [[cos, -sin, x - (cos - sin) * middle], [sin, cos, y - (sin + cos) * middle]]
}

/** The largest centred square of a frame. */
export function centerSquare(width, height) {
  const side = Math.min(width, height)
  return [(width - side) / 2, (height - side) / 2, side, side, 0]
}

function squareAround([x, y, width, height, angle = 0], scale) {
  const side = scale * Math.max(width, height)
  return [x + (width - side) / 2, y + (height - side) / 2, side, side, angle]
}
