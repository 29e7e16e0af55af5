#include "finder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "constants.h"

namespace lmk {

namespace {

using namespace landmarks;

// Places from 0 to `room`, at most so far apart.
std::vector<double> evenly(double room, double apart) {
    const int last = int(std::ceil(room / apart));
    std::vector<double> places;
    for (int i = 0; i <= last; ++i) places.push_back(last ? room * i / last : 0);
    return places;
}

std::vector<std::size_t> highest_first(const std::vector<double>& scores) {
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t one, std::size_t other) {
        return scores[one] > scores[other];
    });
    return order;
}

}  // namespace

std::vector<Box> grid(int width, int height, double min_size) {
    const double shorter = std::min(width, height);
    std::vector<Box> boxes;
    for (double side = LARGEST * shorter; side >= std::max(min_size * shorter, LEAST_PX);
         side /= SHRINK) {
        for (const double y : evenly(height - side, APART * side)) {
            for (const double x : evenly(width - side, APART * side)) {
                boxes.push_back({x, y, side, side, 0});
            }
        }
    }
    return boxes;
}

std::vector<Box> find_objects(int width, int height, const Framing& framing, double min_size,
                              const Locate& locate) {
    std::vector<Box> boxes = grid(width, height, min_size);
    for (int round = 0; round < ROUNDS; ++round) {
        std::vector<Box> moved;
        std::vector<double> scores;
        for (const Located& found : locate(boxes)) {
            moved.push_back(framing.fit(found, false).box);
            scores.push_back(mean(found.scores));
        }
        boxes.clear();
        for (const std::size_t row : apart(moved, highest_first(scores), boxes::SAME, FOLLOWED)) {
            // Larger ones are of landmarks far apart.
            if (moved[row].width <= 2 * std::max(width, height)) boxes.push_back(moved[row]);
        }
    }
    std::vector<Box> objects;
    std::vector<double> scores;
    for (const Located& found : locate(boxes)) {
        const double score = mean(found.scores);
        const double misfit_px = framing.fit(found, true).misfit_px;  // a tilted head fits, too
        if (score < framing.least_score() || misfit_px > LARGEST_MISFIT * framing.spread_px)
            continue;
        objects.push_back(framing.fit(found, false).box);
        scores.push_back(score);
    }
    boxes.clear();
    for (const std::size_t row : apart(objects, highest_first(scores), boxes::SAME)) {
        boxes.push_back(objects[row]);
    }
    return boxes;
}

}  // namespace lmk
