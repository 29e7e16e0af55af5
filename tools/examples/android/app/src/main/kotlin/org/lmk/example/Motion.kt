package org.lmk.example

import kotlin.math.hypot
import kotlin.math.max
import kotlin.math.min
import kotlin.math.pow

/** The last box of an object and its velocity, by a Kalman filter; as lmk/video/motion.py. */
class Motion(box: Box, private var timeS: Double) {
    var box = box
        private set
    private var velocity = Point(0.0, 0.0) // of the centre, px / s
    private var variance = Moving.FIRST_SPEED.pow(2) // of the velocity, sides^2 / s^2

    /** The box at a later time, with the size and the angle of the last one. */
    fun predict(atS: Double): Box {
        val gapS = if (atS - timeS <= Moving.HORIZON_S) atS - timeS else 0.0
        val x = velocity.x * gapS
        val y = velocity.y * gapS
        val share = min(1.0, Moving.FARTHEST * box.side / max(hypot(x, y), 1e-6))
        return box.copy(x = box.x + share * x, y = box.y + share * y)
    }

    /** Take the box that was found at a time: the first one corrects that of the start. */
    fun observe(found: Box, atS: Double) {
        val gapS = atS - timeS
        if (gapS > 0) {
            val grown = variance + Moving.ACCELERATION * gapS
            val gain = grown / (grown + 2 * (Moving.PLACE_NOISE / gapS).pow(2))
            val now = found.centre
            val before = box.centre
            velocity = Point(
                velocity.x + gain * ((now.x - before.x) / gapS - velocity.x),
                velocity.y + gain * ((now.y - before.y) / gapS - velocity.y),
            )
            variance = grown * (1 - gain)
        }
        box = found
        timeS = atS
    }
}
