#include "smoothing.h"

#include <algorithm>

namespace lmk {

std::vector<Smoother::Output> Smoother::operator()(double time_s,
                                                   const std::vector<Input>& objects) {
    std::map<int, std::vector<Held>> all;
    std::vector<Tracked> tracked;
    std::vector<Output> outputs;
    for (const Input& object : objects) {
        const Affine to_image = input_to_image(object.box, 1);
        std::vector<Held> held = hold(time_s, object);
        Tracked steady{object.key, {}, std::max(object.box.width, object.box.height)};
        Output output;
        for (const auto& [in_crop, seen_s] : held) {
            steady.points.push_back(to_image(in_crop));
            output.opacity.push_back(std::max(1 - (time_s - seen_s) / options_.fade_s, 0.0));
        }
        tracked.push_back(std::move(steady));
        outputs.push_back(std::move(output));
        all.emplace(object.key, std::move(held));
    }
    held_ = std::move(all);
    std::vector<std::vector<Point>> smooth = filter_(time_s, tracked);
    for (std::size_t row = 0; row < outputs.size(); ++row) {
        outputs[row].points = std::move(smooth[row]);
    }
    return outputs;
}

std::vector<Smoother::Held> Smoother::hold(double time_s, const Input& object) const {
    const Affine to_crop = input_to_image(object.box, 1).inverse();
    const auto known = held_.find(object.key);
    std::vector<Held> held;
    for (std::size_t k = 0; k < object.points.size(); ++k) {
        const Point in_crop = to_crop(object.points[k]);
        const bool seen = object.scores[k] >= options_.low_score;
        if (seen) {
            held.push_back({in_crop, time_s});
        } else if (known != held_.end()) {
            held.push_back(known->second[k]);
        } else {
            held.push_back({in_crop, -std::numeric_limits<double>::infinity()});
        }
    }
    return held;
}

}  // namespace lmk
