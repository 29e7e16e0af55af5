#include "geometry.h"

#include <algorithm>
#include <cmath>

#include "constants.h"

namespace lmk {

namespace {

Box square_around(const Box& box, double scale) {
    const double side = scale * std::max(box.width, box.height);
    return {box.x + (box.width - side) / 2, box.y + (box.height - side) / 2, side, side, box.angle};
}

}  // namespace

Point Affine::operator()(Point from) const {
    return {a * from.x + b * from.y + c, d * from.x + e * from.y + f};
}

Affine Affine::inverse() const {
    const double determinant = a * e - b * d;
    const double p = e / determinant, q = -b / determinant;
    const double r = -d / determinant, s = a / determinant;
    return {p, q, -(p * c + q * f), r, s, -(r * c + s * f)};
}

double resize(double x, double scale) { return (x + 0.5) * scale - 0.5; }

double radians(double degrees) { return degrees * std::acos(-1.0) / 180; }

Point centre(const Box& box) { return {box.x + box.width / 2, box.y + box.height / 2}; }

Box crop_of_box(const Box& box) { return square_around(box, geometry::CROP_SIDE); }

Box box_of_crop(const Box& crop) { return square_around(crop, 1 / geometry::CROP_SIDE); }

Affine input_to_image(const Box& box, double size) {
    const Box crop = crop_of_box(box);
    const double scale = crop.width / size, middle = (size - 1) / 2;
    const double cos = scale * std::cos(radians(box.angle));
    const double sin = scale * std::sin(radians(box.angle));
    const auto [x, y] = centre(crop);
    return {cos, -sin, x - 0.5 - (cos - sin) * middle, sin, cos, y - 0.5 - (sin + cos) * middle};
}

double overlap(const Box& one, const Box& other) {
    const double wide =
        std::min(one.x + one.width, other.x + other.width) - std::max(one.x, other.x);
    const double high =
        std::min(one.y + one.height, other.y + other.height) - std::max(one.y, other.y);
    const double shared = std::max(wide, 0.0) * std::max(high, 0.0);
    const double both = one.width * one.height + other.width * other.height - shared;
    return shared / std::max(both, 1e-9);
}

bool overlaps(const Box& box, const std::vector<Box>& others, double share) {
    return std::any_of(others.begin(), others.end(),
                       [&](const Box& other) { return overlap(box, other) > share; });
}

std::vector<std::size_t> apart(const std::vector<Box>& boxes, const std::vector<std::size_t>& order,
                               double share, std::size_t count) {
    std::vector<std::size_t> rows;
    std::vector<Box> taken;
    for (const std::size_t row : order) {
        if (rows.size() == count) break;
        if (overlaps(boxes[row], taken, share)) continue;
        rows.push_back(row);
        taken.push_back(boxes[row]);
    }
    return rows;
}

}  // namespace lmk
