#include "core/trust/cosignature.h"

#include <map>
#include <set>
#include <utility>

#include <fmt/ranges.h>

#include "core/base/text.h"

namespace dml {
namespace {

constexpr size_t kTimeBytes = 8;
constexpr uint64_t kMaxSeconds = 253'402'300'799;  // 9999-12-31T23:59:59Z.
constexpr ErrorReason kInvalid("COSIGNATURE_INVALID");

std::string SignedText(uint64_t seconds, std::string_view text) {
  return fmt::format("cosignature/v1\ntime {}\n{}", seconds, text);
}

std::string WriteSeconds(uint64_t seconds) {
  std::string out(kTimeBytes, '\0');
  for (size_t i = kTimeBytes; i-- > 0; seconds >>= 8) out[i] = static_cast<char>(seconds);
  return out;
}

uint64_t ReadSeconds(std::string_view bytes) {
  uint64_t out = 0;
  for (size_t i = 0; i < kTimeBytes; ++i) out = out << 8 | static_cast<uint8_t>(bytes[i]);
  return out;
}

absl::StatusOr<Cosignature> Open(const NoteSignature& line, const Witness& witness,
                                 std::string_view text) {
  const std::string_view bytes = line.signature;
  const uint64_t seconds = bytes.size() > kTimeBytes ? ReadSeconds(bytes) : kMaxSeconds + 1;
  if (seconds > kMaxSeconds ||
      !witness.key.Verify(AsBytes(SignedText(seconds, text)), AsBytes(bytes.substr(kTimeBytes)))
           .ok()) {
    return PermissionDenied(kInvalid,
                            "the cosignature of witness '{}' is not one over this checkpoint; do "
                            "not rely on it, and ask whoever sent it",
                            Excerpt(witness.name));
  }
  return Cosignature{witness.name, witness.holder,
                     Timestamp(std::chrono::seconds(static_cast<int64_t>(seconds)))};
}

}  // namespace

std::string Since(Timestamp not_before) {
  return not_before <= Timestamp() ? "" : " since " + FormatTime(not_before);
}

std::optional<Timestamp> CosignatureTime(const NoteSignature& line) {
  constexpr size_t kEd25519Bytes = 64;
  if (line.signature.size() != kTimeBytes + kEd25519Bytes) return std::nullopt;
  const uint64_t seconds = ReadSeconds(line.signature);
  if (seconds > kMaxSeconds) return std::nullopt;
  return Timestamp(std::chrono::seconds(static_cast<int64_t>(seconds)));
}

absl::StatusOr<NoteSignature> CosignNote(std::string_view text, std::string_view name,
                                         const Signer& key, Timestamp time) {
  if (key.public_key().algorithm() != KeyAlgorithm::kEd25519) {
    return InvalidArgument(
        ErrorReason("KEY_UNSUPPORTED"), "a witness cosigns with an Ed25519 key, and {} is {}",
        key.public_key().id().hex(), KeyAlgorithmName(key.public_key().algorithm()));
  }
  DML_RETURN_IF_ERROR(ValidateNoteKeyName(name));
  const int64_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  if (seconds < 0 || static_cast<uint64_t>(seconds) > kMaxSeconds) {
    return InvalidArgument(kInvalid, "a cosignature's time is in the years 1970 to 9999");
  }
  const auto number = static_cast<uint64_t>(seconds);
  DML_ASSIGN_OR_RETURN(std::string signature, key.Sign(AsBytes(SignedText(number, text))));
  return NoteSignature{std::string(name),
                       NoteKeyId(name, key.public_key(), NoteKeyType::kCosignature),
                       WriteSeconds(number) + signature};
}

absl::StatusOr<std::vector<Cosignature>> ReadCosignatures(const Note& note,
                                                          std::span<const Witness> witnesses) {
  std::map<std::string, Cosignature> latest;
  for (const Witness& witness : witnesses) {
    const uint32_t key_id = NoteKeyId(witness.name, witness.key, NoteKeyType::kCosignature);
    for (const NoteSignature& line : note.signatures) {
      if (line.name != witness.name || line.key_id != key_id) continue;
      DML_ASSIGN_OR_RETURN(Cosignature found, Open(line, witness, note.text));
      auto [it, is_new] = latest.emplace(witness.name, found);
      if (!is_new && it->second.time < found.time) it->second = std::move(found);
    }
  }
  std::vector<Cosignature> out;
  for (auto& [name, cosignature] : latest) out.push_back(std::move(cosignature));
  return out;
}

absl::Status RequireWitnesses(const Note& note, std::span<const Witness> witnesses,
                              uint32_t threshold, Timestamp not_before, Timestamp not_after) {
  DML_ASSIGN_OR_RETURN(std::vector<Cosignature> found, ReadCosignatures(note, witnesses));
  std::set<std::string> holders;
  for (const Cosignature& cosignature : found) {
    if (cosignature.time < not_before || cosignature.time > not_after) continue;
    holders.insert(cosignature.holder);
  }
  if (holders.size() >= threshold) return absl::OkStatus();
  return PermissionDenied(ErrorReason("WITNESSES_MISSING"),
                          "{} of {} different witnesses have cosigned the checkpoint{}: {}; wait "
                          "for more, or ask the library's operator",
                          holders.size(), threshold, Since(not_before),
                          holders.empty() ? "nobody" : fmt::format("{}", fmt::join(holders, ", ")));
}

}  // namespace dml
