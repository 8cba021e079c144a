// Which call the log lines of a thread belong to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dml {

/// Names of one call, for whoever joins logs of several programs.
struct CallId {
  std::string request;  // Of the caller's header x-request-id, or made here.
  std::string trace;    // The trace id of its traceparent, 32 hex digits; "" for none.
};

/// The id where it is one that lines may carry: 1 to 128 of letters, digits and "-_.:/"; else
/// nullopt.
std::optional<std::string> ReadRequestId(std::string_view header);

/// The trace id of a traceparent header (W3C Trace Context, section 3.2.2), nullopt where it is not
/// one, or is of all zeros.
std::optional<std::string> ReadTraceId(std::string_view header);

/// While it lives, lines that its thread logs carry the id. A handler runs on one thread.
class CallScope {
 public:
  explicit CallScope(CallId id);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;

  const CallId& id() const { return id_; }

  /// Of this thread; null where none lives.
  static const CallId* Current();

 private:
  const CallId id_;
  const CallScope* const outer_;
};

}  // namespace dml
