// The constants of lmk's Python runtime, in namespaces of its modules and by its names.
#pragma once

namespace lmk {

namespace geometry {                      // lmk/geometry.py
inline constexpr double CROP_SIDE = 1.0;  // side of a crop, in longer sides of its box
}

namespace boxes {                    // lmk/inference/boxes.py
inline constexpr double SAME = 0.3;  // overlap from which two boxes are one object
}

namespace crops {                              // lmk/inference/crops.py
inline constexpr double SAMPLES_APART = 1.25;  // in pixels of the image
inline constexpr double BLOCKS_A_PIXEL = 3;    // of the input
inline constexpr int MAX_BLOCK = 32, MAX_SAMPLES = 8;
}  // namespace crops

namespace rounds {                      // lmk/inference/rounds.py
inline constexpr double FARTHEST = 16;  // sides of the input in which landmarks may lie
inline constexpr double HIGHEST_SCORE = 1.01;
}  // namespace rounds

namespace framing {  // lmk/model/framing.py: degrees to which a crop stays upright, then turns
inline constexpr double UPRIGHT = 12.0, TURNED = 24.0;
}

namespace landmarks {                     // lmk/inference/regions/landmarks.py
inline constexpr double LARGEST = 0.95;   // side of the largest boxes, in the frame's shorter side
inline constexpr double SMALLEST = 0.05;  // that of the smallest ones at most
inline constexpr double SHRINK = 2.0;     // a side by the next smaller one
inline constexpr double APART = 0.8;      // of neighbouring boxes, in sides
inline constexpr int FOLLOWED = 16, ROUNDS = 2;  // the boxes that move, and how often
inline constexpr double LARGEST_MISFIT = 2.0;    // of the framing's spread
inline constexpr double LEAST_PX = 16;           // side of the smallest boxes
}  // namespace landmarks

namespace motion {                             // lmk/video/motion.py, in sides of the object's box
inline constexpr double ACCELERATION = 100.0;  // spectral density, sides^2 / s^3
inline constexpr double PLACE_NOISE = 0.01;
inline constexpr double FIRST_SPEED = 5.0;  // sides / s
inline constexpr double HORIZON_S = 0.25;   // after a longer gap, the last speed says nothing
inline constexpr double FARTHEST = 0.5;     // a prediction lies at most so far from the last place
}  // namespace motion

namespace scene {                              // lmk/video/scene.py
inline constexpr int ROWS = 18, COLUMNS = 32;  // points of a frame that are compared
inline constexpr double CHANGED = 20.0;        // grey levels
inline constexpr double OTHER_SCENE = 0.6;     // of the points, those that differ
}  // namespace scene

namespace tracker {                    // lmk/video/tracker.py
inline constexpr double DOUBLE = 0.6;  // overlap from which two tracks have run into one
inline constexpr double LOST_SCORE = 0.9, LOST_MISFIT = 2.0;  // of the framing's own figures
inline constexpr double REMEMBER_S = 1.0;     // how long a lost object keeps its number
inline constexpr double LOST_SEARCH_S = 0.2;  // between two searches in that time
}  // namespace tracker

namespace one_euro {  // lmk/video/filters/one_euro.py
inline constexpr double SPEED_CUTOFF_HZ = 1.0;
}

}  // namespace lmk
