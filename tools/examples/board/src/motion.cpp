#include "motion.h"

#include <algorithm>
#include <cmath>

namespace lmk {

using namespace motion;

Box Motion::predict(double time_s) const {
    const double gap_s = time_s - time_s_ <= HORIZON_S ? time_s - time_s_ : 0;
    const double x = velocity_.x * gap_s, y = velocity_.y * gap_s;
    const double farthest = FARTHEST * std::max(box_.width, box_.height);
    const double share = std::min(1.0, farthest / std::max(std::hypot(x, y), 1e-6));
    return {box_.x + share * x, box_.y + share * y, box_.width, box_.height, box_.angle};
}

void Motion::observe(const Box& box, double time_s) {
    const double gap_s = time_s - time_s_;
    if (gap_s > 0) {
        const Point now = centre(box), before = centre(box_);
        const double variance = variance_ + ACCELERATION * gap_s;
        const double noise = PLACE_NOISE / gap_s;
        const double gain = variance / (variance + 2 * noise * noise);
        velocity_.x += gain * ((now.x - before.x) / gap_s - velocity_.x);
        velocity_.y += gain * ((now.y - before.y) / gap_s - velocity_.y);
        variance_ = variance * (1 - gain);
    }
    box_ = box;
    time_s_ = time_s;
}

}  // namespace lmk
