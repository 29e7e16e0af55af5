#pragma once

#include <net.h>

#include <filesystem>
#include <vector>

#include "frame.h"
#include "model.h"

namespace lmk {

// An exported network in ncnn, on the CPU.
class Network {
public:
    // param: NAME.ncnn.param, with NAME.ncnn.bin beside it. Throws Error.
    Network(const std::filesystem::path& param, const Model& model, int threads);

    // What is in each of these boxes of a frame. Throws Error.
    std::vector<Located> locate(const Frame& frame, const std::vector<Box>& boxes) const;

private:
    Located locate_one(const Frame& frame, const Box& box) const;

    ncnn::Net net_;
    const Model& model_;
};

}  // namespace lmk
