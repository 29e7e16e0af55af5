// Draw what was found, as lmk/drawing does.

const RADIUS_OF_SIDE = 0.016, LEAST_RADIUS = 2
const LOW_SCORE = 0.3
const RIM = "rgb(32 32 32)", LINE = "rgb(235 235 235)", BOX = "#fff"
const GOLDEN_RATIO = 0.618034 // steps of it spread any number of hues, so a landmark keeps its colour
const SMALLER = 0.6 // dots of landmarks among those of named points

/** The colour of landmark k, the same for any number of landmarks. */
export function landmarkColor(k) {
  const hue = (0.95 + GOLDEN_RATIO * k) % 1, value = k % 2 ? 0.75 : 1
  const channel = (n) => {
    const place = (n + hue * 6) % 6
    return Math.round(255 * value * (1 - 0.85 * Math.max(0, Math.min(place, 4 - place, 1))))
  }
  return `rgb(${channel(5)} ${channel(3)} ${channel(1)})`
}

/**
 * Draw objects over their frame. show: { width, height } of the frame, { boxes, ids, labels,
 * landmarks } for what is drawn, mirror for a frame that is shown mirrored, and skeleton, pairs of
 * names. The pen draws in pixels of the frame.
 */
export function drawObjects(pen, objects, show) {
  const last = show.width - 1
  const place = ([x, y]) => [(show.mirror ? last - x : x) + 0.5, y + 0.5] // a canvas counts from edges
  for (const object of objects) drawObject(pen, object, show, place)
}

function drawObject(pen, object, show, place) {
  const side = Math.max(object.box[2], object.box[3])
  const radius = Math.max(RADIUS_OF_SIDE * side, LEAST_RADIUS)
  const letters = Math.min(Math.max(side / 14, 11), show.height / 24 + 8)
  if (show.boxes) drawBox(pen, object, radius, show)
  if (!object.points || show.landmarks) {
    const size = radius * (object.points ? SMALLER : 1)
    drawDots(pen, object.landmarks.map(place), object.scores, object.opacity, size)
    if (show.labels && !object.points) {
      object.landmarks.forEach((xy, k) => write(pen, String(k), place(xy), radius, letters, show))
    }
  }
  if (object.points) drawPoints(pen, object, show, place, radius, letters)
  if (show.ids && object.id !== undefined) {
    const [x, y, width] = object.box
    write(pen, `#${object.id}`, place([show.mirror ? x + width : x, y - letters]), 0, 1.2 * letters, show)
  }
}

function drawPoints(pen, object, show, place, radius, letters) {
  const names = Object.keys(object.points)
  const xy = Object.fromEntries(names.map((name) => [name, place(object.points[name])]))
  const opacity = names.map((name) => object.pointsOpacity?.[name] ?? 1)
  pen.lineCap = "round"
  for (const [color, wide] of [[RIM, radius / 2 + 2], [LINE, radius / 2]]) {
    for (const [one, other] of show.skeleton) {
      pen.globalAlpha = Math.min(opacity[names.indexOf(one)], opacity[names.indexOf(other)])
      pen.beginPath()
      pen.moveTo(...xy[one])
      pen.lineTo(...xy[other])
      pen.strokeStyle = color
      pen.lineWidth = Math.max(wide, 1)
      pen.stroke()
    }
  }
  const certain = object.scores.reduce((sum, score) => sum + score, 0) / object.scores.length
  drawDots(pen, Object.values(xy), names.map(() => certain), opacity, radius)
  if (show.labels) names.forEach((name, k) => { if (opacity[k] > 0) write(pen, name, xy[name], radius, letters, show) })
}

// A dot for every place, hollow for a low score.
function drawDots(pen, places, scores, opacity, radius) {
  places.forEach(([x, y], k) => {
    const hollow = scores[k] < LOW_SCORE, color = landmarkColor(k)
    const circle = (size) => { pen.beginPath(); pen.arc(x, y, size, 0, 7) }
    pen.globalAlpha = opacity?.[k] ?? 1
    circle(hollow ? radius : radius + Math.max(radius / 4, 1))
    if (hollow) {
      for (const [shade, wide] of [[RIM, radius / 3 + 2], [color, Math.max(radius / 3, 1)]]) {
        pen.strokeStyle = shade
        pen.lineWidth = wide
        pen.stroke()
      }
    } else {
      pen.fillStyle = RIM
      pen.fill()
      circle(radius)
      pen.fillStyle = color
      pen.fill()
    }
  })
  pen.globalAlpha = 1
}

function drawBox(pen, { box: [x, y, width, height], angle }, radius, { mirror, width: frameWidth }) {
  const middle = x + width / 2
  pen.save()
  pen.translate(mirror ? frameWidth - middle : middle, y + height / 2)
  pen.rotate((mirror ? -angle : angle) * Math.PI / 180)
  const wide = Math.max(radius / 4, 1)
  for (const [color, inset] of [[RIM, 1.5 * wide], [BOX, wide / 2]]) {
    pen.strokeStyle = color
    pen.lineWidth = wide
    pen.strokeRect(inset - width / 2, inset - height / 2, width - 2 * inset, height - 2 * inset)
  }
  pen.restore()
}

function write(pen, text, [x, y], radius, size, show) {
  pen.font = `600 ${size}px system-ui, "DejaVu Sans", sans-serif`
  pen.textBaseline = "middle"
  pen.lineJoin = "round"
  pen.lineWidth = size / 4
  pen.strokeStyle = RIM
  pen.fillStyle = BOX
  const left = Math.min(x + 1.6 * radius, show.width - pen.measureText(text).width)
  pen.strokeText(text, left, y)
  pen.fillText(text, left, y)
}
