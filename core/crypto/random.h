// Random bytes from OpenSSL's generator, which the operating system seeds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace dml {

/// Fills `out` with bytes fit for keys and tokens. Aborts where the generator fails: nothing secret
/// can be made safely then. Any thread.
void FillRandom(std::span<uint8_t> out);

/// `byte_count` random bytes as 2 * byte_count lower-case hex digits.
std::string RandomHex(size_t byte_count);

/// A request id that makes a mutation idempotent: a version 4 UUID (RFC 9562 section 5.4).
std::string NewRequestId();

}  // namespace dml
