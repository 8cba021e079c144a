#include "tools/dml/batch.h"

#include <cerrno>
#include <streambuf>

namespace dml {

bool LineReader::Next(std::string& line, bool& fits) {
  using Traits = std::streambuf::traits_type;
  line.clear();
  fits = true;
  bool any = false;
  while (true) {
    if (in_.in_avail() <= 0) out_.flush();
    const Traits::int_type next = in_.sbumpc();
    if (Traits::eq_int_type(next, Traits::eof())) break;
    any = true;
    if (next == '\n') break;
    fits = fits && line.size() < kMaxBatchLineBytes;
    if (fits) line += Traits::to_char_type(next);
  }
  if (fits && line.ends_with('\r')) line.pop_back();
  return any;
}

absl::StatusOr<Reply> AnswerLines(Context& context, std::string_view too_long,
                                  const std::function<std::string(std::string_view)>& answer) {
  if (context.options().json()) {
    return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                           "--batch prints lines, which --output json does not go with");
  }
  Reply reply;
  reply.streamed = true;
  std::ostream& out = context.out();
  LineReader lines(context.in(), out);
  std::string line;
  errno = 0;
  for (bool fits = true; out && lines.Next(line, fits);) {
    out << (fits ? answer(line) : std::string(too_long)) << '\n';
  }
  out.flush();
  if (out || errno == EPIPE) return reply;
  return Internal(ErrorReason("OUTPUT_FAILED"), "cannot write the output; is the disk full?");
}

}  // namespace dml
