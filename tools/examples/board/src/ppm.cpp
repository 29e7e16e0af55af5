#include "ppm.h"

#include <string>

#include "error.h"

namespace lmk {

namespace {

constexpr int MAX_SIDE = 8192;
constexpr long MAX_PIXELS = 1L << 24;  // 48 MiB a frame

std::string size_text(int width, int height) {
    return std::to_string(width) + " x " + std::to_string(height);
}

}  // namespace

std::optional<Frame> PpmReader::next() {
    const int first = std::getc(file_);
    if (first == EOF && !std::ferror(file_)) return std::nullopt;
    const std::string place = "frame " + std::to_string(count_);
    if (first != 'P' || std::getc(file_) != '6') {
        throw Error(place +
                    " is no binary PPM picture (P6): pipe frames into this program, as in "
                    "ffmpeg -i clip.mp4 -f image2pipe -c:v ppm - | landmarks MODEL");
    }
    std::getc(file_);  // white space
    const int width = number("width"), height = number("height"), most = number("largest value");
    if (width > MAX_SIDE || height > MAX_SIDE || long{width} * height > MAX_PIXELS || most != 255) {
        throw Error(place + ": expected at most " + std::to_string(MAX_PIXELS) +
                    " pixels of 8 bits, got " + size_text(width, height) + " with values to " +
                    std::to_string(most));
    }
    if (count_ > 0 && (width != width_ || height != height_)) {
        throw Error(place + " is " + size_text(width, height) + ", those before " +
                    size_text(width_, height_) + ": pipe frames of one size");
    }
    Frame frame(width, height);
    if (std::fread(frame.rgb.data(), 1, frame.rgb.size(), file_) != frame.rgb.size()) {
        throw Error(place + " is cut short: the stream ends within it");
    }
    width_ = width;
    height_ = height;
    ++count_;
    return frame;
}

int PpmReader::number(const char* what) {
    int value = 0, digits = 0, byte = std::getc(file_);
    for (; byte >= '0' && byte <= '9' && digits < 6; ++digits, byte = std::getc(file_)) {
        value = 10 * value + (byte - '0');
    }
    if (value == 0 || (byte != ' ' && byte != '\n')) {
        throw Error("frame " + std::to_string(count_) + ": expected its " + what +
                    " as 1 to 6 digits and a space, as ffmpeg writes it");
    }
    return value;
}

}  // namespace lmk
