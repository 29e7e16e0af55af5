// The constants of lmk's Python runtime, in enumerations of its modules and by its names.

// lmk/geometry.py
enum Geometry {
    static let CROP_SIDE = 1.0  // side of a crop, in longer sides of its box
}

// lmk/inference/boxes.py
enum Boxes {
    static let SAME = 0.3  // overlap from which two boxes are one object
}

// lmk/inference/crops.py
enum Crops {
    static let SAMPLES_APART = 1.25  // in pixels of the image
    static let BLOCKS_A_PIXEL = 3.0  // of the input
    static let MAX_BLOCK = 32
    static let MAX_SAMPLES = 8
}

// lmk/inference/rounds.py
enum Rounds {
    static let FARTHEST = 16.0  // sides of the input in which landmarks may lie
    static let HIGHEST_SCORE = 1.01
}

// lmk/model/framing.py
enum Turning {
    static let UPRIGHT = 12.0  // degrees to which a crop stays upright
    static let TURNED = 24.0  // and from which it turns fully
}

// lmk/inference/regions/landmarks.py
enum Search {
    static let LARGEST = 0.95  // side of the largest boxes, in the frame's shorter side
    static let SHRINK = 2.0  // a side by the next smaller one
    static let APART = 0.8  // of neighbouring boxes, in sides
    static let FOLLOWED = 16  // the boxes that move
    static let ROUNDS = 2  // and how often
    static let LARGEST_MISFIT = 2.0  // of the framing's spread
    static let LEAST_PX = 16.0  // side of the smallest boxes
}

// lmk/video/motion.py, in sides of the object's box
enum Moving {
    static let ACCELERATION = 100.0  // spectral density, sides^2 / s^3
    static let PLACE_NOISE = 0.01
    static let FIRST_SPEED = 5.0  // sides / s
    static let HORIZON_S = 0.25  // after a longer gap, the last speed says nothing
    static let FARTHEST = 0.5  // a prediction lies at most so far from the last place
}

// lmk/video/tracker.py
enum Tracking {
    static let LOST_SCORE = 0.9  // of the framing's own score
    static let LOST_MISFIT = 2.0  // and of its spread
    static let LOST_SEARCH_S = 0.2  // between two searches after a loss
}

// lmk/video/filters/one_euro.py
enum Speed {
    static let SPEED_CUTOFF_HZ = 1.0
}
