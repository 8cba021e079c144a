#include "server/auth/listen_address_file.h"

#include "core/os/file.h"

namespace dml {
namespace {

constexpr char kFileName[] = "listen-address";
constexpr uint64_t kMaxBytes = 128;

}  // namespace

absl::Status WriteListenAddress(const std::filesystem::path& data_dir, std::string_view address) {
  const std::string text = fmt::format("{}\n", address);
  return WriteFileAtomically(data_dir / kFileName, AsBytes(text), 0644);
}

absl::StatusOr<std::string> ReadListenAddress(const std::filesystem::path& data_dir) {
  DML_ASSIGN_OR_RETURN(std::string text, ReadFile(data_dir / kFileName, kMaxBytes));
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace dml
