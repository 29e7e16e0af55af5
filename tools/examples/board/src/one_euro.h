#pragma once

#include <limits>
#include <map>
#include <vector>

#include "constants.h"
#include "geometry.h"

namespace lmk {

// The points of one object in one frame. key: an object's own, and another one after it was lost.
struct Tracked {
    int key = 0;
    std::vector<Point> points;  // image pixels
    double side_px = 0;         // of its crop, so that speeds do not depend on its size
};

// The One Euro filter of Casiez, Roussel and Vogel (CHI 2012), as lmk/video/filters/one_euro.py: a
// low-pass whose cutoff rises with speed, so that points at rest are still and moving ones do not
// lag.
class OneEuro {
public:
    // cutoff_hz: of a point at rest. per_speed: more of it, Hz per crop side per second.
    OneEuro(double cutoff_hz, double per_speed) : cutoff_hz_(cutoff_hz), per_speed_(per_speed) {}

    // The smooth points of each object. A key that was not in the last frame is of a new object. A
    // time that is not later than the last one counts as repeated.
    std::vector<std::vector<Point>> operator()(double time_s, const std::vector<Tracked>& objects);

private:
    struct State {
        Point place, speed;
    };
    using States = std::vector<State>;

    States states_of(const Tracked& object) const;
    void move(State& state, Point found, double side_px, double step_s) const;

    double cutoff_hz_, per_speed_;
    double time_s_ = -std::numeric_limits<double>::infinity();
    std::map<int, States> known_;
};

}  // namespace lmk
