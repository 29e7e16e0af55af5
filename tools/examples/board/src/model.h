#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "framing.h"

namespace lmk {

// What an exported file says about itself.
struct Model {
    std::string name;
    std::size_t num_landmarks = 0;
    int input_size = 0;
    Framing framing;
    std::vector<std::string> points;  // the names of the model's points, maybe none
};

// Reads the last line of NAME.ncnn.param, lmk's metadata. Throws Error for any other file, and for
// a model that cannot be searched for.
Model read_model(const std::filesystem::path& param);

}  // namespace lmk
