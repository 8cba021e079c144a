// Commands for scripts: one answer a line for one question a line, in order, for as long as there
// are questions.
#pragma once

#include <cstddef>
#include <functional>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>

#include "tools/dml/app.h"

namespace dml {

/// Two license expressions or version ranges of the largest size fit. Of a longer line nothing is
/// read.
inline constexpr size_t kMaxBatchLineBytes = 64 << 10;

/// Lines of a stream, without "\n" or "\r\n"; a last line needs no end. `out` is flushed before the
/// reader waits for input. Both streams must outlive it.
class LineReader {
 public:
  LineReader(std::istream& in, std::ostream& out) : in_(*in.rdbuf()), out_(out) {}

  /// False at the end of the input. `fits` tells whether the line is within kMaxBatchLineBytes;
  /// else it is cut there.
  bool Next(std::string& line, bool& fits);

 private:
  std::streambuf& in_;
  std::ostream& out_;
};

/// Reads lines from the context's input until it ends, and writes `answer(line)` and a line feed
/// for each, in memory that does not grow. A line that the end of input cuts off counts. Answers
/// are written before anything is waited for, so that a program may ask in turn. A line over
/// kMaxBatchLineBytes is answered with `too_long`. ARGUMENT_INVALID with --output json;
/// OUTPUT_FAILED where an answer cannot be written, except to a reader that went away.
absl::StatusOr<Reply> AnswerLines(Context& context, std::string_view too_long,
                                  const std::function<std::string(std::string_view)>& answer);

}  // namespace dml
