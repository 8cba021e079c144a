#include "server/rpc/transfer_budget.h"

#include <algorithm>
#include <chrono>

#include "server/rpc/status_codec.h"

namespace dml {
namespace {

constexpr std::chrono::milliseconds kRetryDelay{1000};
constexpr uint64_t kStreamBytes = 64 << 10;  // Of every stream, whatever it carries.
constexpr uint64_t kForms = 4;

// Three quarters; of few streams, one.
template <typename T>
T Share(T whole) {
  return std::max<T>(1, whole / 4 * 3 + whole % 4 * 3 / 4);
}

}  // namespace

uint64_t TransferBudget::DownloadMemory(uint64_t content_bytes, uint64_t message_bytes) {
  return kStreamBytes + kForms * std::min(content_bytes, message_bytes);
}

void TransferBudget::SetLimits(TransferLimits limits) {
  absl::MutexLock lock(&mutex_);
  limits_ = limits;
}

TransferBudget::Figures TransferBudget::figures() const {
  absl::MutexLock lock(&mutex_);
  return {all_.streams, all_.bytes, limits_};
}

absl::StatusOr<TransferSlot> TransferBudget::AdmitDownload(const std::string& principal,
                                                           uint64_t content_bytes) {
  absl::MutexLock lock(&mutex_);
  const uint64_t message = all_.streams < kFewStreams ? kLargeMessageBytes : kSmallMessageBytes;
  return Admit(principal, {DownloadMemory(content_bytes, std::max(message, limits_.chunk_bytes)),
                           content_bytes > kSmallTransferBytes, message});
}

absl::StatusOr<TransferSlot> TransferBudget::AdmitUpload(const std::string& principal) {
  absl::MutexLock lock(&mutex_);
  return Admit(principal, {limits_.upload_bytes, true, 0});
}

absl::StatusOr<TransferSlot> TransferBudget::Admit(const std::string& principal, Need need) {
  Use& own = of_[principal];
  if (absl::Status refused = Check(own, need); !refused.ok()) {
    if (own.streams == 0) of_.erase(principal);
    return WithRetryAfter(refused, kRetryDelay);
  }
  for (Use* use : {&all_, &own, need.large ? &large_ : nullptr}) {
    if (use == nullptr) continue;
    ++use->streams;
    use->bytes += need.bytes;
  }
  return TransferSlot(need.message_bytes, [this, principal, need] { GiveBack(principal, need); });
}

absl::Status TransferBudget::Check(const Use& own, Need need) const {
  const int share = Share(limits_.streams);
  if (all_.streams >= limits_.streams || own.streams >= share ||
      (need.large && large_.streams >= share)) {
    return ResourceExhausted(
        ErrorReason("TOO_MANY_TRANSFERS"),
        "{} transfers are under way, {} of them yours; at most {} (limits.maxTransfers), and {} of "
        "one principal or of more than 4 MiB; try again shortly",
        all_.streams, own.streams, limits_.streams, share);
  }
  const uint64_t bytes = Share(limits_.bytes);
  if (all_.bytes + need.bytes > limits_.bytes || own.bytes + need.bytes > bytes ||
      (need.large && large_.bytes + need.bytes > bytes)) {
    return ResourceExhausted(
        ErrorReason("TRANSFER_BYTES_EXHAUSTED"),
        "transfers under way may hold {} bytes of memory, {} of them yours, and this one {}; at "
        "most {} (limits.transferBytes), and {} of one principal or of more than 4 MiB; try again "
        "shortly",
        all_.bytes, own.bytes, need.bytes, limits_.bytes, bytes);
  }
  return absl::OkStatus();
}

void TransferBudget::GiveBack(const std::string& principal, Need need) {
  absl::MutexLock lock(&mutex_);
  auto own = of_.find(principal);
  for (Use* use : {&all_, &own->second, need.large ? &large_ : nullptr}) {
    if (use == nullptr) continue;
    --use->streams;
    use->bytes -= need.bytes;
  }
  if (own->second.streams == 0) of_.erase(own);
}

}  // namespace dml
