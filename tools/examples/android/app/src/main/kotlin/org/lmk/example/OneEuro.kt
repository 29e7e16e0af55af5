package org.lmk.example

import kotlin.math.PI
import kotlin.math.hypot

/**
 * The One Euro filter of Casiez, Roussel and Vogel (CHI 2012), as lmk/video/filters/one_euro.py: a
 * low-pass whose cutoff rises with speed. It starts at the first points that it is given.
 *
 * [cutoffHz]: of a point at rest. [perSpeed]: more of it, Hz per crop side per second.
 */
class OneEuro(private val cutoffHz: Double = 1.5, private val perSpeed: Double = 15.0) {
    private class State(var place: Point, var speedX: Double = 0.0, var speedY: Double = 0.0)

    private var timeS = Double.NEGATIVE_INFINITY
    private var states = emptyList<State>()

    /** The smooth points of one frame, image pixels. [sidePx]: of the object's crop. */
    fun smooth(atS: Double, points: List<Point>, sidePx: Double): List<Point> {
        val stepS = atS - timeS
        if (states.isEmpty()) states = points.map { State(it) }
        if (stepS > 0) {
            timeS = atS
            states.zip(points) { state, point -> move(state, point, sidePx, stepS) }
        }
        return states.map { it.place }
    }

    private fun move(state: State, found: Point, sidePx: Double, stepS: Double) {
        val wayX = found.x - state.place.x
        val wayY = found.y - state.place.y
        val follow = share(Speed.SPEED_CUTOFF_HZ, stepS)
        state.speedX += follow * (wayX / stepS - state.speedX)
        state.speedY += follow * (wayY / stepS - state.speedY)
        val sidesPerSecond = hypot(state.speedX, state.speedY) / sidePx
        val part = share(cutoffHz + perSpeed * sidesPerSecond, stepS)
        state.place = Point(state.place.x + part * wayX, state.place.y + part * wayY)
    }
}

/** Of the new value in a first-order low-pass. */
private fun share(cutoffHz: Double, stepS: Double) = 1 / (1 + 1 / (2 * PI * stepS * cutoffHz))
