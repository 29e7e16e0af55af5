#include "scene.h"

#include <algorithm>
#include <cmath>

#include "constants.h"

namespace lmk {

using namespace scene;

Glance glance(const Frame& frame) {
    Glance points;
    points.reserve(ROWS * COLUMNS);
    for (int row = 0; row < ROWS; ++row) {
        const int y = int((row + 0.5) * frame.height / ROWS);
        for (int column = 0; column < COLUMNS; ++column) {
            points.push_back(frame.at(int((column + 0.5) * frame.width / COLUMNS), y)[1]);
        }
    }
    return points;
}

bool same_scene(const Glance& one, const Glance& other) {
    std::vector<int> change(one.size());
    std::transform(one.begin(), one.end(), other.begin(), change.begin(), std::minus<>());
    std::sort(change.begin(), change.end());
    const std::size_t half = change.size() / 2;
    const double median = (change[half - 1] + change[half]) / 2.0;
    const auto changed = std::count_if(change.begin(), change.end(), [&](int value) {
        return std::abs(value - median) > CHANGED;
    });
    return double(changed) / double(change.size()) < OTHER_SCENE;
}

}  // namespace lmk
