// What is told of calls and decisions while they happen, for metrics.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include "core/base/finding.h"
#include "core/base/status.h"

namespace dml {

/// A call that has ended, over gRPC or HTTP.
struct CallSeen {
  std::string_view method;  // As in the authorization table.
  const absl::Status& status;
  std::chrono::steady_clock::duration took{};
};

/// Owned by the daemon, outlives the services. Thread-safe; never blocks on the disk.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void CallEnded(const CallSeen& call) = 0;

  /// That the gate decided something of this kind ("set", "release", "permit"), by these findings.
  virtual void Decided(std::string_view kind, bool allowed, std::span<const Finding> findings) = 0;
};

}  // namespace dml
