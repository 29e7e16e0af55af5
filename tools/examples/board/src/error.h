#pragma once

#include <stdexcept>

namespace lmk {

// Says what was expected, what came, and how to mend it.
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace lmk
