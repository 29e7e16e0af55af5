#pragma once

#include "frame.h"
#include "geometry.h"

namespace lmk {

// The square around a box, resized to the network's input, size x size; as lmk/inference/crops.py.
// Beyond the frame its edge pixels are repeated.
Frame cut_crop(const Frame& frame, const Box& box, int size);

}  // namespace lmk
