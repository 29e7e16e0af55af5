#pragma once

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "finder.h"
#include "frame.h"
#include "motion.h"
#include "scene.h"
#include "smoothing.h"

namespace lmk {

// One object of a frame, in image pixels, smooth.
struct Object {
    int id = 0;  // an object keeps it from frame to frame
    Box box;     // of its crop
    std::vector<Point> landmarks;
    std::vector<double> scores;   // of the landmarks
    std::vector<double> opacity;  // of the landmarks
    std::vector<Point> points;
    std::optional<double> confidence;
};

// Pairs boxes with objects, each of which may be in two places; the largest overlap is paired
// first. Returns rows of both.
using Places = std::pair<Box, Box>;
std::vector<std::pair<std::size_t, std::size_t>> best_pairs(const std::vector<Box>& boxes,
                                                            const std::vector<Places>& places);

// Tracks the objects of one source; as lmk/video/tracker.py with `follow`. A frame is searched
// every `search_s` seconds and when an object is lost; in between, crops come from the last
// landmarks.
class Follower {
public:
    struct Options {
        double search_s = 2.0;
        double min_size = 0.14;  // of objects, as a share of the frame's shorter side
    };

    Follower(const Framing& framing, const Options& options)
        : framing_(framing), options_(options) {}

    // The objects of a frame, whose time is later than that of the last one.
    std::vector<Object> track(const Frame& frame, double time_s, const Locate& locate);

private:
    struct Track {
        int number, key;
        Motion motion;
    };

    // An object that was lost: when, where it was searched for, and what the frame showed.
    struct Lost {
        double time_s;
        Track track;
        Box box;
        Glance scene;

        Places places() const { return {box, track.motion.box()}; }
    };

    // What was found in the crop of one track. following: the box that the landmarks lead to. good:
    // whether they are those of the object.
    struct Sight {
        Track track;
        Box box;
        Located found;
        Box following;
        bool good;
    };

    void look_for_a_cut(const Frame& frame);
    std::vector<Sight> follow(const Frame& frame, const Locate& locate);
    bool search_is_due() const;
    std::vector<Box> search(const Frame& frame, const Locate& locate);
    std::vector<Sight> look(const std::vector<Track>& tracks, const std::vector<Box>& boxes,
                            const Locate& locate) const;
    std::vector<Track> new_tracks(const std::vector<Box>& boxes);
    std::vector<Sight> without_bad(std::vector<Sight> sights);
    std::vector<Sight> without_doubles(std::vector<Sight> sights);
    void lose(const Sight& sight);
    std::vector<Object> objects(const std::vector<Sight>& sights);

    Framing framing_;
    Options options_;
    Smoother smoother_;
    std::vector<Track> tracks_;
    std::vector<Lost> lost_;
    Glance scene_;
    int numbers_ = 0, keys_ = 0;
    double time_s_ = 0, searched_s_ = -std::numeric_limits<double>::infinity();
};

}  // namespace lmk
