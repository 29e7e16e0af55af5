// Where pictures come from: a camera, a file, an example. Each source has { name, still, live,
// mirrored, media } and close(); `media` is what is drawn and looked at.

import { LmkError } from "../lmk.js"

const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } }
const EXAMPLE_WH = [640, 480], EXAMPLE_S = 12 // the way of the camera over the example

const REFUSALS = {
  NotAllowedError: "The camera was not allowed. Allow it in the browser's settings of this page, and try again.",
  NotFoundError: "This device has no camera. Open a picture or a video instead.",
  NotReadableError: "The camera is in use by another program. Close that one, and try again.",
  OverconstrainedError: "This camera cannot be used. Try another one.",
}

/** facing: "user" or "environment"; deviceId: of one camera. failed: is told why it disappeared. */
export async function openCamera({ facing, deviceId }, failed) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new LmkError(globalThis.isSecureContext ? REFUSALS.NotFoundError
      : "Browsers give the camera only to pages with https, or of this machine. Open this page with https.")
  }
  const which = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: { ideal: facing } }
  const stream = await navigator.mediaDevices.getUserMedia({ video: { ...CAMERA, ...which } }).catch((error) => {
    throw new LmkError(REFUSALS[error.name] ?? `The camera does not start: ${error.message}`, { cause: error })
  })
  const [track] = stream.getVideoTracks()
  const ended = () => failed("The camera stopped. Connect it again, and start it.")
  track.addEventListener("ended", ended)
  const { facingMode, deviceId: id } = track.getSettings?.() ?? {}
  const video = await playing(Object.assign(newVideo(), { srcObject: stream }))
  return {
    name: "camera", still: false, live: true, mirrored: (facingMode ?? "user") === "user", media: video,
    facing: facingMode, deviceId: id,
    close: () => {
      track.removeEventListener("ended", ended)
      stream.getTracks().forEach((each) => each.stop())
      video.srcObject = null
    },
  }
}

/** How to open the camera after this one; null if it is the only one. */
export async function nextCamera({ facing, deviceId }) {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => [])
  const cameras = devices.filter(({ kind }) => kind === "videoinput")
  if (cameras.length < 2) return null
  if (facing) return { facing: facing === "user" ? "environment" : "user" }
  const here = cameras.findIndex((camera) => camera.deviceId === deviceId)
  return { deviceId: cameras[(here + 1) % cameras.length].deviceId }
}

/** A picture or a video that the visitor chose. failed: is told why a video cannot go on. */
export async function openFile(file, failed) {
  const url = URL.createObjectURL(file)
  const close = () => URL.revokeObjectURL(url)
  const known = { name: file.name, live: false, mirrored: false, close }
  try {
    if (file.type.startsWith("image/")) return { ...known, still: true, media: await loaded(url) }
    const video = await playing(Object.assign(newVideo(), { src: url }))
    if (!video.videoWidth) throw new Error("no picture")
    video.onerror = () => failed(`${file.name} is damaged: this browser cannot show the rest of it.`)
    return { ...known, still: false, media: video }
  } catch (error) {
    close()
    throw new LmkError(`This browser cannot show ${file.name}: choose a JPEG, PNG or WebP picture, or an MP4 `
      + "or WebM video.", { cause: error })
  }
}

/** A camera that moves over a picture; the picture itself for visitors who want no motion. */
export async function openExample(url) {
  const picture = await loaded(url).catch((error) => {
    throw new LmkError(`${url} cannot be loaded: check the connection`, { cause: error })
  })
  const known = { name: "example", live: false, mirrored: false, close: () => {} }
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return { ...known, still: true, media: picture }
  const canvas = document.createElement("canvas")
  const pen = canvas.getContext("2d", { willReadFrequently: true })
  const cover = Math.max(EXAMPLE_WH[0] / picture.naturalWidth, EXAMPLE_WH[1] / picture.naturalHeight);
  [canvas.width, canvas.height] = EXAMPLE_WH
  const move = (timeS) => {
    const turn = 2 * Math.PI * timeS / EXAMPLE_S
    const zoom = cover * (1.45 + 0.15 * Math.cos(turn))
    pen.setTransform(1, 0, 0, 1, canvas.width / 2, canvas.height / 2)
    pen.rotate(0.1 * Math.sin(2 * turn))
    pen.scale(zoom, zoom)
    pen.translate(0.04 * canvas.width * Math.sin(turn) / zoom, 0.04 * canvas.height * Math.sin(3 * turn) / zoom)
    pen.drawImage(picture, -picture.naturalWidth / 2, -picture.naturalHeight / 2)
  }
  return { ...known, still: false, media: canvas, move }
}

function newVideo() {
  return Object.assign(document.createElement("video"), { muted: true, playsInline: true })
}

async function playing(video) {
  await new Promise((resolve, reject) => {
    video.onloadeddata = resolve
    video.onerror = () => reject(video.error)
    video.play().catch(() => {}) // an error is told by onerror
  })
  return video
}

async function loaded(url) {
  const image = Object.assign(new Image(), { src: url })
  await image.decode()
  return image
}
