#pragma once

#include <map>
#include <vector>

#include "one_euro.h"

namespace lmk {

// The defaults of lmk/video/filters/base.py.
struct Smoothing {
    double cutoff_hz = 1.5, per_speed = 15.0;  // see OneEuro
    double low_score = 0.3;  // a point with a lower one keeps its last place in the crop
    double fade_s = 0.5;     // and fades out in this time
};

// Holds and filters the points of objects over time; as lmk/video/smoothing.py.
class Smoother {
public:
    struct Input {
        int key = 0;
        Box box;  // of the crop
        std::vector<Point> points;
        std::vector<double> scores;
    };

    struct Output {
        std::vector<Point> points;
        std::vector<double> opacity;  // 1 for a point that is seen, falling to 0 while it is held
    };

    explicit Smoother(const Smoothing& options = {})
        : options_(options), filter_(options.cutoff_hz, options.per_speed) {}

    std::vector<Output> operator()(double time_s, const std::vector<Input>& objects);

private:
    struct Held {
        Point in_crop;
        double seen_s;
    };

    std::vector<Held> hold(double time_s, const Input& object) const;

    Smoothing options_;
    OneEuro filter_;
    std::map<int, std::vector<Held>> held_;
};

}  // namespace lmk
