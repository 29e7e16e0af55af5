// Answers calls of the Android example's code, numbers in and out, for tests that compare it with
// Python.

package org.lmk.example

import java.io.File

private class Words(text: String) {
    private val words = text.split(Regex("\\s+")).filter { it.isNotEmpty() }.iterator()

    fun next() = if (words.hasNext()) words.next() else null
    fun word() = words.next()
    fun int() = word().toInt()
    fun number() = word().toDouble()
    fun point() = Point(number(), number())
    fun box() = Box(number(), number(), number(), number(), number())
}

private fun Words.framing() = Framing(
    List(int()) { point() }, number(), number(), int(), Pair(number(), number()),
)

private fun numbers(box: Box) = listOf(box.x, box.y, box.width, box.height, box.angle)

private fun numbers(points: List<Point>) = points.flatMap { listOf(it.x, it.y) }

private fun Words.crop(): List<Number> {
    val bytes = File(word()).readBytes()
    val width = int()
    val height = int()
    val size = int()
    val argb = IntArray(width * height) { i ->
        (0..2).fold(0xFF) { value, k -> value shl 8 or (bytes[3 * i + k].toInt() and 0xFF) }
    }
    return cutCrop(Frame(width, height, argb), box(), size).map { it.toInt() and 0xFF }
}

private fun Words.fit(framing: Framing): List<Number> {
    val turned = int() != 0
    val rows = framing.landmarksInput.map { Pair(point(), number()) }
    val found = Located(rows.map { it.first }, rows.map { it.second })
    val (box, misfitPx) = framing.fit(found, turned)
    return numbers(box) + misfitPx
}

private fun Words.filter(): List<Number> {
    val filter = OneEuro()
    return List(int()) {
        val timeS = number()
        val sidePx = number()
        numbers(filter.smooth(timeS, List(int()) { point() }, sidePx))
    }.flatten()
}

/** What a network would find in a box; as `find` in ports.py. */
private fun find(framing: Framing, objects: List<Box>, box: Box): Located {
    val near = objects.firstOrNull { it.overlap(box) > 0.15 }
    val place = near ?: Box(box.x, box.y, box.width / 3, box.height / 3)
    val toImage = inputToImage(place, framing.inputSize)
    val landmarks = framing.landmarksInput.mapIndexed { k, (x, y) ->
        toImage(if (near == null) x + 40 * (k % 3) else x, y)
    }
    return Located(landmarks, landmarks.map { if (near == null) 0.2 else 0.9 })
}

private fun Words.follow(framing: Framing): List<Number> {
    val follower = Follower(framing)
    return List(int()) {
        val timeS = number()
        val objects = List(int()) { box() }
        val found = follower.track(640, 480, timeS) { find(framing, objects, it) }
        if (found == null) listOf(0) else listOf(1) + numbers(found.box) + numbers(found.landmarks)
    }.flatten()
}

fun main() {
    val words = Words(System.`in`.bufferedReader().readText())
    val framing = words.framing()
    while (true) {
        val answer = when (words.next()) {
            "crop" -> words.crop()
            "fit" -> words.fit(framing)
            "filter" -> words.filter()
            "follow" -> words.follow(framing)
            else -> return
        }
        println(answer.joinToString(" "))
    }
}
