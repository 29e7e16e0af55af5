#include "crop.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "constants.h"

namespace lmk {

namespace {

// Bilinear, with the frame's edge pixels repeated; added to `sum`.
void add_sample(const Frame& frame, Point at, std::array<float, 3>& sum) {
    const double x = std::clamp(at.x, 0.0, double(frame.width - 1));
    const double y = std::clamp(at.y, 0.0, double(frame.height - 1));
    const int left = int(x), top = int(y);
    const int right = std::min(left + 1, frame.width - 1);
    const int below = std::min(top + 1, frame.height - 1);
    const float u = float(x - left), v = float(y - top);
    const std::uint8_t *p = frame.at(left, top), *q = frame.at(right, top);
    const std::uint8_t *r = frame.at(left, below), *s = frame.at(right, below);
    for (int channel = 0; channel < 3; ++channel) {
        const float upper = p[channel] + u * float(q[channel] - p[channel]);
        const float lower = r[channel] + u * float(s[channel] - r[channel]);
        sum[channel] += upper + v * (lower - upper);
    }
}

// Each pixel of the crop is the mean of f x f samples.
Frame sample(const Frame& frame, const Affine& to_frame, int size, int f) {
    Frame crop(size, size);
    std::uint8_t* out = crop.rgb.data();
    const double first = resize(0, 1.0 / f);
    for (int row = 0; row < size; ++row) {
        for (int column = 0; column < size; ++column) {
            std::array<float, 3> sum{};
            for (int i = 0; i < f * f; ++i) {
                const Point at{column + first + double(i % f) / f, row + first + double(i / f) / f};
                add_sample(frame, to_frame(at), sum);
            }
            for (const float value : sum) *out++ = std::uint8_t(value / float(f * f) + 0.5F);
        }
    }
    return crop;
}

struct Range {
    int start, count;
};

// The blocks of pixels along one axis that a crop needs; one more stands for all beyond the frame.
Range blocks_between(double low, double high, int length, int block) {
    const double most = length - 1;
    const int start = int(std::clamp(std::floor(low) - block, double(-block), most));
    const double least = std::max(start, 0) + 1;
    const int stop = int(std::clamp(std::ceil(high) + block, least, double(length + block)));
    return {start, (stop - start + block - 1) / block};
}

// Means of blocks of pixels, those of the frame's edge repeated.
Frame block_means(const Frame& frame, Range across, Range down, int block) {
    Frame means(across.count, down.count);
    std::uint8_t* out = means.rgb.data();
    const int area = block * block;
    for (int row = 0; row < down.count; ++row) {
        for (int column = 0; column < across.count; ++column) {
            std::array<int, 3> sum{};
            for (int i = 0; i < area; ++i) {
                const int x = across.start + column * block + i % block;
                const int y = down.start + row * block + i / block;
                const std::uint8_t* pixel =
                    frame.at(std::clamp(x, 0, frame.width - 1), std::clamp(y, 0, frame.height - 1));
                for (int channel = 0; channel < 3; ++channel) sum[channel] += pixel[channel];
            }
            for (const int value : sum) *out++ = std::uint8_t((value + area / 2) / area);
        }
    }
    return means;
}

// Where the frame shrinks a lot, samples of block means are as good, and fast.
Frame sample_blocks(const Frame& frame, Affine to_frame, int size, int block, int f) {
    std::array<double, 4> xs{}, ys{};
    for (int i = 0; i < 4; ++i) {
        const Point corner = to_frame({i % 2 ? double(size) : -1.0, i / 2 ? double(size) : -1.0});
        xs[i] = corner.x;
        ys[i] = corner.y;
    }
    const auto [left, right] = std::minmax_element(xs.begin(), xs.end());
    const auto [top, bottom] = std::minmax_element(ys.begin(), ys.end());
    const Range across = blocks_between(*left, *right, frame.width, block);
    const Range down = blocks_between(*top, *bottom, frame.height, block);
    const Affine to_blocks{
        to_frame.a / block, to_frame.b / block, resize(to_frame.c - across.start, 1.0 / block),
        to_frame.d / block, to_frame.e / block, resize(to_frame.f - down.start, 1.0 / block)};
    return sample(block_means(frame, across, down, block), to_blocks, size, f);
}

}  // namespace

Frame cut_crop(const Frame& frame, const Box& box, int size) {
    const Affine to_frame = input_to_image(box, size);
    const double scale = std::hypot(to_frame.a, to_frame.d);
    const int block = int(std::clamp(scale / crops::BLOCKS_A_PIXEL, 1.0, double(crops::MAX_BLOCK)));
    const int f =
        int(std::min(std::ceil(scale / block / crops::SAMPLES_APART), double(crops::MAX_SAMPLES)));
    if (block > 1) return sample_blocks(frame, to_frame, size, block, f);
    return sample(frame, to_frame, size, f);
}

}  // namespace lmk
