#include "options.h"

#include <cstdlib>
#include <string>

#include "constants.h"
#include "error.h"

namespace lmk {

namespace {

double number(const std::string& name, const char* text, double least, double most) {
    char* end = nullptr;
    const double value = text ? std::strtod(text, &end) : 0;
    if (!text || end == text || *end != '\0' || !(value >= least && value <= most)) {
        throw Error(name + ": expected a number from " + std::to_string(least) + " to " +
                    std::to_string(most) + ", got " + (text ? text : "nothing"));
    }
    return value;
}

}  // namespace

Options read_options(int count, const char* const* arguments) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        const char* const value = i + 1 < count ? arguments[i + 1] : nullptr;
        if (name == "--fps") {
            options.fps = number(name, value, 0.01, 1e6);
        } else if (name == "--search-s") {
            options.follower.search_s = number(name, value, 0.001, 1e6);
        } else if (name == "--min-size") {
            options.follower.min_size = number(name, value, landmarks::SMALLEST, 1);
        } else if (name == "--threads") {
            options.threads = int(number(name, value, 1, 64));
        } else if (options.model.empty() && name.rfind('-', 0) != 0) {
            options.model = name;
            continue;
        } else {
            throw Error("unknown argument " + name);
        }
        ++i;
    }
    if (options.model.empty()) throw Error("expected a model, NAME.ncnn.param");
    return options;
}

}  // namespace lmk
