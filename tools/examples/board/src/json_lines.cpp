#include "json_lines.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace lmk {

namespace {

using json = nlohmann::ordered_json;

double rounded(double value, int digits) {
    const double unit = std::pow(10, digits);
    return std::round(value * unit) / unit;
}

json rounded(const std::vector<double>& values, int digits) {
    json all = json::array();
    for (const double value : values) all.push_back(rounded(value, digits));
    return all;
}

json place(Point point) { return {rounded(point.x, 3), rounded(point.y, 3)}; }

json object_of(const Model& model, const Object& found) {
    const Box& box = found.box;
    json object{{"model", model.name},
                {"id", found.id},
                {"box", rounded({box.x, box.y, box.width, box.height}, 3)}};
    if (box.angle != 0) object["angle"] = rounded(box.angle, 2);
    json landmarks = json::array();
    for (const Point& point : found.landmarks) landmarks.push_back(place(point));
    object["landmarks"] = std::move(landmarks);
    object["scores"] = rounded(found.scores, 4);
    object["opacity"] = rounded(found.opacity, 2);
    for (std::size_t k = 0; k < model.points.size(); ++k) {
        object["points"][model.points[k]] = place(found.points[k]);
    }
    if (found.confidence) object["confidence"] = rounded(*found.confidence, 4);
    return object;
}

}  // namespace

std::string json_line(int frame, double time_s, const Model& model,
                      const std::vector<Object>& objects) {
    json line{{"source", "standard input"}, {"frame", frame}, {"time_s", rounded(time_s, 6)}};
    line["objects"] = json::array();
    for (const Object& found : objects) line["objects"].push_back(object_of(model, found));
    return line.dump();
}

}  // namespace lmk
