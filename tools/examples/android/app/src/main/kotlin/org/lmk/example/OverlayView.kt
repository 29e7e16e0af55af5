package org.lmk.example

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.view.View
import kotlin.math.min

private const val LOW_SCORE = 0.3 // of landmarks that are not drawn
private const val TEXT_PX = 40f

/** Shows the frames that the network saw, mirrored, and their landmarks on them. */
class OverlayView(context: Context) : View(context) {
    private val paint = Paint(Paint.ANTI_ALIAS_FLAG).apply { textSize = TEXT_PX }
    private var frame: Bitmap? = null
    private var found: Found? = null
    private var message: String? = null

    /** Any thread may call these two. */
    fun show(frame: Bitmap, found: Found?) = post {
        this.frame = frame
        this.found = found
        invalidate()
    }

    fun say(message: String) = post {
        this.message = message
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        canvas.drawColor(Color.BLACK)
        frame?.let { drawFrame(canvas, it) }
        paint.color = Color.WHITE
        message?.let { canvas.drawText(it, TEXT_PX, 2 * TEXT_PX, paint) }
    }

    private fun drawFrame(canvas: Canvas, frame: Bitmap) {
        val scale = min(width / frame.width.toFloat(), height / frame.height.toFloat())
        canvas.save()
        canvas.translate((width + scale * frame.width) / 2, (height - scale * frame.height) / 2)
        canvas.scale(-scale, scale)
        canvas.drawBitmap(frame, 0f, 0f, paint)
        found?.let { drawLandmarks(canvas, it) }
        canvas.restore()
    }

    private fun drawLandmarks(canvas: Canvas, found: Found) {
        paint.color = Color.GREEN
        val radius = (found.box.side / 60).toFloat()
        found.landmarks.zip(found.scores) { (x, y), score ->
            if (score < LOW_SCORE) return@zip
            // (0, 0) is the centre of a pixel for landmarks, and its corner for a canvas.
            canvas.drawCircle(x.toFloat() + 0.5f, y.toFloat() + 0.5f, radius, paint)
        }
    }
}
