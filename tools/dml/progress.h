// The progress of a transfer, as one line that is drawn over and over on the terminal.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "client/transfer.h"

namespace dml {

/// "upload  [#####.....]  50%  12.0 MiB of 24.0 MiB  3.0 MiB/s  ETA 0:04", at most `width` columns:
/// where that is too narrow the bar shrinks, then the rate, the bar and the bytes are left out, so
/// that percentage and ETA stay.
/// The rate is of the bytes that went over the wire, the ETA goes by what was done since the start.
std::string FormatProgress(std::string_view label, const TransferProgress& progress,
                           const TransferProgress& at_start, std::chrono::milliseconds elapsed,
                           size_t width);

/// Draws at most ten times a second; clears its line when it is destroyed. One thread. `out` must
/// outlive it.
class ProgressLine {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  ProgressLine(std::ostream& out, std::string label, size_t width,
               Clock clock = std::chrono::steady_clock::now)
      : out_(out), label_(std::move(label)), width_(width), clock_(std::move(clock)) {}
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Update(const TransferProgress& progress);

 private:
  std::ostream& out_;
  const std::string label_;
  const size_t width_;
  const Clock clock_;
  std::optional<TransferProgress> at_start_;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace dml
