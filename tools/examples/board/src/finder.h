#pragma once

#include <functional>
#include <vector>

#include "framing.h"

namespace lmk {

// What the network finds in boxes of the current frame.
using Locate = std::function<std::vector<Located>(const std::vector<Box>&)>;

// Square boxes over a frame, of several sides, each evenly spread. min_size: side of the smallest,
// as a share of the frame's shorter side.
std::vector<Box> grid(int width, int height, double min_size);

// Find objects by their landmarks; as lmk/inference/regions/landmarks.py. The network looks into
// the boxes of the grid. Those with the highest scores move to where their landmarks lead, twice.
// Those that then have the score and the shape of objects in training are objects, none found
// twice.
std::vector<Box> find_objects(int width, int height, const Framing& framing, double min_size,
                              const Locate& locate);

}  // namespace lmk
