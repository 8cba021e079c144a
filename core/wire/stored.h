// Conversions of the parts that entries and records share. Internal to core/wire.
#pragma once

#include <string>

#include <google/protobuf/repeated_field.h>

#include "core/base/time.h"
#include "core/journal/entry.h"
#include "dml/journal/v1/entry.pb.h"

namespace dml::wire {

namespace pb = ::dml::journal::v1;

inline constexpr ErrorReason kEntryInvalid("ENTRY_INVALID");
inline constexpr ErrorReason kRecordInvalid("RECORD_INVALID");
/// Longer times are no times of ours, and would overflow microseconds.
inline constexpr uint64_t kMaxStoredSeconds = uint64_t{1} << 40;

/// A row's message; DATA_LOSS (RECORD_INVALID) where the bytes are none.
template <typename Message>
absl::StatusOr<Message> ParseRow(std::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DataLoss(kRecordInvalid, "a stored row cannot be read: {} bytes are no {}", bytes.size(),
                    message.GetTypeName());
  }
  return message;
}

absl::StatusOr<Digest> DigestFrom(const std::string& raw);
void To(const BlobRef& ref, pb::BlobRef* out);
absl::StatusOr<BlobRef> From(const pb::BlobRef& in);
void To(const Labels& labels, google::protobuf::RepeatedPtrField<pb::Label>* out);
Labels From(const google::protobuf::RepeatedPtrField<pb::Label>& in);
void To(const AttestationRef& ref, pb::AttestationRef* out);
absl::StatusOr<AttestationRef> From(const pb::AttestationRef& in);
/// The three name parts that messages carry as package, version, variant.
absl::StatusOr<VariantName> VariantFrom(const std::string& package, const std::string& version,
                                        const std::string& variant);
template <typename Message>
void To(const VariantName& name, Message* out) {
  out->set_package(name.package.ToString());
  out->set_version(name.version);
  out->set_variant(name.platform.VariantId());
}
void To(const RetentionPolicy& policy, pb::RetentionPolicy* out);
absl::StatusOr<RetentionPolicy> From(const pb::RetentionPolicy& in);

/// By which entry a record was set, when and by whom.
template <typename Record, typename Message>
void SetWhen(const Record& r, Message& m) {
  m.set_index(r.index);
  m.set_time_micros(ToMicros(r.time));
  m.set_author(r.author);
}
template <typename Message, typename Record>
void GetWhen(const Message& m, Record& r) {
  r.index = m.index();
  r.time = FromMicros(m.time_micros());
  r.author = m.author();
}

std::string SerializeDeterministically(const google::protobuf::MessageLite& message);

}  // namespace dml::wire
