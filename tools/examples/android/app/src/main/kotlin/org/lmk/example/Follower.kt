package org.lmk.example

import kotlin.math.ceil
import kotlin.math.max
import kotlin.math.min

/** What the network finds in a box of the current frame. */
typealias Locate = (Box) -> Located

/** The object of a frame, in image pixels. [landmarks] are smooth. */
class Found(val box: Box, val landmarks: List<Point>, val scores: List<Double>)

/**
 * Finds one object by its landmarks and follows it; as lmk/video/tracker.py, which follows several.
 *
 * A frame is searched when nothing is followed. Then the crops come from the last landmarks.
 * [minSize]: side of the smallest crops that are searched, as a share of the frame's shorter side.
 */
class Follower(private val framing: Framing, private val minSize: Double = 0.3) {
    private var motion: Motion? = null
    private var filter = OneEuro()
    private var searchedS = Double.NEGATIVE_INFINITY

    /** The object in a frame, whose time is later than that of the last one, or null. */
    fun track(width: Int, height: Int, timeS: Double, locate: Locate): Found? {
        motion?.let { known -> look(known, known.predict(timeS), timeS, locate)?.let { return it } }
        if (motion == null && timeS - searchedS < Tracking.LOST_SEARCH_S) return null
        motion = null // lost in this frame, which is searched at once
        searchedS = timeS
        val box = search(width, height, locate) ?: return null
        filter = OneEuro()
        return look(Motion(box, timeS), box, timeS, locate)
    }

    private fun look(known: Motion, box: Box, timeS: Double, locate: Locate): Found? {
        val found = locate(box)
        val (following, misfitPx) = framing.fit(found, turned = true)
        val good = found.score >= Tracking.LOST_SCORE * framing.score &&
            misfitPx <= Tracking.LOST_MISFIT * framing.spreadPx
        if (!good) return null
        known.observe(following, timeS)
        motion = known
        return Found(box, filter.smooth(timeS, found.landmarks, box.side), found.scores)
    }

    /** The box of the best object; as lmk/inference/regions/landmarks.py. */
    private fun search(width: Int, height: Int, locate: Locate): Box? {
        var boxes = grid(width, height)
        repeat(Search.ROUNDS) {
            val moved = boxes.map(locate)
                .sortedByDescending { it.score }
                .map { framing.fit(it, turned = false).box }
            boxes = apart(moved).filter { it.side <= 2 * max(width, height) }
        }
        return boxes.map(locate)
            .filter { it.score >= framing.leastScore && fits(it) }
            .maxByOrNull { it.score }
            ?.let { framing.fit(it, turned = false).box }
    }

    private fun fits(found: Located) =
        framing.fit(found, turned = true).misfitPx <= Search.LARGEST_MISFIT * framing.spreadPx

    /** Square boxes over a frame, of several sides, each evenly spread. */
    private fun grid(width: Int, height: Int): List<Box> {
        val shorter = min(width, height)
        val least = max(minSize * shorter, Search.LEAST_PX)
        return generateSequence(Search.LARGEST * shorter) { it / Search.SHRINK }
            .takeWhile { it >= least }
            .toList()
            .flatMap { side ->
                evenly(height - side, Search.APART * side).flatMap { y ->
                    evenly(width - side, Search.APART * side).map { x -> Box(x, y, side, side) }
                }
            }
    }
}

/** The first FOLLOWED boxes that overlap none before them. */
private fun apart(boxes: List<Box>): List<Box> {
    val kept = mutableListOf<Box>()
    for (box in boxes) {
        if (kept.size < Search.FOLLOWED && kept.none { it.overlap(box) > Boxes.SAME }) kept += box
    }
    return kept
}

/** Places from 0 to [room], at most so far apart. */
private fun evenly(room: Double, apart: Double): List<Double> {
    val last = ceil(room / apart).toInt()
    return (0..last).map { if (last > 0) room * it / last else 0.0 }
}
