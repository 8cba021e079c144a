#pragma once

#include <atomic>
#include <cstdint>

namespace dml {

/// What transfers have done since the start; for operators, and to prove what they did not do.
struct TransferCounters {
  std::atomic<uint64_t> frames_sent = 0;     // As stored.
  std::atomic<uint64_t> chunks_decoded = 0;  // For the client's sake, while sending.
  std::atomic<uint64_t> bytes_sent = 0;      // Of content, as it travels.
  std::atomic<uint64_t> bytes_received = 0;
};

}  // namespace dml
