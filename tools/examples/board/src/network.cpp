#include "network.h"

#include <cmath>

#include "constants.h"
#include "crop.h"
#include "error.h"

namespace lmk {

namespace {

// An output of `rows` times `columns` values in [least, most].
std::vector<double> values_of(ncnn::Extractor& extractor, const char* name, std::size_t rows,
                              int columns, double least, double most) {
    ncnn::Mat found;
    const bool fails = extractor.extract(name, found) != 0;
    const int width = columns > 1 ? columns : int(rows), height = columns > 1 ? int(rows) : 1;
    if (fails || found.w != width || found.h != height || found.c != 1 || found.elemsize != 4) {
        throw Error(std::string("the network has no output ") + name +
                    " as its metadata say: export it again");
    }
    std::vector<double> values;
    for (int row = 0; row < height; ++row)
        values.insert(values.end(), found.row(row), found.row(row) + width);
    for (const double value : values) {
        if (value >= least && value <= most) continue;  // false for NaN, too
        throw Error(std::string("the network returned NaN or impossible ") + name +
                    ": its weights are broken, export it again");
    }
    return values;
}

std::vector<Point> points_of(const std::vector<double>& values, const Affine& to_image) {
    std::vector<Point> points;
    for (std::size_t k = 0; k < values.size(); k += 2) {
        points.push_back(to_image({values[k], values[k + 1]}));
    }
    return points;
}

}  // namespace

Network::Network(const std::filesystem::path& param, const Model& model, int threads)
    : model_(model) {
    auto weights = param;
    weights.replace_extension(".bin");
    if (threads > 0) net_.opt.num_threads = threads;
    if (!std::filesystem::is_regular_file(weights)) {
        throw Error(weights.string() + " is missing: copy it beside " + param.filename().string());
    }
    if (net_.load_param(param.c_str()) != 0 || net_.load_model(weights.c_str()) != 0) {
        throw Error("ncnn does not load " + param.string() + " and its .bin: export them again");
    }
}

std::vector<Located> Network::locate(const Frame& frame, const std::vector<Box>& boxes) const {
    std::vector<Located> found;
    found.reserve(boxes.size());
    for (const Box& box : boxes) found.push_back(locate_one(frame, box));
    return found;
}

Located Network::locate_one(const Frame& frame, const Box& box) const {
    const int size = model_.input_size;
    const double farthest = rounds::FARTHEST * size;
    const Frame crop = cut_crop(frame, box, size);
    ncnn::Extractor extractor = net_.create_extractor();
    extractor.input("images",
                    ncnn::Mat::from_pixels(crop.rgb.data(), ncnn::Mat::PIXEL_RGB, size, size));
    const Affine to_image = input_to_image(box, size);
    const std::size_t landmarks = model_.num_landmarks, points = model_.points.size();
    Located found;
    found.landmarks =
        points_of(values_of(extractor, "landmarks", landmarks, 2, -farthest, farthest), to_image);
    found.scores = values_of(extractor, "scores", landmarks, 1, 0, rounds::HIGHEST_SCORE);
    if (points > 0) {
        found.points =
            points_of(values_of(extractor, "points", points, 2, -farthest, farthest), to_image);
    }
    return found;
}

}  // namespace lmk
