#pragma once

#include "constants.h"
#include "geometry.h"

namespace lmk {

// The last box of an object and its velocity, by a Kalman filter with random acceleration; as
// lmk/video/motion.py.
class Motion {
public:
    Motion(const Box& box, double time_s) : box_(box), time_s_(time_s) {}

    const Box& box() const { return box_; }

    // The box at a later time, with the size and the angle of the last one.
    Box predict(double time_s) const;

    // Take the box that was found at a time: the first one corrects that of the start.
    void observe(const Box& box, double time_s);

private:
    Box box_;
    double time_s_;
    Point velocity_;                                               // of the centre, px / s
    double variance_ = motion::FIRST_SPEED * motion::FIRST_SPEED;  // of the velocity, sides^2 / s^2
};

}  // namespace lmk
