#include <chrono>
#include <cstdio>
#include <iostream>

#include "error.h"
#include "follower.h"
#include "json_lines.h"
#include "model.h"
#include "network.h"
#include "options.h"
#include "ppm.h"

namespace {

using Clock = std::chrono::steady_clock;

// Throws lmk::Error.
void run(const lmk::Options& options) {
    const lmk::Model model = lmk::read_model(options.model);
    const lmk::Network network(options.model, model, options.threads);
    lmk::Follower follower(model.framing, options.follower);
    lmk::PpmReader reader(stdin);
    int count = 0;
    Clock::time_point began;
    while (const auto frame = reader.next()) {
        if (count == 0) began = Clock::now();
        const std::chrono::duration<double> passed = Clock::now() - began;
        const double time_s = options.fps > 0 ? count / options.fps : passed.count();
        const auto objects = follower.track(
            *frame, time_s, [&](const auto& boxes) { return network.locate(*frame, boxes); });
        std::cout << lmk::json_line(count++, time_s, model, objects) << std::endl;
        if (!std::cout) throw lmk::Error("standard output cannot be written to");
    }
    if (count == 0) throw lmk::Error("standard input ends without a frame: pipe frames into it");
}

}  // namespace

int main(int count, char** arguments) {
    lmk::Options options;
    try {
        options = lmk::read_options(count, arguments);
    } catch (const lmk::Error& error) {
        std::cerr << error.what() << "\n\n" << lmk::USAGE;
        return 2;
    }
    try {
        run(options);
        return 0;
    } catch (const std::exception& error) {
        std::cerr << "landmarks: " << error.what() << '\n';
        return 1;
    }
}
