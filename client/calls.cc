#include "client/calls.h"

namespace dml {

absl::Status BadAnswer(std::string_view what) {
  return Internal(ErrorReason("SERVER_ANSWER_INVALID"),
                  "the library's answer is not what it should be: {}; update client and server to "
                  "the same version, or ask the library's operator",
                  what);
}

absl::Status CheckBytes(std::string_view what, std::string_view bytes, const BlobRef& ref) {
  if (bytes.size() == ref.size && Sha256(bytes) == ref.digest) return absl::OkStatus();
  return DataLoss(ErrorReason("BLOB_DIGEST_MISMATCH"),
                  "the {} that the library sent is not {}: {} bytes instead of {}, digest {}; ask "
                  "the library's operator to scrub it",
                  what, ref.digest.ToString(), bytes.size(), ref.size, Sha256(bytes).ToString());
}

}  // namespace dml
