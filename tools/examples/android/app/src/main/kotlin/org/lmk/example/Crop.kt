package org.lmk.example

import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.hypot

/** Pixels row by row, 0xAARRGGBB. */
class Frame(val width: Int, val height: Int, val argb: IntArray) {
    /** A pixel; beyond the frame those of its edge are repeated. */
    fun at(x: Int, y: Int) =
        argb[y.coerceIn(0, height - 1) * width + x.coerceIn(0, width - 1)]
}

/**
 * The square around a box, resized to the network's input; as lmk/inference/crops.py.
 *
 * Returns RGB, [size] x [size] x 3 bytes. Beyond the frame its edge pixels are repeated.
 */
fun cutCrop(frame: Frame, box: Box, size: Int): ByteArray {
    val toFrame = inputToImage(box, size)
    val scale = hypot(toFrame.a, toFrame.d)
    val block = (scale / Crops.BLOCKS_A_PIXEL).toInt().coerceIn(1, Crops.MAX_BLOCK)
    val samples = ceil(scale / block / Crops.SAMPLES_APART).toInt().coerceAtMost(Crops.MAX_SAMPLES)
    if (block == 1) return sample(frame, toFrame, size, samples)
    // Where the frame shrinks a lot, samples of block means are as good, and fast.
    val edges = listOf(-1.0, size.toDouble())
    val corners = edges.flatMap { x -> edges.map { y -> toFrame(x, y) } }
    val across = blocks(corners.minOf { it.x }, corners.maxOf { it.x }, frame.width, block)
    val down = blocks(corners.minOf { it.y }, corners.maxOf { it.y }, frame.height, block)
    val toBlocks = with(toFrame) {
        Affine(
            a / block, b / block, resize(c - across.first, 1.0 / block),
            d / block, e / block, resize(f - down.first, 1.0 / block),
        )
    }
    return sample(blockMeans(frame, across, down), toBlocks, size, samples)
}

/** Each pixel of the crop is the mean of f x f bilinear samples. */
private fun sample(frame: Frame, toFrame: Affine, size: Int, f: Int): ByteArray {
    val crop = ByteArray(3 * size * size)
    val first = resize(0.0, 1.0 / f)
    val sum = DoubleArray(3)
    for (pixel in 0 until size * size) {
        sum.fill(0.0)
        for (i in 0 until f * f) {
            val u = pixel % size + first + (i % f).toDouble() / f
            val v = pixel / size + first + (i / f).toDouble() / f
            // Written out, because an object for each sample would be slow.
            addSample(
                frame,
                toFrame.a * u + toFrame.b * v + toFrame.c,
                toFrame.d * u + toFrame.e * v + toFrame.f,
                sum,
            )
        }
        for (channel in 0..2) {
            crop[3 * pixel + channel] = (sum[channel] / (f * f) + 0.5).toInt().toByte()
        }
    }
    return crop
}

private fun addSample(frame: Frame, atX: Double, atY: Double, sum: DoubleArray) {
    val x = atX.coerceIn(0.0, frame.width - 1.0)
    val y = atY.coerceIn(0.0, frame.height - 1.0)
    val left = x.toInt()
    val top = y.toInt()
    val right = x - left
    val below = y - top
    val p = frame.at(left, top)
    val q = frame.at(left + 1, top)
    val r = frame.at(left, top + 1)
    val s = frame.at(left + 1, top + 1)
    for (channel in 0..2) {
        val upper = channelOf(p, channel) * (1 - right) + channelOf(q, channel) * right
        val lower = channelOf(r, channel) * (1 - right) + channelOf(s, channel) * right
        sum[channel] += upper * (1 - below) + lower * below
    }
}

private fun channelOf(argb: Int, channel: Int) = argb shr (16 - 8 * channel) and 0xFF

/** The blocks of pixels along one axis that a crop needs, by their first pixel. */
private fun blocks(low: Double, high: Double, length: Int, block: Int): IntProgression {
    val start = (floor(low).toInt() - block).coerceIn(-block, length - 1)
    val least = start.coerceAtLeast(0) + 1
    val stop = (ceil(high).toInt() + block).coerceIn(least, length + block)
    return start until stop step block
}

private fun blockMeans(frame: Frame, across: IntProgression, down: IntProgression): Frame {
    val block = across.step
    val area = block * block
    val means = down.flatMap { top ->
        across.map { left ->
            val sum = IntArray(3)
            for (i in 0 until area) {
                val pixel = frame.at(left + i % block, top + i / block)
                for (channel in 0..2) sum[channel] += channelOf(pixel, channel)
            }
            sum.fold(0) { argb, value -> argb shl 8 or (value + area / 2) / area }
        }
    }
    return Frame(across.count(), down.count(), means.toIntArray())
}
