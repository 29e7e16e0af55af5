import Foundation
import simd

/// The last box of an object and its velocity, by a Kalman filter; as lmk/video/motion.py.
struct Motion {
    private(set) var box: Box
    private var timeS: Double
    private var velocity = Point.zero  // of the centre, px / s
    private var variance = Moving.FIRST_SPEED * Moving.FIRST_SPEED  // of it, sides^2 / s^2

    init(box: Box, timeS: Double) {
        self.box = box
        self.timeS = timeS
    }

    /// The box at a later time, with the size and the angle of the last one.
    func predict(at timeS: Double) -> Box {
        let gapS = timeS - self.timeS
        let move = gapS <= Moving.HORIZON_S ? velocity * gapS : .zero
        let share = min(1, Moving.FARTHEST * box.side / max(simd_length(move), 1e-6))
        var later = box
        later.x += share * move.x
        later.y += share * move.y
        return later
    }

    /// Take the box that was found at a time: the first one corrects that of the start.
    mutating func observe(_ found: Box, at timeS: Double) {
        let gapS = timeS - self.timeS
        if gapS > 0 {
            let grown = variance + Moving.ACCELERATION * gapS
            let noise = Moving.PLACE_NOISE / gapS
            let gain = grown / (grown + 2 * noise * noise)
            velocity += gain * ((found.centre - box.centre) / gapS - velocity)
            variance = grown * (1 - gain)
        }
        box = found
        self.timeS = timeS
    }
}
