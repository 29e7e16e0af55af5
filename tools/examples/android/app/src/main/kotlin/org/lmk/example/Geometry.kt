package org.lmk.example

import kotlin.math.cos
import kotlin.math.max
import kotlin.math.min
import kotlin.math.sin

// Frames of reference: (0, 0) is the centre of the top-left pixel.

data class Point(val x: Double, val y: Double)

/** In image pixels, from the edge of the first one; turned by [angle] degrees about its centre. */
data class Box(
    val x: Double,
    val y: Double,
    val width: Double,
    val height: Double,
    val angle: Double = 0.0,
) {
    val centre get() = Point(x + width / 2, y + height / 2)
    val side get() = max(width, height)

    /** Intersection over union, without angles: whether two boxes are round one object. */
    fun overlap(other: Box): Double {
        val wide = min(x + width, other.x + other.width) - max(x, other.x)
        val high = min(y + height, other.y + other.height) - max(y, other.y)
        val shared = max(wide, 0.0) * max(high, 0.0)
        return shared / max(width * height + other.width * other.height - shared, 1e-9)
    }
}

/** Maps x to a x + b y + c, and y to d x + e y + f. */
data class Affine(
    val a: Double,
    val b: Double,
    val c: Double,
    val d: Double,
    val e: Double,
    val f: Double,
) {
    operator fun invoke(x: Double, y: Double) = Point(a * x + b * y + c, d * x + e * y + f)
}

/** The place of [x] in the same picture resized by [scale]. */
fun resize(x: Double, scale: Double) = (x + 0.5) * scale - 0.5

/** The crop rule: the square that a network sees has the box's centre, angle and longer side. */
fun cropOfBox(box: Box) = squareAround(box, Geometry.CROP_SIDE)

/** The inverse of the crop rule. */
fun boxOfCrop(crop: Box) = squareAround(crop, 1 / Geometry.CROP_SIDE)

/** From the pixels of a square input of [size] to those of the image, by the crop rule. */
fun inputToImage(box: Box, size: Int): Affine {
    val crop = cropOfBox(box)
    val scale = crop.width / size
    val cos = scale * cos(Math.toRadians(box.angle))
    val sin = scale * sin(Math.toRadians(box.angle))
    val middle = (size - 1) / 2.0
    val (x, y) = crop.centre
    return Affine(
        cos, -sin, x - 0.5 - (cos - sin) * middle,
        sin, cos, y - 0.5 - (sin + cos) * middle,
    )
}

private fun squareAround(box: Box, scale: Double): Box {
    val side = scale * box.side
    return Box(
        box.x + (box.width - side) / 2,
        box.y + (box.height - side) / 2,
        side,
        side,
        box.angle,
    )
}
