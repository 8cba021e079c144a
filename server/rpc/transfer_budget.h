// What transfers of content may take at a time: streams, and bytes of memory.
//
// Every stream is admitted before anything is allocated for it, with the most that it can hold
// however slow its peer is. One principal has at most three quarters of either, so that it never
// keeps everybody else out; large transfers together likewise, so that a small one never waits for
// a 50 GB one to end. Owned by the daemon; outlives the services. Thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include "core/base/status.h"

namespace dml {

/// About the size of a message that carries content to a client; stock clients take 4 MiB. Large
/// ones are faster, but every stream holds some, so each of many streams gets small ones.
inline constexpr uint64_t kLargeMessageBytes = 1 << 20;
inline constexpr uint64_t kSmallMessageBytes = 256 << 10;
/// That many streams are few.
inline constexpr int kFewStreams = 8;
/// A transfer of at most this much content is a small one.
inline constexpr uint64_t kSmallTransferBytes = 4 << 20;

/// The place of one transfer; given back on destruction. Must not outlive its TransferBudget.
class TransferSlot {
 public:
  TransferSlot(uint64_t message_bytes, std::function<void()> give_back)
      : message_bytes_(message_bytes), give_back_(std::move(give_back)) {}
  TransferSlot(TransferSlot&& other) noexcept
      : message_bytes_(other.message_bytes_),
        give_back_(std::exchange(other.give_back_, nullptr)) {}
  TransferSlot& operator=(TransferSlot&& other) noexcept {
    std::swap(message_bytes_, other.message_bytes_);
    std::swap(give_back_, other.give_back_);
    return *this;
  }
  ~TransferSlot() {
    if (give_back_) give_back_();
  }

  /// About how much content a message of this transfer may carry.
  uint64_t message_bytes() const { return message_bytes_; }

 private:
  uint64_t message_bytes_;
  std::function<void()> give_back_;
};

struct TransferLimits {
  int streams = 32;
  uint64_t bytes = 512 << 20;
  uint64_t upload_bytes = 16 << 20;  // What one upload can hold in memory.
  uint64_t chunk_bytes = 512 << 10;  // A chunk goes as a whole, in a message of its own if need be.
};

class TransferBudget {
 public:
  explicit TransferBudget(TransferLimits limits) : limits_(limits) {}

  /// For transfers that are admitted from now on; those under way go on.
  void SetLimits(TransferLimits limits);

  // RESOURCE_EXHAUSTED with RetryInfo: TOO_MANY_TRANSFERS, TRANSFER_BYTES_EXHAUSTED.

  /// A stream that sends up to `content_bytes` to `principal`.
  absl::StatusOr<TransferSlot> AdmitDownload(const std::string& principal, uint64_t content_bytes);
  /// A stream that receives content from it, however much that will be.
  absl::StatusOr<TransferSlot> AdmitUpload(const std::string& principal);

  /// What is under way now.
  struct Figures {
    int streams = 0;
    uint64_t bytes = 0;  // Of memory that they may hold.
    TransferLimits limits;
  };
  Figures figures() const;

  /// Memory that a download of so much content in such messages can hold: one in four forms
  /// (frames, message, its wire form, what the transport has of it).
  static uint64_t DownloadMemory(uint64_t content_bytes, uint64_t message_bytes);

 private:
  struct Use {
    int streams = 0;
    uint64_t bytes = 0;
  };
  struct Need {
    uint64_t bytes;
    bool large;
    uint64_t message_bytes;
  };

  absl::StatusOr<TransferSlot> Admit(const std::string& principal, Need need)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Check(const Use& own, Need need) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GiveBack(const std::string& principal, Need need);

  mutable absl::Mutex mutex_;
  TransferLimits limits_ ABSL_GUARDED_BY(mutex_);
  Use all_ ABSL_GUARDED_BY(mutex_);
  Use large_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, Use> of_ ABSL_GUARDED_BY(mutex_);  // By principal.
};

}  // namespace dml
