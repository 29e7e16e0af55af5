#pragma once

#include <filesystem>

#include "follower.h"

namespace lmk {

inline constexpr const char* USAGE =
    "usage: landmarks MODEL.ncnn.param [--fps N] [--search-s S] [--min-size SHARE] [--threads N]\n"
    "\n"
    "Finds landmarks in PPM pictures from standard input; prints one line of JSON per frame.\n"
    "\n"
    "  --fps N           frames per second of a recording; without it, the clock gives the times\n"
    "  --search-s S      seconds between two searches for further objects (2)\n"
    "  --min-size SHARE  of the smallest objects, in the frame's shorter side, 0.05 to 1 (0.14)\n"
    "  --threads N       of the network, 1 to 64; by default ncnn's choice\n";

struct Options {
    std::filesystem::path model;
    double fps = 0;   // 0 for the clock
    int threads = 0;  // 0 for ncnn's choice
    Follower::Options follower;
};

// Throws Error for other arguments than these.
Options read_options(int count, const char* const* arguments);

}  // namespace lmk
