// One line in the log for each distinct fault of something that is looked at again and again.
#pragma once

#include <string>

#include <spdlog/spdlog.h>

#include "core/base/status.h"

namespace dml {

/// Not for use by several threads.
class FaultLog {
 public:
  /// Says that what was read before stays in use, once until another fault comes or this one ends.
  void Note(const absl::Status& fault) {
    if (Message(fault) == fault_) return;
    fault_ = Message(fault);
    spdlog::warn("{}; what was read before stays in use", fault_);
  }

  /// There is none now. Returns whether there was one.
  bool End() {
    const bool was = !fault_.empty();
    fault_.clear();
    return was;
  }

 private:
  std::string fault_;
};

}  // namespace dml
