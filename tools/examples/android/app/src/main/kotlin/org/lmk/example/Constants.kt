package org.lmk.example

// The constants of lmk's Python runtime, in objects of its modules and by its names.

// lmk/geometry.py
object Geometry {
    const val CROP_SIDE = 1.0 // side of a crop, in longer sides of its box
}

// lmk/inference/boxes.py
object Boxes {
    const val SAME = 0.3 // overlap from which two boxes are one object
}

// lmk/inference/crops.py
object Crops {
    const val SAMPLES_APART = 1.25 // in pixels of the image
    const val BLOCKS_A_PIXEL = 3 // of the input
    const val MAX_BLOCK = 32
    const val MAX_SAMPLES = 8
}

// lmk/model/framing.py
object Turning {
    const val UPRIGHT = 12.0 // degrees to which a crop stays upright
    const val TURNED = 24.0 // and from which it turns fully
}

// lmk/inference/regions/landmarks.py
object Search {
    const val LARGEST = 0.95 // side of the largest boxes, in the frame's shorter side
    const val SHRINK = 2.0 // a side by the next smaller one
    const val APART = 0.8 // of neighbouring boxes, in sides
    const val FOLLOWED = 16 // the boxes that move
    const val ROUNDS = 2 // and how often
    const val LARGEST_MISFIT = 2.0 // of the framing's spread
    const val LEAST_PX = 16.0 // side of the smallest boxes
}

// lmk/video/motion.py
object Moving { // in sides of the object's box
    const val ACCELERATION = 100.0 // spectral density, sides^2 / s^3
    const val PLACE_NOISE = 0.01
    const val FIRST_SPEED = 5.0 // sides / s
    const val HORIZON_S = 0.25 // after a longer gap, the last speed says nothing
    const val FARTHEST = 0.5 // a prediction lies at most so far from the last place
}

// lmk/video/tracker.py
object Tracking {
    const val LOST_SCORE = 0.9 // of the framing's own score
    const val LOST_MISFIT = 2.0 // and of its spread
    const val LOST_SEARCH_S = 0.2 // between two searches after a loss
}

// lmk/video/filters/one_euro.py
object Speed {
    const val SPEED_CUTOFF_HZ = 1.0
}
