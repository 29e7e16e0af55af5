#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lmk {

// RGB, 3 bytes per pixel, row by row.
struct Frame {
    int width = 0, height = 0;
    std::vector<std::uint8_t> rgb;

    Frame() = default;
    Frame(int wide, int high) : width(wide), height(high), rgb(3 * std::size_t(wide) * high) {}

    const std::uint8_t* at(int x, int y) const { return &rgb[3 * (std::size_t(width) * y + x)]; }
    std::uint8_t* at(int x, int y) { return &rgb[3 * (std::size_t(width) * y + x)]; }
};

}  // namespace lmk
