import AVFoundation
import CoreImage
import SwiftUI

/// The front camera: its frames, as the network saw them, with the object that was found in each.
final class Camera: NSObject, ObservableObject, AVCaptureVideoDataOutputSampleBufferDelegate {
    @Published private(set) var picture: CGImage?
    @Published private(set) var found: Found?
    @Published private(set) var message: String?

    private let session = AVCaptureSession()
    private let queue = DispatchQueue(label: "camera")  // all below belongs to it
    private let context = CIContext()
    private var network: Network?
    private var follower: Follower?

    func start(model: String) async {
        guard await AVCaptureDevice.requestAccess(for: .video) else {
            say("Allow the camera in the settings of this app")
            return
        }
        queue.async { [self] in
            do {
                let network = try Network(name: model)
                follower = Follower(framing: network.framing)
                self.network = network
                try openCamera()
                session.startRunning()
            } catch {
                say(error.localizedDescription)
            }
        }
    }

    func stop() {
        queue.async { [session] in session.stopRunning() }
    }

    private func openCamera() throws {
        guard
            let device = AVCaptureDevice.default(
                .builtInWideAngleCamera, for: .video, position: .front)
        else { throw ModelError("this device has no front camera") }
        let output = AVCaptureVideoDataOutput()
        output.videoSettings = [
            kCVPixelBufferPixelFormatTypeKey as String: kCVPixelFormatType_32BGRA
        ]
        output.alwaysDiscardsLateVideoFrames = true
        output.setSampleBufferDelegate(self, queue: queue)
        session.beginConfiguration()
        defer { session.commitConfiguration() }
        if session.canSetSessionPreset(.vga640x480) { session.sessionPreset = .vga640x480 }
        let input = try AVCaptureDeviceInput(device: device)
        guard session.canAddInput(input), session.canAddOutput(output) else {
            throw ModelError("the camera cannot be opened")
        }
        session.addInput(input)
        session.addOutput(output)
        let connection = output.connection(with: .video)
        if let connection, connection.isVideoRotationAngleSupported(90) {
            connection.videoRotationAngle = 90  // upright where the device is
        }
    }

    func captureOutput(
        _: AVCaptureOutput, didOutput sample: CMSampleBuffer, from _: AVCaptureConnection
    ) {
        guard let buffer = sample.imageBuffer else { return }
        do {
            let found = try track(buffer, timeS: sample.presentationTimeStamp.seconds)
            let image = CIImage(cvPixelBuffer: buffer)
            let picture = context.createCGImage(image, from: image.extent)
            DispatchQueue.main.async {
                self.picture = picture
                self.found = found
            }
        } catch {
            session.stopRunning()
            say(error.localizedDescription)
        }
    }

    private func track(_ buffer: CVPixelBuffer, timeS: Double) throws -> Found? {
        guard let network else { return nil }
        CVPixelBufferLockBaseAddress(buffer, .readOnly)
        defer { CVPixelBufferUnlockBaseAddress(buffer, .readOnly) }
        guard let address = CVPixelBufferGetBaseAddress(buffer) else { return nil }
        let frame = Frame(
            width: CVPixelBufferGetWidth(buffer), height: CVPixelBufferGetHeight(buffer),
            rowBytes: CVPixelBufferGetBytesPerRow(buffer),
            bytes: UnsafePointer(address.assumingMemoryBound(to: UInt8.self)))
        return try follower?.track(width: frame.width, height: frame.height, timeS: timeS) {
            try network.locate(frame, $0)
        }
    }

    private func say(_ message: String) {
        DispatchQueue.main.async { self.message = message }
    }
}
