// The page: a source of pictures, the landmarks found in it, and what the visitor does.

import { Landmarker, LmkError } from "../lmk.js"
import { sizeOf } from "../lmk/frame.js"
import { drawObjects } from "./draw.js"
import { Frames } from "./frames.js"
import { Lines } from "./jsonl.js"
import { keepSettings, readSettings } from "./settings.js"
import { nextCamera, openCamera, openExample, openFile } from "./sources.js"

const REFRESH_MS = 500 // figures that change more often cannot be read
const STEADY_MS = 800 // how long a number of objects must stay before it is told
const STILL_S = 1e-6 // between two looks at one frame: a tracker takes an equal time for another video
const SHARPEST = 3 // pixels of the canvas per pixel of the frame

const byId = (id) => document.getElementById(id)
const { model, example } = document.documentElement.dataset
const view = byId("view"), pen = view.getContext("2d")
const held = document.createElement("canvas") // the frame that is looked at
const heldPen = held.getContext("2d", { willReadFrequently: true })
const settings = readSettings()
let landmarker = null, landmarks = null // the model, and what follows objects with it
let waiting = "Loading the model …", failure = null // what is said while there is no model, and why
let run = null // what is shown now: { source, objects, lines, ... }
let latest = 0 // number of the last choice: a source that opens after another choice is not shown

// Models.

async function loadModel() {
  say("status", waiting = "Loading the model …")
  failure = null
  const old = landmarker
  landmarker = landmarks = null
  try {
    await old?.release()
    const loaded = await Landmarker.load(model, { backend: settings.backend })
    landmarker = loaded
    loaded.settled.then(() => { if (landmarker === loaded) showBackend() })
  } catch (error) {
    say("status", waiting = "The model is not loaded")
    tell(error)
    if (run) run.objects = []
    if (settings.backend !== "webgpu") failure = error
    else {
      choose("backend", "auto")
      loadModel()
    }
    return
  }
  say("status", "Ready")
  byId("labels").textContent = landmarker.pointNames.length ? "Names of points" : "Numbers of landmarks"
  byId("landmarks").hidden = !landmarker.pointNames.length
  byId("what").textContent = landmarker.pointNames.length ? `Finds ${landmarker.pointNames.length} points`
    : `Finds ${landmarker.numLandmarks} landmarks`
  showBackend()
  if (!run) return
  run.told = -1
  newTracker()
  if (run.source.still) look(run)
}

function newTracker() {
  landmarks = landmarker?.track(settings.smooth ? {} : { smoothing: null }) ?? null
}

function showBackend() {
  const { name, threads, reason } = landmarker.backend
  run && (run.where = name === "webgpu" ? "GPU" : `processor, ${threads} thread${threads > 1 ? "s" : ""}`)
  byId("reason").textContent = sentence(reason)
}

// Sources.

async function show(opening) {
  const mine = latest += 1
  say("status", "Opening …")
  let source
  try {
    source = await opening
  } catch (error) {
    if (mine !== latest) return
    say("status", landmarker ? "Ready" : waiting)
    tell(error)
    if (run) showTurn()
    return
  }
  if (mine !== latest) {
    source.close()
    return
  }
  close()
  run = { source, objects: [], frame: null, frames: [], told: -1, since: 0, shownAt: 0, paused: false }
  run.lines = new Lines(source.name, model.replace(/\.onnx$/, ""))
  newTracker()
  if (landmarker) showBackend()
  byId("start").hidden = true
  byId("bar").hidden = false
  byId("pause").hidden = source.still
  byId("seek").hidden = source.live || source.still || !(source.media.duration > 0)
  showTurn()
  showPause()
  say("status", landmarker ? "Looking …" : waiting)
  byId("pause").focus({ preventScroll: true })
  if (source.media.tagName === "VIDEO") source.media.onended = showPause
  if (source.still) look(run)
  else follow(run)
}

function close() {
  latest += 1
  run?.source.close()
  run = null
  panel(null)
  byId("start").hidden = false
  byId("bar").hidden = true
  say("speed", "")
  say("status", landmarker ? "Ready" : waiting)
  pen.clearRect(0, 0, view.width, view.height)
}

const failed = (message) => {
  close()
  tell(message)
}

const camera = (which = { facing: settings.facing }) => openCamera(which, failed)

async function turn() {
  byId("turn").hidden = true // until that camera is there
  const next = await nextCamera(run.source)
  if (!next) return
  if (next.facing) choose("facing", next.facing)
  run.source.close() // a phone gives one camera at a time
  show(camera(next))
}

// Frames.

async function look(mine) {
  grab(mine)
  paint()
  if (!landmarker) return
  try {
    mine.objects = await landmarker.detect(mine.frame)
  } catch (error) {
    tell(error)
  }
  if (mine !== run) return
  mine.lines = new Lines(mine.source.name, landmarker.name)
  mine.lines.add(0, mine.objects)
  paint()
  tellCount(mine, true)
  dispatch(mine, {})
}

async function follow(mine) {
  const frames = new Frames(mine.source, () => mine.paused)
  for (let timeS = 0, shownS = -1; ;) {
    // Where a video stands still, the search of its frame goes on to the end.
    const unsure = landmarks?.searching || (landmarks?.searched === false && !mine.objects.length)
    const toldS = unsure && mine.frame && stands(mine) ? shownS : (await frames.next()).timeS
    timeS = toldS === shownS ? timeS + STILL_S : toldS
    shownS = toldS
    if (mine !== run) return frames.close()
    const start = performance.now()
    try {
      grab(mine)
      const times = { read: performance.now() - start }
      const tracker = landmarks
      if (tracker) {
        const objects = await tracker.track(mine.frame, timeS)
        if (mine !== run) return
        mine.objects = objects
        mine.lines.add(timeS, objects)
        Object.assign(times, tracker.times, { read: times.read + tracker.times.read })
      }
      const found = performance.now()
      paint()
      times.draw = performance.now() - found
      times.total = performance.now() - start
      if (tracker) tellFrame(mine, times)
    } catch (error) {
      tell(error)
      await new Promise((done) => setTimeout(done, 1000))
    }
  }
}

const stands = ({ source: { media } }) => media.tagName === "VIDEO" && (media.paused || media.ended)

function grab(mine) {
  const { media } = mine.source, [width, height] = sizeOf(media)
  if (held.width !== width || held.height !== height) Object.assign(held, { width, height })
  if (mine.source.still) heldPen.clearRect(0, 0, width, height)
  heldPen.drawImage(media, 0, 0, width, height)
  mine.frame = landmarker || mine.source.still ? heldPen.getImageData(0, 0, width, height) : null
}

// The frame and its landmarks, as sharp as the screen.
function paint() {
  const wide = view.clientWidth / held.width, high = view.clientHeight / held.height
  const sharp = Math.max(1, Math.min(devicePixelRatio * Math.min(wide, high), SHARPEST))
  render(view, sharp, run.source.mirrored && settings.mirror)
}

function render(canvas, enlarged, mirror) {
  const { width, height } = held, brush = canvas.getContext("2d")
  const size = { width: Math.round(width * enlarged), height: Math.round(height * enlarged) }
  const scale = size.width / width
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size)
  brush.setTransform(mirror ? -scale : scale, 0, 0, scale, mirror ? size.width : 0, 0)
  brush.drawImage(held, 0, 0)
  brush.setTransform(scale, 0, 0, scale, 0, 0)
  const skeleton = (landmarker?.skeleton ?? []).map((ends) => ends.map((k) => landmarker.pointNames[k]))
  drawObjects(brush, run.objects, { ...settings, width, height, mirror, skeleton })
}

// What is said.

function tellFrame(mine, times) {
  const now = performance.now()
  mine.frames.push(now)
  while (now - mine.frames[0] > 2000) mine.frames.shift()
  tellCount(mine, stands(mine))
  dispatch(mine, times)
  if (now - mine.shownAt < REFRESH_MS) return
  mine.shownAt = now
  const { frames, source, where } = mine
  const rate = frames.length > 1 ? 1000 * (frames.length - 1) / (now - frames[0]) : 0
  say("speed", `${rate.toFixed(0)} frames/s · ${times.total.toFixed(1)} ms · ${where}`)
  byId("times").replaceChildren(...Object.entries(times).map(([stage, ms]) => {
    const row = document.createElement("div"), name = document.createElement("dt"), value = document.createElement("dd")
    name.textContent = stage
    value.textContent = `${ms.toFixed(1)} ms`
    row.append(name, value)
    return row
  }))
  if (!byId("seek").hidden) byId("seek").value = source.media.currentTime / source.media.duration
}

function tellCount(mine, atOnce) {
  const count = mine.objects.length, now = performance.now()
  if (count !== mine.count) Object.assign(mine, { count, since: now })
  if (!count && !mine.source.still && !landmarks?.searched) return
  if (count === mine.told || (now - mine.since < STEADY_MS && !atOnce)) return
  mine.told = count
  say("status", count ? `${count} found` : mine.source.live ? "Nothing found: come closer, or turn to the light"
    : "Nothing found")
}

function dispatch({ objects, source }, times) {
  dispatchEvent(new CustomEvent("landmarks", { detail: { source: source.name, objects, times } }))
}

function say(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text
}

function tell(error) {
  if (!(error instanceof LmkError) && error instanceof Error) console.error(error)
  const message = byId("message")
  message.textContent = error instanceof LmkError || !(error instanceof Error) ? sentence(error.message ?? error)
    : `Something failed: ${error.message}. Reload the page.`
  message.hidden = false
}

// Names and addresses keep their letters.
const sentence = (text) => /^[a-z]+[ ,:']/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text

// Of what the visitor did; why there is no model stays.
function hideMessage() {
  byId("message").hidden = true
  if (failure) tell(failure)
}

// What the visitor does.

const actions = {
  camera: () => show(camera()),
  open: () => byId("file").click(),
  example: () => show(openExample(example)),
  pause: () => {
    const { media, still, move } = run.source
    if (still) return
    if (media.tagName !== "VIDEO") run.paused = !run.paused
    else if (media.paused || media.ended) media.play()
    else media.pause()
    if (!move) run.paused = media.paused
    showPause()
  },
  turn,
  options: () => panel("options"),
  save: () => panel("save"),
  close,
  back: () => byId("options").hidden && byId("save").hidden ? close() : panel(null),
  "save-picture": () => {
    const canvas = document.createElement("canvas"), name = fileName("png")
    render(canvas, 1, false) // as its landmarks are saved
    canvas.toBlob((blob) => download(blob, name), "image/png")
  },
  "save-landmarks": () => download(new Blob([run.lines.text()], { type: "application/jsonl" }), fileName("jsonl")),
}

function showPause() {
  const { media } = run?.source ?? {}
  const stopped = media?.tagName === "VIDEO" ? media.paused || media.ended : run?.paused
  say("pause", media?.ended ? "Play again" : stopped ? "Play" : "Pause")
}

async function showTurn() {
  const { source } = run
  byId("turn").hidden = true
  if (!source.live) return
  const next = await nextCamera(source)
  if (source === run?.source) byId("turn").hidden = !next
}

// Open one of the panels below the buttons, or close it.
function panel(name) {
  for (const id of ["options", "save"]) {
    const open = id === name && byId(id).hidden
    byId(id).hidden = !open
    document.querySelector(`[data-do=${id}]`).setAttribute("aria-expanded", String(open))
  }
  const count = run?.lines.count ?? 0
  say("save-landmarks", `Landmarks of ${count} frame${count === 1 ? "" : "s"} (JSON Lines)`)
}

function fileName(suffix) {
  return `${landmarker?.name ?? "lmk"}-${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")}.${suffix}`
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
}

function choose(name, value) {
  settings[name] = value
  keepSettings(settings)
  const input = document.querySelector(`[name=${name}]`)
  if (input?.type === "checkbox") input.checked = value
  else if (input) input.value = value
}

function start() {
  byId("old").hidden = true
  byId("ways").hidden = false
  byId("example").hidden = !example
  document.addEventListener("click", ({ target }) => {
    const name = target.closest("[data-do]")?.dataset.do
    if (name || target.closest("#message")) hideMessage()
    if (name) actions[name]()
  })
  document.addEventListener("keydown", (event) => {
    const name = { " ": "pause", o: "options", s: "save", escape: "back" }[event.key.toLowerCase()]
    const chosen = event.target.closest("select") && event.key !== "Escape" // its own keys
    const typing = chosen || (event.target.closest("button, input") && event.key === " ")
    if (!name || !run || typing || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    actions[name]()
  })
  byId("file").addEventListener("change", ({ target }) => {
    const [file] = target.files
    target.value = "" // so that the same file can be chosen again
    if (!file) return
    hideMessage()
    show(openFile(file, failed))
  })
  document.addEventListener("dragover", (event) => event.preventDefault())
  document.addEventListener("drop", (event) => {
    event.preventDefault()
    const [file] = event.dataTransfer.files
    if (!file) return
    hideMessage()
    show(openFile(file, failed))
  })
  byId("seek").addEventListener("input", ({ target }) => {
    run.source.media.currentTime = target.value * run.source.media.duration
    showPause()
  })
  for (const input of byId("options").querySelectorAll("[name]")) {
    choose(input.name, settings[input.name])
    input.addEventListener("change", () => {
      choose(input.name, input.type === "checkbox" ? input.checked : input.value)
      hideMessage()
      if (input.name === "backend") loadModel()
      if (input.name === "smooth") newTracker()
      if (run) paint()
    })
  }
  loadModel()
}

start()
