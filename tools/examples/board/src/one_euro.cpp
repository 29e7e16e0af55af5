#include "one_euro.h"

#include <cmath>

namespace lmk {

namespace {

// Of the new value in a first-order low-pass.
double share(double cutoff_hz, double step_s) {
    return 1 / (1 + 1 / (radians(360) * step_s * cutoff_hz));
}

}  // namespace

std::vector<std::vector<Point>> OneEuro::operator()(double time_s,
                                                    const std::vector<Tracked>& objects) {
    const double step_s = time_s - time_s_;
    if (step_s > 0) time_s_ = time_s;
    std::map<int, States> known;
    std::vector<std::vector<Point>> smooth;
    for (const Tracked& object : objects) {
        States states = states_of(object);
        std::vector<Point> places;
        for (std::size_t k = 0; k < states.size(); ++k) {
            if (step_s > 0) move(states[k], object.points[k], object.side_px, step_s);
            places.push_back(states[k].place);
        }
        smooth.push_back(std::move(places));
        known.emplace(object.key, std::move(states));
    }
    known_ = std::move(known);
    return smooth;
}

OneEuro::States OneEuro::states_of(const Tracked& object) const {
    if (const auto known = known_.find(object.key); known != known_.end()) return known->second;
    States states;
    for (const Point& point : object.points) states.push_back({point, {}});
    return states;
}

void OneEuro::move(State& state, Point found, double side_px, double step_s) const {
    const Point way{found.x - state.place.x, found.y - state.place.y};
    const double follow = share(one_euro::SPEED_CUTOFF_HZ, step_s);
    state.speed.x += follow * (way.x / step_s - state.speed.x);
    state.speed.y += follow * (way.y / step_s - state.speed.y);
    const double sides_per_second = std::hypot(state.speed.x, state.speed.y) / side_px;
    const double part = share(cutoff_hz_ + per_speed_ * sides_per_second, step_s);
    state.place.x += part * way.x;
    state.place.y += part * way.y;
}

}  // namespace lmk
