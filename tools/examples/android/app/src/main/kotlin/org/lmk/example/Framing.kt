package org.lmk.example

import kotlin.math.abs
import kotlin.math.atan2
import kotlin.math.cos
import kotlin.math.max
import kotlin.math.sign
import kotlin.math.sin
import kotlin.math.sqrt

/** What a network found in one box: landmarks in image pixels, and their scores in [0, 1]. */
class Located(val landmarks: List<Point>, val scores: List<Double>) {
    val score = scores.average()
}

/** The box of an object as in training, and how far its landmarks lie from that fit, px. */
data class Fit(val box: Box, val misfitPx: Double)

/**
 * Where landmarks lie in the crops that a model was trained on; as lmk/model/framing.py.
 *
 * [landmarksInput]: the mean ones, in input pixels. [spreadPx]: their distance from the best fit of
 * these. [score]: mean score of an object's landmarks. [findScores]: mean and standard deviation of
 * the best score in a picture without an object, or null.
 */
class Framing(
    val landmarksInput: List<Point>,
    val spreadPx: Double,
    val score: Double,
    val inputSize: Int,
    val findScores: Pair<Double, Double>?,
) {
    /** The mean score from which on landmarks are an object, with a confidence of 0.95. */
    val leastScore = findScores?.let { (mean, deviation) -> mean + DEVIATIONS * deviation } ?: score

    /** Least squares over scale and shift, weighted by score; with [turned] over the angle, too. */
    fun fit(found: Located, turned: Boolean): Fit {
        val safe = found.scores.map { max(it, 1e-6) }
        val share = safe.map { it / safe.sum() }
        val (meanX, meanY) = centre(landmarksInput, share)
        val (x0, y0) = centre(found.landmarks, share)
        var along = 0.0
        var across = 0.0
        var extent = 0.0
        for ((k, part) in share.withIndex()) {
            val px = landmarksInput[k].x - meanX
            val py = landmarksInput[k].y - meanY
            val qx = found.landmarks[k].x - x0
            val qy = found.landmarks[k].y - y0
            along += part * (px * qx + py * qy)
            across += part * (px * qy - py * qx)
            extent += part * (px * px + py * py)
        }
        val degrees = if (turned) followed(Math.toDegrees(atan2(across, along))) else 0.0
        val cos = cos(Math.toRadians(degrees))
        val sin = sin(Math.toRadians(degrees))
        // A crop of a pixel at least.
        val scale = max((along * cos + across * sin) / max(extent, 1e-6), 1.0 / inputSize)
        var square = 0.0
        for ((k, part) in share.withIndex()) {
            val qx = found.landmarks[k].x - x0
            val qy = found.landmarks[k].y - y0
            val dx = (cos * qx + sin * qy) / scale - (landmarksInput[k].x - meanX)
            val dy = (cos * qy - sin * qx) / scale - (landmarksInput[k].y - meanY)
            square += part * (dx * dx + dy * dy)
        }
        val half = (inputSize - 1) / 2.0
        val side = scale * inputSize
        // A box counts from the outer edge of the first pixel, half a pixel from its centre.
        val x = x0 + scale * (cos * (half - meanX) - sin * (half - meanY)) + 0.5 - side / 2
        val y = y0 + scale * (sin * (half - meanX) + cos * (half - meanY)) + 0.5 - side / 2
        return Fit(boxOfCrop(Box(x, y, side, side, degrees)), sqrt(square))
    }
}

private const val DEVIATIONS = 1.6448536269514722 // the quantile 0.95 of the normal distribution

private fun centre(points: List<Point>, share: List<Double>) = Point(
    points.indices.sumOf { share[it] * points[it].x },
    points.indices.sumOf { share[it] * points[it].y },
)

/** Without a jump: crops of objects that are turned by less than UPRIGHT stay upright. */
private fun followed(degrees: Double): Double {
    val size = abs(degrees)
    if (size >= Turning.TURNED) return degrees
    return sign(degrees) * max(2 * (size - Turning.UPRIGHT), 0.0)
}
