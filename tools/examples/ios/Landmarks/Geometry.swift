// Frames of reference: (0, 0) is the centre of the top-left pixel.

import Foundation
import simd

typealias Point = SIMD2<Double>

/// In image pixels, from the edge of the first one; turned by `angle` degrees about its centre.
struct Box {
    var x, y, width, height: Double
    var angle = 0.0

    var centre: Point { Point(x + width / 2, y + height / 2) }
    var side: Double { max(width, height) }

    /// Intersection over union, without angles: whether two boxes are round one object.
    func overlap(_ other: Box) -> Double {
        let wide = max(min(x + width, other.x + other.width) - max(x, other.x), 0)
        let high = max(min(y + height, other.y + other.height) - max(y, other.y), 0)
        let shared = wide * high
        return shared / max(width * height + other.width * other.height - shared, 1e-9)
    }

    /// The crop rule: the square that a network sees has the box's centre, angle and longer side.
    var crop: Box { square(scale: Geometry.CROP_SIDE) }

    /// The inverse of the crop rule.
    var boxOfCrop: Box { square(scale: 1 / Geometry.CROP_SIDE) }

    private func square(scale: Double) -> Box {
        let side = scale * self.side
        let corner = centre - side / 2
        return Box(x: corner.x, y: corner.y, width: side, height: side, angle: angle)
    }
}

/// Maps a point p to linear * p + shift.
struct Affine {
    var linear: simd_double2x2
    var shift: Point

    func callAsFunction(_ point: Point) -> Point { linear * point + shift }

    /// From the pixels of a square input of `size` to those of the image, by the crop rule.
    static func inputToImage(_ box: Box, size: Int) -> Affine {
        let crop = box.crop
        let linear = rotation(degrees: box.angle) * (crop.width / Double(size))
        let middle = Point(repeating: Double(size - 1) / 2)
        return Affine(linear: linear, shift: crop.centre - 0.5 - linear * middle)
    }
}

/// From x towards y.
func rotation(degrees: Double) -> simd_double2x2 {
    let angle = degrees * .pi / 180
    return simd_double2x2(columns: (Point(cos(angle), sin(angle)), Point(-sin(angle), cos(angle))))
}

/// The place of `x` in the same picture resized by `scale`.
func resize(_ x: Point, by scale: Double) -> Point { (x + 0.5) * scale - 0.5 }
