import Foundation
import simd

/// What a network found in one box: landmarks in image pixels, and their scores in [0, 1].
struct Located {
    let landmarks: [Point]
    let scores: [Double]

    var score: Double { scores.reduce(0, +) / Double(scores.count) }
}

/// Where landmarks lie in the crops that a model was trained on; as lmk/model/framing.py.
struct Framing: Decodable {
    let landmarksInput: [Point]  // the mean ones, in input pixels
    let spreadPx: Double  // their distance from the best fit of these
    let score: Double  // mean score of an object's landmarks
    let inputSize: Int
    let findScores: [Double]?  // mean and deviation of the best one in a picture without an object

    enum CodingKeys: String, CodingKey {
        case landmarksInput = "landmarks_input"
        case spreadPx = "spread_px"
        case score
        case inputSize = "input_size"
        case findScores = "find_scores"
    }

    /// The mean score from which on landmarks are an object, with a confidence of 0.95.
    var leastScore: Double {
        guard let findScores else { return score }
        return findScores[0] + 1.6448536269514722 * findScores[1]  // the normal quantile of 0.95
    }

    /// The box of an object as in training, and how far its landmarks lie from that fit, px: least
    /// squares over scale and shift, weighted by score; with `turned` over the angle, too.
    func fit(_ found: Located, turned: Bool) -> (box: Box, misfitPx: Double) {
        let safe = found.scores.map { max($0, 1e-6) }
        let total = safe.reduce(0, +)
        let share = safe.map { $0 / total }
        func centre(_ points: [Point]) -> Point {
            zip(share, points).reduce(.zero) { $0 + $1.0 * $1.1 }
        }
        let centreInput = centre(landmarksInput), centreImage = centre(found.landmarks)
        let input = landmarksInput.map { $0 - centreInput }
        let image = found.landmarks.map { $0 - centreImage }
        var along = Point.zero, extent = 0.0
        for k in share.indices {
            let p = input[k], q = image[k]
            along += share[k] * Point(simd_dot(p, q), p.x * q.y - p.y * q.x)
            extent += share[k] * simd_length_squared(p)
        }
        let degrees = turned ? Self.followed(atan2(along.y, along.x) * 180 / .pi) : 0
        let turn = rotation(degrees: degrees)
        // A crop of a pixel at least.
        let scale = max(simd_dot(along, turn.columns.0) / max(extent, 1e-6), 1 / Double(inputSize))
        let square = share.indices.reduce(0.0) {
            $0 + share[$1] * simd_length_squared(turn.transpose * image[$1] / scale - input[$1])
        }
        let half = Point(repeating: Double(inputSize - 1) / 2)
        let side = scale * Double(inputSize)
        // A box counts from the outer edge of the first pixel, half a pixel from its centre.
        let corner = centreImage + scale * (turn * (half - centreInput)) + 0.5 - side / 2
        let crop = Box(x: corner.x, y: corner.y, width: side, height: side, angle: degrees)
        return (crop.boxOfCrop, square.squareRoot())
    }

    /// Without a jump: crops of objects that are turned by less than UPRIGHT stay upright.
    private static func followed(_ degrees: Double) -> Double {
        let size = abs(degrees)
        guard size < Turning.TURNED else { return degrees }
        return (degrees < 0 ? -1 : 1) * max(2 * (size - Turning.UPRIGHT), 0)
    }
}
