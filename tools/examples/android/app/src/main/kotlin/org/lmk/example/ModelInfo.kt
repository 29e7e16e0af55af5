package org.lmk.example

import org.json.JSONArray
import org.json.JSONException
import org.json.JSONObject

/** What the file NAME.tflite.json, which lmk writes beside a model, says about it. */
class ModelInfo(
    val numLandmarks: Int,
    val inputSize: Int,
    val hasPoints: Boolean,
    val framing: Framing,
)

/** Throws IllegalArgumentException for any other text. */
fun readModelInfo(text: String): ModelInfo = try {
    val json = JSONObject(text)
    require(json.getString("format") == "litert") { "it is not of the format litert" }
    require(!json.isNull("framing")) { "it has no framing, so that it cannot be tracked" }
    val info = ModelInfo(
        json.getInt("num_landmarks"),
        json.getInt("input_size"),
        !json.isNull("points"),
        framingOf(json.getJSONObject("framing")),
    )
    require(info.numLandmarks == info.framing.landmarksInput.size) { "its framing is another's" }
    require(info.inputSize in 1..4096) { "its input has ${info.inputSize} pixels" }
    info
} catch (error: JSONException) {
    throw IllegalArgumentException("it is damaged: export the model again", error)
}

private fun framingOf(json: JSONObject) = Framing(
    numbers(json.getJSONArray("landmarks_input")) { array, i ->
        Point(array.getJSONArray(i).getDouble(0), array.getJSONArray(i).getDouble(1))
    },
    json.getDouble("spread_px"),
    json.getDouble("score"),
    json.getInt("input_size").also { require(it in 1..4096) { "its framing is of $it pixels" } },
    json.optJSONArray("find_scores")?.let { Pair(it.getDouble(0), it.getDouble(1)) },
)

private fun <T> numbers(array: JSONArray, read: (JSONArray, Int) -> T) =
    List(array.length()) { read(array, it) }
