#pragma once

#include <optional>
#include <vector>

#include "geometry.h"

namespace lmk {

// What a network found in one box: landmarks and named points in image pixels, and the scores of
// the landmarks in [0, 1].
struct Located {
    std::vector<Point> landmarks;
    std::vector<double> scores;
    std::vector<Point> points;
};

double mean(const std::vector<double>& values);

// Mean and standard deviation of a normal distribution.
struct Normal {
    double mean, deviation;
};

// Where landmarks lie in the crops that a model was trained on; as lmk/model/framing.py.
struct Framing {
    std::vector<Point> landmarks_input;  // the mean ones, in input pixels
    double spread_px = 0;                // their distance from the best fit of these
    double score = 0;                    // mean score of an object's landmarks
    int input_size = 128;
    std::optional<Normal> find_scores;  // of the best score in a picture without an object

    struct Fit {
        Box box;
        double misfit_px;
    };

    // The box of an object as in training, and the root mean square distance of its landmarks from
    // that fit: least squares over scale and shift, weighted by score, and with `turned` the angle.
    Fit fit(const Located& found, bool turned) const;

    // The share of pictures without an object in which all landmarks have a lower mean score.
    std::optional<double> confidence(const std::vector<double>& scores) const;

    // The mean score from which on landmarks are an object, with a confidence of 0.95.
    double least_score() const;
};

}  // namespace lmk
