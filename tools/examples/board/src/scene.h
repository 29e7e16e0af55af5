#pragma once

#include <vector>

#include "frame.h"

namespace lmk {

// The green of some points of a frame; as lmk/video/scene.py.
using Glance = std::vector<int>;

Glance glance(const Frame& frame);

// Whether two glances are of the same scene, and not before and after a cut; the brightness of all
// may differ.
bool same_scene(const Glance& one, const Glance& other);

}  // namespace lmk
