#include "tools/dml/progress.h"

#include <algorithm>

#include "tools/dml/output.h"

namespace dml {
namespace {

constexpr std::chrono::milliseconds kDrawInterval{100};
constexpr size_t kBarWidth = 20;
constexpr size_t kMinBarWidth = 5;
constexpr uint64_t kMaxEtaSeconds = 100 * 3600;

std::string FormatEta(const TransferProgress& progress, const TransferProgress& at_start,
                      double seconds) {
  uint64_t done = progress.bytes_done - std::min(progress.bytes_done, at_start.bytes_done);
  uint64_t left = progress.bytes_total - std::min(progress.bytes_total, progress.bytes_done);
  if (done == 0 || left == 0) return "";
  double eta = static_cast<double>(left) * seconds / static_cast<double>(done);
  if (eta >= static_cast<double>(kMaxEtaSeconds)) return "";
  uint64_t rest = static_cast<uint64_t>(eta);
  if (rest < 3600) return fmt::format("  ETA {}:{:02}", rest / 60, rest % 60);
  return fmt::format("  ETA {}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
}

// Of a bar with its brackets and the gap before them.
constexpr size_t BarSize(size_t width) { return width + 4; }

std::string DrawBar(size_t width, double part) {
  if (width == 0) return "";
  const size_t filled = static_cast<size_t>(part * static_cast<double>(width));
  return fmt::format("  [{}{}]", std::string(filled, '#'), std::string(width - filled, '.'));
}

}  // namespace

std::string FormatProgress(std::string_view label, const TransferProgress& progress,
                           const TransferProgress& at_start, std::chrono::milliseconds elapsed,
                           size_t width) {
  double part = 1;
  if (progress.bytes_total > 0) {
    part = std::min(
        1.0, static_cast<double>(progress.bytes_done) / static_cast<double>(progress.bytes_total));
  }
  const std::string amount = fmt::format("  {} of {}", FormatBytes(progress.bytes_done),
                                         FormatBytes(progress.bytes_total));
  std::string rate;
  std::string eta;
  const double seconds = std::chrono::duration<double>(elapsed).count();
  if (seconds >= 0.5) {
    const uint64_t sent = progress.bytes_sent - std::min(progress.bytes_sent, at_start.bytes_sent);
    rate = fmt::format("  {}/s",
                       FormatBytes(static_cast<uint64_t>(static_cast<double>(sent) / seconds)));
    eta = FormatEta(progress, at_start, seconds);
  }
  const std::string percent = fmt::format("  {:3}%", static_cast<int>(part * 100));
  const size_t needed = DisplayWidth(label) + percent.size() + eta.size();
  // How much a line may take for what can be left out: the bar shrinks, then the rate goes, then
  // the bar, then the amount.
  const size_t space = width - std::min(width, needed);
  std::string details = amount + rate;
  if (space < details.size() + BarSize(kMinBarWidth)) details = amount;
  size_t bar = 0;
  if (space >= details.size() + BarSize(kMinBarWidth)) {
    bar = std::min(kBarWidth, space - details.size() - BarSize(0));
  } else if (space < details.size()) {
    details.clear();
  }
  const std::string line =
      fmt::format("{}{}{}{}{}", label, DrawBar(bar, part), percent, details, eta);
  return Truncate(line, width);
}

ProgressLine::~ProgressLine() {
  if (at_start_.has_value()) out_ << "\r\x1b[K" << std::flush;
}

void ProgressLine::Update(const TransferProgress& progress) {
  auto now = clock_();
  if (!at_start_.has_value()) {
    at_start_ = progress;
    started_ = now;
  } else if (now - drawn_ < kDrawInterval) {
    return;
  }
  drawn_ = now;
  auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_);
  out_ << "\r\x1b[K" << FormatProgress(label_, progress, *at_start_, elapsed, width_ - 1)
       << std::flush;
}

}  // namespace dml
