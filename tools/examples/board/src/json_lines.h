#pragma once

#include <string>
#include <vector>

#include "follower.h"
#include "model.h"

namespace lmk {

// A frame as one line of JSON, in the fields of `lmk run -o out.jsonl`.
std::string json_line(int frame, double time_s, const Model& model,
                      const std::vector<Object>& objects);

}  // namespace lmk
