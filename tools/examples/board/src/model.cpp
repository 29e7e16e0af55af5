#include "model.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "error.h"

namespace lmk {

namespace {

using nlohmann::json;

constexpr std::uintmax_t MOST_TEXT = 4 << 20;
constexpr std::size_t MOST_POINTS = 1000;
constexpr double MOST = 1e9;

std::string read_text(const std::filesystem::path& path) {
    std::error_code failed;
    const std::uintmax_t size = std::filesystem::file_size(path, failed);
    std::ifstream file(path, std::ios::binary);
    if (failed || !file)
        throw Error(path.string() + " cannot be read: name a file NAME.ncnn.param");
    if (size > MOST_TEXT) throw Error(path.string() + " is too large to be a file .ncnn.param");
    std::string text(size, '\0');
    if (!file.read(text.data(), std::streamsize(size))) {
        throw Error(path.string() + " cannot be read to its end");
    }
    return text;
}

// The metadata is one line of JSON after the layers, where ncnn reads no further.
json metadata_of(std::string text) {
    if (!text.empty() && text.back() == '\n') text.pop_back();
    const std::size_t mark = text.rfind("\n# ");
    if (text.rfind("7767517\n", 0) != 0 || mark == std::string::npos) {
        throw std::invalid_argument("it has no metadata in its last line");
    }
    return json::parse(text.substr(mark + 3));
}

double number(const json& value, double least, double most) {
    const double found = value.is_number() ? value.get<double>() : std::nan("");
    if (!(found >= least && found <= most)) {
        throw std::out_of_range("expected a number from " + std::to_string(least) + " to " +
                                std::to_string(most));
    }
    return found;
}

Framing framing_from(const json& values, std::size_t landmarks) {
    Framing framing;
    for (const json& point : values.at("landmarks_input")) {
        framing.landmarks_input.push_back(
            {number(point.at(0), -MOST, MOST), number(point.at(1), -MOST, MOST)});
    }
    if (framing.landmarks_input.size() != landmarks) {
        throw std::out_of_range("its framing is of another number of landmarks");
    }
    framing.spread_px = number(values.at("spread_px"), 0, MOST);
    framing.score = number(values.at("score"), 0, 1);
    framing.input_size = int(number(values.at("input_size"), 1, 4096));
    if (const json scores = values.value("find_scores", json()); !scores.is_null()) {
        framing.find_scores = Normal{number(scores.at(0), 0, 1), number(scores.at(1), 1e-9, 1)};
    }
    return framing;
}

std::vector<std::string> points_from(const std::string& text) {
    if (text.empty()) return {};
    auto names = json::parse(text).at("names").get<std::vector<std::string>>();
    if (names.size() > MOST_POINTS) throw std::out_of_range("it has too many named points");
    return names;
}

Model model_from(const json& metadata) {
    const auto text = [&](const char* name) { return metadata.value(name, std::string()); };
    static const std::regex count("[1-9][0-9]{0,3}");
    static const std::regex input(
        R"(images uint8 \((?:B|1), ([1-9][0-9]{0,3}), ([1-9][0-9]{0,3}), 3\))");
    const std::string landmarks = text("num_landmarks"), images = text("input");
    std::smatch size;
    if (text("schema_version") != "1" || text("task") != "landmarks" ||
        !std::regex_match(landmarks, count) || !std::regex_match(images, size, input) ||
        size[1] != size[2]) {
        throw std::invalid_argument("its metadata are those of another kind or version");
    }
    if (text("framing").empty()) {
        throw std::invalid_argument("it has no framing, so that it cannot be tracked");
    }
    Model model;
    model.num_landmarks = std::stoul(landmarks);
    model.input_size = std::stoi(size[1]);
    model.framing = framing_from(json::parse(text("framing")), model.num_landmarks);
    model.points = points_from(text("points"));
    return model;
}

}  // namespace

Model read_model(const std::filesystem::path& param) {
    const std::string text = read_text(param);
    try {
        Model model = model_from(metadata_of(text));
        model.name = param.stem().stem().string();
        return model;
    } catch (const std::exception& error) {
        throw Error(param.string() + " is no model that this program runs (" + error.what() +
                    "): export one with  lmk export NAME -f ncnn -o DIR");
    }
}

}  // namespace lmk
