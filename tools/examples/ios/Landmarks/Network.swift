// The binding to Core ML, and the only file that knows the names in an exported model.

import CoreML
import CoreVideo
import Foundation

struct ModelError: LocalizedError {
    let errorDescription: String?

    init(_ description: String) { errorDescription = description }
}

/// A model that `lmk export -f coreml` wrote: its input `images` is a picture of S x S pixels, its
/// outputs are `landmarks` (1, K, 2), x and y in pixels of the input, and `scores` (1, K).
final class Network {
    let framing: Framing
    private let model: MLModel
    private let inputSize: Int
    private let input: CVPixelBuffer

    /// name: of the package in the app. Throws ModelError, and what Core ML throws.
    init(name: String) throws {
        guard let url = Bundle.main.url(forResource: name, withExtension: "mlmodelc") else {
            throw ModelError("\(name).mlpackage is not in this app: add it to the target")
        }
        model = try MLModel(contentsOf: url)
        let described = model.modelDescription
        let metadata = described.metadata[.creatorDefinedKey] as? [String: String] ?? [:]
        guard metadata["schema_version"] == "1", metadata["task"] == "landmarks",
            let count = metadata["num_landmarks"].flatMap({ Int($0) }),
            let picture = described.inputDescriptionsByName["images"]?.imageConstraint
        else { throw ModelError("\(name) is not a model that lmk exported: export it again") }
        guard let text = metadata["framing"], !text.isEmpty else {
            throw ModelError("\(name) has no framing, so that it cannot be tracked")
        }
        framing = try JSONDecoder().decode(Framing.self, from: Data(text.utf8))
        guard framing.landmarksInput.count == count, (1...4096).contains(framing.inputSize),
            framing.findScores.map({ $0.count == 2 }) ?? true,
            picture.pixelsWide == picture.pixelsHigh
        else { throw ModelError("\(name) is damaged: export it again") }
        inputSize = picture.pixelsWide
        input = try Self.pixelBuffer(side: inputSize)
    }

    /// What is in a box of a frame. Throws ModelError, and what Core ML throws.
    func locate(_ frame: Frame, _ box: Box) throws -> Located {
        CVPixelBufferLockBaseAddress(input, [])
        cutCrop(
            frame, box, size: inputSize,
            to: CVPixelBufferGetBaseAddress(input)!.assumingMemoryBound(to: UInt8.self),
            rowBytes: CVPixelBufferGetBytesPerRow(input))
        CVPixelBufferUnlockBaseAddress(input, [])
        let images = try MLDictionaryFeatureProvider(
            dictionary: ["images": MLFeatureValue(pixelBuffer: input)])
        let outputs = try model.prediction(from: images)
        let farthest = Rounds.FARTHEST * Double(inputSize)
        let xy = try values(outputs, "landmarks", in: -farthest...farthest)
        let scores = try values(outputs, "scores", in: 0...Rounds.HIGHEST_SCORE)
        guard scores.count == framing.landmarksInput.count, xy.count == 2 * scores.count else {
            throw ModelError("the outputs are of another model: export it again")
        }
        let toImage = Affine.inputToImage(box, size: inputSize)
        let landmarks = scores.indices.map { toImage(Point(xy[2 * $0], xy[2 * $0 + 1])) }
        return Located(landmarks: landmarks, scores: scores)
    }

    private func values(
        _ outputs: MLFeatureProvider, _ name: String, in range: ClosedRange<Double>
    ) throws -> [Double] {
        guard let array = outputs.featureValue(for: name)?.multiArrayValue else {
            throw ModelError("the model has no output \(name): export it again")
        }
        let values = (0..<array.count).map { array[$0].doubleValue }
        guard values.allSatisfy(range.contains) else {  // also of NaN
            throw ModelError("the model returned NaN or impossible \(name): export it again")
        }
        return values
    }

    private static func pixelBuffer(side: Int) throws -> CVPixelBuffer {
        var buffer: CVPixelBuffer?
        let attributes = [kCVPixelBufferIOSurfacePropertiesKey: [:] as CFDictionary] as CFDictionary
        CVPixelBufferCreate(nil, side, side, kCVPixelFormatType_32BGRA, attributes, &buffer)
        guard let buffer else { throw ModelError("no memory for a picture of \(side) pixels") }
        return buffer
    }
}
