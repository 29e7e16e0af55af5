#include "framing.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>

#include "constants.h"

namespace lmk {

namespace {

using Place = std::complex<double>;  // x + iy: turns multiply

constexpr double DEVIATIONS = 1.6448536269514722;  // the quantile 0.95 of the normal distribution

Place place(Point point) { return {point.x, point.y}; }

// Without a jump: crops of objects that are turned by less than UPRIGHT stay upright.
double followed(double degrees) {
    const double size = std::abs(degrees);
    if (size >= framing::TURNED) return degrees;
    return std::copysign(std::max(2 * (size - framing::UPRIGHT), 0.0), degrees);
}

}  // namespace

double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
}

Framing::Fit Framing::fit(const Located& found, bool turned) const {
    const std::size_t count = landmarks_input.size();
    std::vector<double> share(count);
    for (std::size_t k = 0; k < count; ++k) share[k] = std::max(found.scores[k], 1e-6);
    const double total = std::accumulate(share.begin(), share.end(), 0.0);
    Place centre_input, centre_image;
    for (std::size_t k = 0; k < count; ++k) {
        share[k] /= total;
        centre_input += share[k] * place(landmarks_input[k]);
        centre_image += share[k] * place(found.landmarks[k]);
    }
    Place along;
    double extent = 0;
    for (std::size_t k = 0; k < count; ++k) {
        const Place from = place(landmarks_input[k]) - centre_input;
        along += share[k] * std::conj(from) * (place(found.landmarks[k]) - centre_image);
        extent += share[k] * std::norm(from);
    }
    const double degrees = turned ? followed(std::arg(along) / radians(1)) : 0;
    const Place turn = std::polar(1.0, radians(degrees));
    // A crop of a pixel at least.
    const double scale = std::max((along / turn).real() / std::max(extent, 1e-6), 1.0 / input_size);
    double square = 0;
    for (std::size_t k = 0; k < count; ++k) {
        const Place rest = (place(found.landmarks[k]) - centre_image) / (turn * scale) -
                           (place(landmarks_input[k]) - centre_input);
        square += share[k] * std::norm(rest);
    }
    const Place middle_input = (input_size - 1) / 2.0 * Place(1, 1);
    const Place middle = centre_image + scale * turn * (middle_input - centre_input);
    const double side = scale * input_size;
    // A box counts from the outer edge of the first pixel, half a pixel from its centre.
    const double x = middle.real() + 0.5 - side / 2, y = middle.imag() + 0.5 - side / 2;
    return {box_of_crop({x, y, side, side, degrees}), std::sqrt(square)};
}

std::optional<double> Framing::confidence(const std::vector<double>& scores) const {
    if (!find_scores) return std::nullopt;
    const double deviations = (mean(scores) - find_scores->mean) / find_scores->deviation;
    return std::erfc(-deviations / std::sqrt(2.0)) / 2;
}

double Framing::least_score() const {
    return find_scores ? find_scores->mean + DEVIATIONS * find_scores->deviation : score;
}

}  // namespace lmk
