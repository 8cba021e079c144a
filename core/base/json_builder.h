// What the strict JSON and YAML readers share: a value built from a parser's events, refusing what
// is ambiguous or bottomless while it is built, before it costs memory or stack.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/base/status.h"

namespace dml {

inline constexpr size_t kMaxDocumentDepth = 32;

/// Built by one document's events, in order; not for use by several threads. Every method returns
/// INVALID_ARGUMENT with the given reason, and the path of the place, on a repeated member name or
/// on nesting deeper than kMaxDocumentDepth. After an error the builder is not used any more.
class JsonBuilder {
 public:
  explicit JsonBuilder(ErrorReason reason) : reason_(reason) {}

  absl::Status Scalar(nlohmann::json value);
  absl::Status StartObject();
  absl::Status StartArray();
  absl::Status Key(std::string key);
  /// Ends the innermost object or array.
  void End();

  /// Whether the next event must be Key() or End().
  bool wants_key() const;
  /// Where the value comes that is added next, such as "requires[2].range"; "" for the whole.
  std::string path() const;
  /// The whole document, once its events are over.
  nlohmann::json Take() { return std::move(root_); }

 private:
  struct Open {
    nlohmann::json* value;
    std::string key;  // Of the member being read, in an object.
    bool has_key = false;
  };

  absl::StatusOr<nlohmann::json*> Add(nlohmann::json value);
  absl::Status Start(nlohmann::json container);

  const ErrorReason reason_;
  nlohmann::json root_;
  std::vector<Open> open_;
};

}  // namespace dml
