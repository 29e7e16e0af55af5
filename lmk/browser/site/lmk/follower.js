// Track objects from frame to frame, as in lmk/video/tracker.py.

import { SAME, apart, ordered, overlap } from "./boxes.js"
import { mean } from "./framing.js"
import { Motion } from "./motion.js"
import { Budget, PacedSearch } from "./paced.js"
import { glance, sameScene } from "./scene.js"
import { Smoother } from "./smoothing.js"

const DOUBLE = 0.6 // overlap from which two tracks have run into one
// Shares of the framing's own figures from which a track is lost.
const LOST_SCORE = 0.9, LOST_MISFIT = 2
const REMEMBER_S = 1 // how long the number of a lost object waits for it to be found again
const LONGEST_SEARCH_S = 5 // and how long while a search that is spread over frames goes on
const LOST_SEARCH_S = 0.2 // between two searches in that time

/**
 * One model's objects in one source. follow: whether objects are tracked between searches, which
 * come every `searchS` seconds and when one is lost; searchMs: how long a search may take of one
 * frame, null for as long as it takes. smoothing: null for none.
 *
 * A sight is what was found in the crop of one track: { track, box, xy, scores, points, following,
 * good }: `following` is the box that the landmarks lead to, and `good` whether they are those of
 * the object.
 */
export class Follower {
  #model
  #finder
  #options
  #budget
  #number = 0
  #timeS = -Infinity
  #coarse = false
  #state

  constructor(model, finder, { follow, searchS, searchMs, smoothing }) {
    this.#model = model
    this.#finder = finder
    this.#options = { follow, searchS, smoothing }
    this.#budget = searchMs === null ? null : new Budget(searchMs)
    this.#start()
  }

  /** Whether a search goes on in the next frames. */
  get searching() { return this.#state.pending !== null }

  /** Whether all of a frame was looked into since the source began. */
  get searched() { return this.#state.searched }

  #start() {
    this.#state = { tracks: [], lost: [], pending: null, searchedS: -Infinity, scene: null, searched: false }
    this.smoother = this.#options.smoothing ? new Smoother(this.#options.smoothing) : null
  }

  /**
   * Find the objects of a frame: yields boxes, and receives what is in them. After an error all is
   * as before the frame.
   */
  * track(frame, timeS) {
    if (timeS <= this.#timeS) this.#start() // the source began again
    this.#timeS = timeS
    const before = { ...this.#state }, number = this.#number
    let sights, whole = false
    try {
      sights = yield* this.#sights(frame, timeS)
      whole = true
    } finally {
      // A search whose answers are gone begins again.
      if (!whole) {
        const { pending } = this.#state
        this.#state = { ...before, pending: null, searchedS: pending ? -Infinity : before.searchedS }
        this.#number = number
      }
    }
    this.#state.tracks = sights.map(({ track }) => track)
    for (const { track, following } of sights) track.motion.observe(following, timeS)
    return this.#objects(sights)
  }

  * #sights(frame, timeS) {
    const state = this.#state, { follow } = this.#options
    const longestS = state.pending ? LONGEST_SEARCH_S : REMEMBER_S
    state.lost = state.lost.filter((lost) => timeS - lost.timeS <= longestS)
    this.#lookForACut(frame)
    const predicted = state.tracks.map(({ motion }) => motion.predict(timeS))
    if (follow && this.#budget) return yield* this.#followPaced(frame, predicted)
    state.searched = true
    if (follow) return yield* this.#follow(frame, predicted)
    const found = yield* this.#finder.search(frame, this.#model.framing)
    return yield* this.#look(this.#identify(found, predicted), found)
  }

  // Lose all tracks in another scene, and search it at once.
  #lookForACut(frame) {
    const state = this.#state, last = state.scene
    state.scene = glance(frame)
    if (!last || sameScene(last, state.scene)) return
    const lost = state.tracks.map((track) =>
      ({ timeS: this.#timeS, track, box: track.motion.box, scene: last }))
    Object.assign(state, { tracks: [], lost: [...state.lost, ...lost], pending: null, searchedS: -Infinity })
  }

  // Look where the objects should be, and search the frame when it is due or one is lost.
  * #follow(frame, predicted) {
    let tracks = this.#state.tracks, boxes = predicted, found = []
    const due = this.#searchIsDue()
    if (due) {
      found = yield* this.#search(frame)
      const rest = awayFrom(found, predicted)
      tracks = [...tracks, ...this.#new(rest)]
      boxes = [...boxes, ...rest]
    }
    let sights = yield* this.#look(tracks, boxes)
    if (!sights.every(({ good }) => good)) {
      this.#lose(sights.filter(({ good }) => !good))
      sights = sights.filter(({ good }) => good)
      // Where a search was due: boxes that were taken for those of an object that is lost now.
      found = due ? found.filter((box) => predicted.some((other) => overlap(box, other) > SAME))
        : yield* this.#search(frame)
      const rest = awayFrom(found, sights.map(({ following }) => following))
      sights = [...sights, ...yield* this.#look(this.#new(rest), rest)]
    }
    return this.#withoutDoubles(sights)
  }

  // The same with a search that looks into a few boxes of each frame, in one batch with those of the
  // tracks. In the frame of a loss it begins near it.
  * #followPaced(frame, predicted) {
    const state = this.#state, budget = this.#budget, tracked = predicted.length
    if (!state.pending && this.#searchIsDue()) this.#beginSearch(frame, [])
    const part = state.pending ? state.pending.boxes(budget.next(tracked > 0)) : []
    const found = yield* budget.timed([...predicted, ...part])
    if (state.pending) state.pending.answer(found.slice(tracked))
    let sights = this.#judge(state.tracks, predicted, found.slice(0, tracked))
    const lost = sights.filter(({ good }) => !good)
    if (lost.length) {
      sights = sights.filter(({ good }) => good)
      this.#lose(lost)
      if (!state.pending) {
        this.#beginSearch(frame, lost.map(({ box }) => box))
        state.pending.answer(yield* budget.timed(state.pending.boxes(budget.next(false))))
      }
    }
    if (state.pending?.found) {
      const followed = sights.map(({ following }) => following)
      const rest = awayFrom(different(state.pending.found), followed)
      state.pending = null
      if (!this.#coarse) state.searched = true
      else if (!rest.length) state.searchedS = -Infinity // the next one looks into all
      sights = [...sights, ...yield* this.#look(this.#new(rest), rest)]
    }
    return this.#withoutDoubles(sights)
  }

  #beginSearch(frame, near) {
    this.#state.searchedS = this.#timeS
    // While nothing is tracked every second search is a quick one, so that something is found soon.
    this.#coarse = !this.#state.tracks.length && !this.#coarse
    const search = this.#finder.search(frame, this.#model.framing, this.#coarse)
    this.#state.pending = new PacedSearch(search, near)
  }

  // Lose tracks that are not good, or have run into another one.
  #withoutDoubles(sights) {
    const rows = [...sights.keys()].filter((row) => sights[row].good)
    const kept = apart(sights.map(({ following }) => following), rows, DOUBLE)
    this.#lose(sights.filter((_, row) => !kept.includes(row)))
    return kept.map((row) => sights[row])
  }

  #searchIsDue() {
    const { tracks, lost, searchedS } = this.#state
    let pauseS = Math.min(this.#options.searchS, lost.length ? LOST_SEARCH_S : Infinity)
    if (!tracks.length) pauseS = Math.min(pauseS, this.#finder.pauseS)
    return this.#timeS - searchedS >= pauseS
  }

  * #search(frame) {
    this.#state.searchedS = this.#timeS
    return different(yield* this.#finder.search(frame, this.#model.framing))
  }

  * #look(tracks, boxes) {
    return this.#judge(tracks, boxes, yield boxes)
  }

  #judge(tracks, boxes, found) {
    const { framing } = this.#model
    return found.map(({ xy, scores, points }, row) => {
      const sight = { track: tracks[row], box: boxes[row], xy, scores, points, following: boxes[row], good: true }
      if (!this.#options.follow) return sight
      const { box, misfitPx } = framing.fit(xy, scores, true)
      const good = mean(scores) >= LOST_SCORE * framing.score && misfitPx <= LOST_MISFIT * framing.spreadPx
      return { ...sight, following: box, good }
    })
  }

  #objects(sights) {
    const shown = sights.map(({ track, box, xy, scores, points }) => {
      const certain = mean(scores) // a point is as certain as all landmarks together
      return { key: track, box, xy: [...xy, ...points], scores: [...scores, ...points.map(() => certain)] }
    })
    const smooth = this.smoother?.smooth(this.#timeS, shown)
      ?? shown.map(({ xy }) => ({ xy, opacity: xy.map(() => 1) }))
    return sights.map((sight, row) => this.#model.describe(sight.box, smooth[row].xy, sight.scores,
      { id: sight.track.number, opacity: smooth[row].opacity }))
  }

  // The tracks of found boxes: those that they overlap most, or new ones.
  #identify(found, predicted) {
    const { tracks } = this.#state
    const lost = this.#lostHere()
    const places = [...tracks.map(({ motion }, i) => [predicted[i], motion.box]), ...lost.map(placesOf)]
    const pairs = bestPairs(found, places)
    const isKnown = (row) => pairs.has(row) && pairs.get(row) < tracks.length
    const fresh = this.#new(found.filter((_, row) => !isKnown(row)))
    const identified = found.map((_, row) => isKnown(row) ? tracks[pairs.get(row)] : fresh.shift())
    tracks.forEach((track, i) => {
      if (!identified.includes(track)) this.#remember(track, predicted[i])
    })
    return identified
  }

  // Start tracks, with the numbers of objects that were lost there, or the next ones.
  #new(boxes) {
    const lost = this.#lostHere()
    const pairs = bestPairs(boxes, lost.map(placesOf))
    const tracks = boxes.map((box, row) => {
      // A new track, so that no filter goes on from before the loss.
      if (pairs.has(row)) return { ...lost[pairs.get(row)].track }
      this.#number += 1
      return { number: this.#number, motion: new Motion(box, this.#timeS) }
    })
    const found = new Set([...pairs.values()].map((i) => lost[i]))
    this.#state.lost = this.#state.lost.filter((each) => !found.has(each))
    return tracks
  }

  #lose(sights) {
    for (const { track, box } of sights) this.#remember(track, box)
  }

  #remember(track, box) {
    const { lost, scene } = this.#state
    this.#state.lost = [...lost, { timeS: this.#timeS, track, box, scene }]
  }

  // What was lost in the scene of this frame.
  #lostHere() {
    return this.#state.lost.filter(({ scene }) => sameScene(scene, this.#state.scene))
  }
}

// Where a lost object may be: where it was searched for and last found.
const placesOf = ({ box, track }) => [box, track.motion.box]

const different = (boxes) => apart(boxes, boxes.keys(), SAME).map((row) => boxes[row])

const awayFrom = (boxes, known) =>
  boxes.filter((box) => !known.some((other) => overlap(box, other) > SAME))

/** Pair boxes with objects, of which each has two places; the largest overlap is paired first. */
export function bestPairs(boxes, places) {
  const shares = []
  boxes.forEach((box, row) => places.forEach((two, other) => {
    const share = Math.max(...two.map((place) => overlap(box, place)))
    if (share > SAME) shares.push({ row, other, share })
  }))
  const pairs = new Map(), taken = new Set()
  for (const i of ordered(shares, ({ share }) => -share)) {
    const { row, other } = shares[i]
    if (pairs.has(row) || taken.has(other)) continue
    pairs.set(row, other)
    taken.add(other)
  }
  return pairs
}
