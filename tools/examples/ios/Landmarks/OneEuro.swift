import Foundation
import simd

/// The One Euro filter of Casiez, Roussel and Vogel (CHI 2012), as lmk/video/filters/one_euro.py: a
/// low-pass whose cutoff rises with speed. It starts at the first points that it is given.
struct OneEuro {
    var cutoffHz = 1.5  // of a point at rest
    var perSpeed = 15.0  // more of it, Hz per crop side per second

    private var timeS = -Double.infinity
    private var places: [Point] = []
    private var speeds: [Point] = []

    init() {}

    /// The smooth points of one frame, image pixels. sidePx: of the object's crop.
    mutating func smooth(_ points: [Point], at timeS: Double, sidePx: Double) -> [Point] {
        if places.isEmpty {
            places = points
            speeds = points.map { _ in .zero }
        }
        let stepS = timeS - self.timeS
        guard stepS > 0 else { return places }
        self.timeS = timeS
        for k in places.indices {
            let way = points[k] - places[k]
            speeds[k] += share(cutoffHz: Speed.SPEED_CUTOFF_HZ, stepS) * (way / stepS - speeds[k])
            let sidesPerSecond = simd_length(speeds[k]) / sidePx
            places[k] += share(cutoffHz: cutoffHz + perSpeed * sidesPerSecond, stepS) * way
        }
        return places
    }

    /// Of the new value in a first-order low-pass.
    private func share(cutoffHz: Double, _ stepS: Double) -> Double {
        1 / (1 + 1 / (2 * .pi * stepS * cutoffHz))
    }
}
