#pragma once

#include <cstdio>
#include <optional>

#include "frame.h"

namespace lmk {

// Reads a stream of binary PPM pictures (P6) of one size, as `ffmpeg -f image2pipe -c:v ppm`
// writes.
class PpmReader {
public:
    explicit PpmReader(std::FILE* file) : file_(file) {}

    // Nothing at the end. Throws Error for what is no such stream, or ends within a frame.
    std::optional<Frame> next();

private:
    int number(const char* what);

    std::FILE* file_;
    int width_ = 0, height_ = 0, count_ = 0;
};

}  // namespace lmk
