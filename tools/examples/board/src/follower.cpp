#include "follower.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "constants.h"

namespace lmk {

using namespace tracker;

namespace {

constexpr double PAUSE_S = 0.2;  // after a search that found nothing

// Those that overlap none of the others.
std::vector<Box> away_from(const std::vector<Box>& boxes, const std::vector<Box>& others) {
    std::vector<Box> kept;
    std::copy_if(boxes.begin(), boxes.end(), std::back_inserter(kept),
                 [&](const Box& box) { return !overlaps(box, others, boxes::SAME); });
    return kept;
}

template <class Item, class Field>
auto each(const std::vector<Item>& items, Field field) {
    std::vector<std::decay_t<decltype(field(items.front()))>> values;
    for (const Item& item : items) values.push_back(field(item));
    return values;
}

template <class Item>
void append(std::vector<Item>& items, std::vector<Item> more) {
    items.insert(items.end(), std::make_move_iterator(more.begin()),
                 std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> best_pairs(const std::vector<Box>& boxes,
                                                            const std::vector<Places>& places) {
    struct Pair {
        std::size_t row, other;
        double share;
    };
    std::vector<Pair> found;
    for (std::size_t row = 0; row < boxes.size(); ++row) {
        for (std::size_t other = 0; other < places.size(); ++other) {
            const auto& [one, two] = places[other];
            const double share = std::max(overlap(boxes[row], one), overlap(boxes[row], two));
            if (share > boxes::SAME) found.push_back({row, other, share});
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const Pair& one, const Pair& other) { return one.share > other.share; });
    std::vector<std::pair<std::size_t, std::size_t>> pairs;
    for (const Pair& pair : found) {
        const bool taken = std::any_of(pairs.begin(), pairs.end(), [&](const auto& known) {
            return known.first == pair.row || known.second == pair.other;
        });
        if (!taken) pairs.emplace_back(pair.row, pair.other);
    }
    return pairs;
}

std::vector<Object> Follower::track(const Frame& frame, double time_s, const Locate& locate) {
    time_s_ = time_s;
    lost_.erase(std::remove_if(lost_.begin(), lost_.end(),
                               [&](const Lost& lost) { return time_s - lost.time_s > REMEMBER_S; }),
                lost_.end());
    look_for_a_cut(frame);
    std::vector<Sight> sights = follow(frame, locate);
    tracks_.clear();
    for (const Sight& sight : sights) {
        tracks_.push_back(sight.track);
        tracks_.back().motion.observe(sight.following, time_s);
    }
    return objects(sights);
}

// Lose all tracks in another scene, and search it at once.
void Follower::look_for_a_cut(const Frame& frame) {
    const Glance last = std::exchange(scene_, glance(frame));
    if (last.empty() || same_scene(last, scene_)) return;
    for (const Track& track : tracks_) lost_.push_back({time_s_, track, track.motion.box(), last});
    tracks_.clear();
    searched_s_ = -std::numeric_limits<double>::infinity();
}

// Look where the objects should be, and search the frame when it is due or one is lost.
std::vector<Follower::Sight> Follower::follow(const Frame& frame, const Locate& locate) {
    std::vector<Track> tracks = tracks_;
    const std::vector<Box> predicted =
        each(tracks, [&](const Track& track) { return track.motion.predict(time_s_); });
    std::vector<Box> boxes = predicted, found;
    const bool due = search_is_due();
    if (due) {
        found = search(frame, locate);
        const std::vector<Box> rest = away_from(found, predicted);
        append(tracks, new_tracks(rest));
        append(boxes, rest);
    }
    std::vector<Sight> sights = look(tracks, boxes, locate);
    if (std::all_of(sights.begin(), sights.end(), [](const Sight& sight) { return sight.good; })) {
        return without_doubles(std::move(sights));
    }
    sights = without_bad(std::move(sights));
    if (due) {  // boxes that were taken for those of an object that is lost now
        found.erase(
            std::remove_if(found.begin(), found.end(),
                           [&](const Box& box) { return !overlaps(box, predicted, boxes::SAME); }),
            found.end());
    } else {
        found = search(frame, locate);
    }
    const std::vector<Box> rest =
        away_from(found, each(sights, [](const Sight& sight) { return sight.following; }));
    append(sights, look(new_tracks(rest), rest, locate));
    return without_doubles(without_bad(std::move(sights)));
}

bool Follower::search_is_due() const {
    double pause_s = options_.search_s;
    if (!lost_.empty()) pause_s = std::min(pause_s, LOST_SEARCH_S);
    if (tracks_.empty()) pause_s = std::min(pause_s, PAUSE_S);
    return time_s_ - searched_s_ >= pause_s;
}

std::vector<Box> Follower::search(const Frame& frame, const Locate& locate) {
    searched_s_ = time_s_;
    return find_objects(frame.width, frame.height, framing_, options_.min_size, locate);
}

std::vector<Follower::Sight> Follower::look(const std::vector<Track>& tracks,
                                            const std::vector<Box>& boxes,
                                            const Locate& locate) const {
    std::vector<Located> all = locate(boxes);
    std::vector<Sight> sights;
    for (std::size_t row = 0; row < boxes.size(); ++row) {
        const auto [following, misfit_px] = framing_.fit(all[row], true);
        const bool good = mean(all[row].scores) >= LOST_SCORE * framing_.score &&
                          misfit_px <= LOST_MISFIT * framing_.spread_px;
        sights.push_back({tracks[row], boxes[row], std::move(all[row]), following, good});
    }
    return sights;
}

// Tracks with the numbers of objects that were lost there in this scene, or the next ones. Their
// keys are new, so that no filter goes on from before the loss.
std::vector<Follower::Track> Follower::new_tracks(const std::vector<Box>& boxes) {
    const auto here = std::stable_partition(lost_.begin(), lost_.end(), [&](const Lost& lost) {
        return !same_scene(lost.scene, scene_);
    });
    std::vector<Lost> lost(here, lost_.end());
    lost_.erase(here, lost_.end());
    std::vector<std::optional<Track>> known(boxes.size());
    std::vector<bool> is_found(lost.size());
    for (const auto& [row, other] :
         best_pairs(boxes, each(lost, [](const Lost& one) { return one.places(); }))) {
        known[row] = lost[other].track;
        is_found[other] = true;
    }
    for (std::size_t i = 0; i < lost.size(); ++i) {
        if (!is_found[i]) lost_.push_back(std::move(lost[i]));
    }
    std::vector<Track> tracks;
    for (std::size_t row = 0; row < boxes.size(); ++row) {
        if (!known[row]) known[row] = Track{++numbers_, 0, Motion(boxes[row], time_s_)};
        known[row]->key = ++keys_;
        tracks.push_back(*known[row]);
    }
    return tracks;
}

std::vector<Follower::Sight> Follower::without_bad(std::vector<Sight> sights) {
    const auto bad = std::stable_partition(sights.begin(), sights.end(),
                                           [](const Sight& sight) { return sight.good; });
    std::for_each(bad, sights.end(), [&](const Sight& sight) { lose(sight); });
    sights.erase(bad, sights.end());
    return sights;
}

// Lose tracks that have run into an earlier one.
std::vector<Follower::Sight> Follower::without_doubles(std::vector<Sight> sights) {
    std::vector<Sight> kept;
    std::vector<Box> taken;
    for (Sight& sight : sights) {
        if (overlaps(sight.following, taken, DOUBLE)) {
            lose(sight);
            continue;
        }
        taken.push_back(sight.following);
        kept.push_back(std::move(sight));
    }
    return kept;
}

void Follower::lose(const Sight& sight) {
    lost_.push_back({time_s_, sight.track, sight.box, scene_});
}

std::vector<Object> Follower::objects(const std::vector<Sight>& sights) {
    const auto smooth =
        smoother_(time_s_, each(sights, [](const Sight& sight) {
                      Smoother::Input input{sight.track.key, sight.box, sight.found.landmarks,
                                            sight.found.scores};
                      append(input.points, sight.found.points);
                      // A point is as certain as all landmarks together.
                      input.scores.resize(input.points.size(), mean(sight.found.scores));
                      return input;
                  }));
    std::vector<Object> found;
    for (std::size_t row = 0; row < sights.size(); ++row) {
        const auto& [points, opacity] = smooth[row];
        const std::vector<double>& scores = sights[row].found.scores;
        const auto landmarks = std::ptrdiff_t(scores.size());
        found.push_back({sights[row].track.number,
                         sights[row].box,
                         {points.begin(), points.begin() + landmarks},
                         scores,
                         {opacity.begin(), opacity.begin() + landmarks},
                         {points.begin() + landmarks, points.end()},
                         framing_.confidence(scores)});
    }
    return found;
}

}  // namespace lmk
