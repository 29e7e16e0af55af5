import Foundation

/// The object of a frame, in image pixels. The landmarks are smooth.
struct Found {
    let box: Box
    let landmarks: [Point]
    let scores: [Double]
}

/// Finds one object by its landmarks and follows it, as lmk/video/tracker.py follows several.
/// A frame is searched when nothing is followed. Then the crops come from the last landmarks.
struct Follower {
    /// What the network finds in a box of the current frame.
    typealias Locate = (Box) throws -> Located

    let framing: Framing
    var minSize = 0.3  // side of the smallest crops of a search, in the frame's shorter side

    private var motion: Motion?
    private var filter = OneEuro()
    private var searchedS = -Double.infinity

    init(framing: Framing) { self.framing = framing }

    /// The object in a frame, whose time is later than that of the last one.
    mutating func track(width: Int, height: Int, timeS: Double, locate: Locate) throws -> Found? {
        if let known = motion {
            let box = known.predict(at: timeS)
            if let found = try look(known, in: box, timeS, locate) { return found }
        } else if timeS - searchedS < Tracking.LOST_SEARCH_S {
            return nil
        }
        motion = nil  // lost in this frame, which is searched at once
        searchedS = timeS
        guard let box = try search(width: width, height: height, locate) else { return nil }
        filter = OneEuro()
        return try look(Motion(box: box, timeS: timeS), in: box, timeS, locate)
    }

    private mutating func look(
        _ known: Motion, in box: Box, _ timeS: Double, _ locate: Locate
    ) throws -> Found? {
        let found = try locate(box)
        let fit = framing.fit(found, turned: true)
        guard found.score >= Tracking.LOST_SCORE * framing.score,
            fit.misfitPx <= Tracking.LOST_MISFIT * framing.spreadPx
        else { return nil }
        var moved = known
        moved.observe(fit.box, at: timeS)
        motion = moved
        let landmarks = filter.smooth(found.landmarks, at: timeS, sidePx: box.side)
        return Found(box: box, landmarks: landmarks, scores: found.scores)
    }

    /// The box of the best object; as lmk/inference/regions/landmarks.py.
    private func search(width: Int, height: Int, _ locate: Locate) throws -> Box? {
        var boxes = grid(width: Double(width), height: Double(height))
        for _ in 0..<Search.ROUNDS {
            let found = try boxes.map(locate).sorted { $0.score > $1.score }
            boxes = apart(found.map { framing.fit($0, turned: false).box })
                .filter { $0.side <= 2 * Double(max(width, height)) }
        }
        let objects = try boxes.map(locate).filter {
            $0.score >= framing.leastScore
                && framing.fit($0, turned: true).misfitPx
                    <= Search.LARGEST_MISFIT * framing.spreadPx
        }
        return objects.max { $0.score < $1.score }.map { framing.fit($0, turned: false).box }
    }

    /// Square boxes over a frame, of several sides, each evenly spread.
    private func grid(width: Double, height: Double) -> [Box] {
        let shorter = min(width, height)
        var boxes: [Box] = []
        var side = Search.LARGEST * shorter
        while side >= max(minSize * shorter, Search.LEAST_PX) {
            for y in evenly(room: height - side, apart: Search.APART * side) {
                for x in evenly(room: width - side, apart: Search.APART * side) {
                    boxes.append(Box(x: x, y: y, width: side, height: side))
                }
            }
            side /= Search.SHRINK
        }
        return boxes
    }

    /// The first FOLLOWED boxes that overlap none before them.
    private func apart(_ boxes: [Box]) -> [Box] {
        boxes.reduce(into: []) { kept, box in
            let isTaken = kept.contains { $0.overlap(box) > Boxes.SAME }
            if kept.count < Search.FOLLOWED, !isTaken { kept.append(box) }
        }
    }

    /// Places from 0 to `room`, at most so far apart.
    private func evenly(room: Double, apart: Double) -> [Double] {
        let last = Int((room / apart).rounded(.up))
        return last == 0 ? [0] : (0...last).map { room * Double($0) / Double(last) }
    }
}
