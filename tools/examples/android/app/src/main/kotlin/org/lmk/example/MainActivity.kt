package org.lmk.example

import android.Manifest
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.result.contract.ActivityResultContracts.RequestPermission
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import androidx.camera.lifecycle.ProcessCameraProvider
import java.util.concurrent.Executors

private const val MODEL = "faces-small"

/** The front camera, with the landmarks of one object. */
class MainActivity : ComponentActivity() {
    private val executor = Executors.newSingleThreadExecutor()
    private val permission = registerForActivityResult(RequestPermission()) { granted ->
        if (granted) startCamera() else view.say("Allow the camera in the settings of this app")
    }
    private lateinit var view: OverlayView
    private var network: Network? = null
    private var follower: Follower? = null

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        view = OverlayView(this)
        setContentView(view)
        permission.launch(Manifest.permission.CAMERA)
    }

    override fun onDestroy() {
        super.onDestroy()
        executor.execute { network?.close() }
        executor.shutdown()
    }

    private fun startCamera() {
        val provider = ProcessCameraProvider.getInstance(this)
        provider.addListener({
            try {
                bind(provider.get())
            } catch (error: Exception) {
                view.say("The camera cannot be opened: ${error.message}")
            }
        }, mainExecutor)
    }

    private fun bind(provider: ProcessCameraProvider) {
        val analysis = ImageAnalysis.Builder()
            .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
            .setOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888)
            .setOutputImageRotationEnabled(true)
            .build()
        analysis.setAnalyzer(executor) { image ->
            try {
                image.use(::analyze)
            } catch (error: Exception) {
                analysis.clearAnalyzer()
                view.say("$MODEL cannot be run: ${error.message}")
            }
        }
        provider.unbindAll()
        provider.bindToLifecycle(this, CameraSelector.DEFAULT_FRONT_CAMERA, analysis)
    }

    /** In the executor's thread, to which the network belongs. */
    private fun analyze(image: ImageProxy) {
        val network = network ?: Network(assets, MODEL).also { network = it }
        val follower = follower ?: Follower(network.info.framing).also { follower = it }
        val bitmap = image.toBitmap()
        val argb = IntArray(bitmap.width * bitmap.height)
        bitmap.getPixels(argb, 0, bitmap.width, 0, 0, bitmap.width, bitmap.height)
        val frame = Frame(bitmap.width, bitmap.height, argb)
        val timeS = image.imageInfo.timestamp / 1e9
        val found = follower.track(frame.width, frame.height, timeS) { network.locate(frame, it) }
        view.show(bitmap, found)
    }
}
