// Frames of reference: (0, 0) is the centre of the top-left pixel; resizing by a factor s maps x to
// (x + 0.5) * s - 0.5.
#pragma once

#include <cstddef>
#include <limits>
#include <vector>

namespace lmk {

struct Point {
    double x = 0, y = 0;
};

// In image pixels, from the outer edge of the first pixel. The angle, in degrees from x towards y,
// turns the box about its centre.
struct Box {
    double x = 0, y = 0, width = 0, height = 0, angle = 0;
};

// x to a x + b y + c, y to d x + e y + f.
struct Affine {
    double a = 1, b = 0, c = 0, d = 0, e = 1, f = 0;

    Point operator()(Point from) const;
    Affine inverse() const;
};

double resize(double x, double scale);
double radians(double degrees);
Point centre(const Box& box);

// The crop rule: the square that a network sees of a box has its centre, its angle and CROP_SIDE
// times its longer side.
Box crop_of_box(const Box& box);
Box box_of_crop(const Box& crop);

// From the pixels of a square input of `size` to those of the image, by the crop rule.
Affine input_to_image(const Box& box, double size);

// Intersection over union. Angles are left out: it asks whether two boxes are round one object.
double overlap(const Box& one, const Box& other);

// Whether a box overlaps one of the others by more than a share.
bool overlaps(const Box& box, const std::vector<Box>& others, double share);

// Rows of boxes, in an order and at most `count`, without those that overlap one that was taken.
std::vector<std::size_t> apart(const std::vector<Box>& boxes, const std::vector<std::size_t>& order,
                               double share,
                               std::size_t count = std::numeric_limits<std::size_t>::max());

}  // namespace lmk
