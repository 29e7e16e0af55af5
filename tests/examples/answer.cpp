// Answers calls of the board's code, numbers in and out, for tests that compare it with Python.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <string>

#include "crop.h"
#include "follower.h"
#include "smoothing.h"

namespace {

using lmk::Box;
using lmk::Point;

template <class Value>
Value read() {
    Value value{};
    std::cin >> value;
    return value;
}

double number() { return read<double>(); }

Box read_box() {
    Box box;
    std::cin >> box.x >> box.y >> box.width >> box.height >> box.angle;
    return box;
}

Point read_point() {
    Point point;
    std::cin >> point.x >> point.y;
    return point;
}

void write(const Box& box) {
    for (const double value : {box.x, box.y, box.width, box.height, box.angle}) {
        std::cout << value << ' ';
    }
}

void write(const std::vector<Point>& points) {
    for (const Point& point : points) std::cout << point.x << ' ' << point.y << ' ';
}

lmk::Framing read_framing() {
    lmk::Framing framing;
    for (auto count = read<int>(); count > 0; --count)
        framing.landmarks_input.push_back(read_point());
    std::cin >> framing.spread_px >> framing.score >> framing.input_size;
    framing.find_scores = lmk::Normal{number(), 0};
    framing.find_scores->deviation = number();
    return framing;
}

void crop() {
    const auto path = read<std::string>();
    const int width = read<int>(), height = read<int>(), size = read<int>();
    lmk::Frame frame(width, height);
    std::ifstream file(path, std::ios::binary);
    file.read(reinterpret_cast<char*>(frame.rgb.data()), std::streamsize(frame.rgb.size()));
    for (const int value : lmk::cut_crop(frame, read_box(), size).rgb) std::cout << value << ' ';
}

void fit(const lmk::Framing& framing) {
    const bool turned = read<int>() != 0;
    lmk::Located found;
    for (std::size_t k = 0; k < framing.landmarks_input.size(); ++k) {
        found.landmarks.push_back(read_point());
        found.scores.push_back(number());
    }
    const auto [box, misfit_px] = framing.fit(found, turned);
    write(box);
    std::cout << misfit_px;
}

void smooth() {
    lmk::Smoother smoother;
    for (auto frames = read<int>(); frames > 0; --frames) {
        const double time_s = number();
        std::vector<lmk::Smoother::Input> objects(read<std::size_t>());
        for (auto& object : objects) {
            object.key = read<int>();
            object.box = read_box();
            for (auto points = read<int>(); points > 0; --points) {
                object.points.push_back(read_point());
                object.scores.push_back(number());
            }
        }
        for (const auto& [points, opacity] : smoother(time_s, objects)) {
            write(points);
            for (const double value : opacity) std::cout << value << ' ';
        }
    }
}

// What a network would find in a box, computed from where the objects are; as `find` in
// tests/browser/test_same_as_python.py.
lmk::Located find(const lmk::Framing& framing, const std::vector<Box>& objects, const Box& box) {
    const auto near = std::find_if(objects.begin(), objects.end(),
                                   [&](const Box& object) { return overlap(object, box) > 0.15; });
    const bool is_near = near != objects.end();
    const Box place = is_near ? *near : Box{box.x, box.y, box.width / 3, box.height / 3, 0};
    const lmk::Affine to_image = input_to_image(place, framing.input_size);
    lmk::Located found;
    int k = 0;
    for (auto [x, y] : framing.landmarks_input) {
        x += is_near ? 0 : 40 * (k++ % 3);  // not the shape of an object
        found.landmarks.push_back(to_image({x, y}));
        found.scores.push_back(is_near ? 0.9 : 0.2);
    }
    return found;
}

// Frames of 640 x 480 whose bytes, in RGBA, are multiples of a number.
lmk::Frame frame_of(int scene) {
    lmk::Frame frame(640, 480);
    for (std::size_t i = 0; i < frame.rgb.size(); ++i) {
        frame.rgb[i] = std::uint8_t((4 * (i / 3) + i % 3) * std::size_t(scene) % 251);
    }
    return frame;
}

void follow(const lmk::Framing& framing) {
    lmk::Follower follower(framing, {});
    std::map<int, lmk::Frame> frames;
    for (auto count = read<int>(); count > 0; --count) {
        const double time_s = number();
        const int scene = read<int>();
        std::vector<Box> objects(read<std::size_t>());
        std::generate(objects.begin(), objects.end(), read_box);
        if (frames.count(scene) == 0) frames.emplace(scene, frame_of(scene));
        const auto found = follower.track(frames[scene], time_s, [&](const auto& boxes) {
            std::vector<lmk::Located> located;
            for (const Box& box : boxes) located.push_back(find(framing, objects, box));
            return located;
        });
        std::cout << found.size() << ' ';
        for (const lmk::Object& object : found) {
            std::cout << object.id << ' ';
            write(object.box);
            write(object.landmarks);
        }
    }
}

}  // namespace

int main() {
    std::cout.precision(9);
    const lmk::Framing framing = read_framing();
    for (std::string name; std::cin >> name; std::cout << '\n') {
        if (name == "crop") crop();
        if (name == "fit") fit(framing);
        if (name == "smooth") smooth();
        if (name == "follow") follow(framing);
    }
    return std::cin.eof() ? 0 : 1;
}
