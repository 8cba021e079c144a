// The parts of a Python version, for its key and for the specifiers that change some of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"

namespace dml {

/// What stands in a version of PEP 440. Views point into the text that was read.
///
/// Key: number(epoch), for each number of the release without zeros at its end 2 number, then 1;
/// the phase (1 development alone, 2 alpha, 3 beta, 4 candidate, each but the first with number; 5
/// none); 1, or 2 number of a post-release; 1 number of a development release, or 2; the local part
/// (for each segment 1 word 0, or 2 number), then 0.
struct Pep440Parts {
  static constexpr char kPostPresent = '\2';

  std::string_view epoch = "0";
  std::vector<std::string_view> release;  // "1.2.0": three numbers.
  char phase = '\0';                      // 'a', 'b', 'c' (candidate), or none.
  std::optional<std::string_view> pre;    // The number of the phase.
  std::optional<std::string_view> post;
  std::optional<std::string_view> dev;
  std::vector<std::string> local;  // In lower case.
  size_t release_end = 0;          // Where in the text the release ends.
  size_t public_end = 0;           // Where the local part begins.

  /// VERSION_INVALID with the position.
  static absl::StatusOr<Pep440Parts> Read(std::string_view text);

  bool is_prerelease() const { return phase != '\0' || dev.has_value(); }

  // The parts of the key, in this order; AppendPublic appends all but the local part.
  void AppendRelease(std::string& key) const;
  void AppendPhase(std::string& key) const;
  void AppendPublic(std::string& key) const;
};

}  // namespace dml
