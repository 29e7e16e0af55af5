package org.lmk.example

import android.content.res.AssetManager
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel

/**
 * A model in LiteRT: NAME.tflite of the app's assets, with NAME.tflite.json.
 *
 * Its input `images` is uint8 (1, S, S, 3), RGB. Its outputs are `landmarks`, float32 (1, K, 2), x
 * and y in pixels of the input, `scores` (1, K), and `points` of a model with named points.
 */
class Network(assets: AssetManager, name: String) : AutoCloseable {
    val info =
        assets.open("$name.tflite.json").bufferedReader().use { readModelInfo(it.readText()) }

    private val model =
        CompiledModel.create(assets, "$name.tflite", CompiledModel.Options(Accelerator.CPU))
    private val input = model.createInputBuffer("images")
    private val outputs = listOfNotNull("landmarks", "scores", "points".takeIf { info.hasPoints })
        .associateWith { model.createOutputBuffer(it) }

    /** What is in a box of a frame. Throws IllegalStateException for a model that is broken. */
    fun locate(frame: Frame, box: Box): Located {
        input.writeInt8(cutCrop(frame, box, info.inputSize))
        model.run(mapOf("images" to input), outputs)
        val xy = outputs.getValue("landmarks").readFloat()
        val scores = outputs.getValue("scores").readFloat()
        check(scores.size == info.numLandmarks && xy.size == 2 * scores.size) {
            "its outputs are of another model: export it again"
        }
        check((xy + scores).all { it.isFinite() }) { "it returned NaN: export it again" }
        val toImage = inputToImage(box, info.inputSize)
        return Located(
            scores.indices.map { toImage(xy[2 * it].toDouble(), xy[2 * it + 1].toDouble()) },
            scores.map { it.toDouble() },
        )
    }

    override fun close() {
        input.close()
        outputs.values.forEach { it.close() }
        model.close()
    }
}
