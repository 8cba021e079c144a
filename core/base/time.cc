#include "core/base/time.h"

#include <fmt/chrono.h>

namespace dml {

std::string FormatTime(Timestamp time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::time_point_cast<std::chrono::seconds>(
                         std::chrono::floor<std::chrono::seconds>(time))));
}

}  // namespace dml
