#include "core/rules/retention.h"

namespace dml {
namespace {

absl::Status Invalid(std::string_view field, std::string_view what) {
  return AtField(InvalidArgument(ErrorReason("RETENTION_INVALID"), "{}", what), field);
}

absl::Status CheckTime(std::chrono::seconds time, std::string_view field) {
  if (time >= std::chrono::seconds(0) && time <= kMaxRetentionTime) return absl::OkStatus();
  return Invalid(field, fmt::format("{} is {} seconds; at most {} (100 years)", field, time.count(),
                                    kMaxRetentionTime.count()));
}

RetentionVerdict JudgeWithdrawn(const RetentionPolicy& policy, const VariantRecord& variant,
                                Timestamp now) {
  if (!policy.collect_withdrawn) return {true, "retention keeps what was withdrawn"};
  const std::string when = FormatTime(variant.withdrawn_time);
  const std::string grace = FormatRetentionTime(policy.withdrawn_grace);
  if (now < variant.withdrawn_time + policy.withdrawn_grace) {
    return {true, fmt::format("withdrawn {}, kept for {} after that", when, grace)};
  }
  return {false, fmt::format("withdrawn {}, and {} have passed", when, grace)};
}

}  // namespace

absl::Status ValidateRetention(const RetentionPolicy& policy) {
  DML_RETURN_IF_ERROR(CheckTime(policy.keep_age, "keep_age"));
  DML_RETURN_IF_ERROR(CheckTime(policy.withdrawn_grace, "withdrawn_grace"));
  if (policy.keep_versions > kMaxKeepVersions) {
    return Invalid("keep_versions", fmt::format("keep_versions is {}; at most {}",
                                                policy.keep_versions, kMaxKeepVersions));
  }
  const bool matches = policy.keep_versions > 0 || policy.keep_age.count() > 0;
  switch (policy.keep) {
    case RetentionKeep::kMatching:
      if (matches) break;
      return Invalid("keep",
                     "say which versions are kept: the highest ones by number, or those published "
                     "within a time; to keep only what is held, say that");
    case RetentionKeep::kEverything:
    case RetentionKeep::kOnlyHeld:
      if (!matches) break;
      return Invalid("keep", "keep_versions and keep_age go with keeping what matches only");
    default:
      return Invalid("keep", "say what is kept: everything, what matches, or only what is held");
  }
  if (!policy.collect_withdrawn && policy.withdrawn_grace.count() > 0) {
    return Invalid("withdrawn_grace", "withdrawn_grace goes with collect_withdrawn only");
  }
  return absl::OkStatus();
}

RetentionVerdict JudgeRetention(const RetentionPolicy& policy, const VariantRecord& variant,
                                bool among_highest, Timestamp now) {
  if (variant.hold_count > 0) return {true, fmt::format("{} hold(s) keep it", variant.hold_count)};
  if (variant.state == VariantState::kQuarantined) return {true, "it is in quarantine"};
  if (variant.state != VariantState::kPublished) return JudgeWithdrawn(policy, variant, now);
  if (policy.keep == RetentionKeep::kOnlyHeld) return {false, "retention keeps only what is held"};
  // Whatever else is not known keeps, too.
  if (policy.keep != RetentionKeep::kMatching) return {true, "retention keeps everything"};
  if (policy.keep_versions > 0 && among_highest) {
    return {true, fmt::format("among the {} highest live versions", policy.keep_versions)};
  }
  const std::string published = FormatTime(variant.published_time);
  const std::string age = FormatRetentionTime(policy.keep_age);
  if (policy.keep_age.count() > 0 && now < variant.published_time + policy.keep_age) {
    return {true, fmt::format("published {}, kept for {}", published, age)};
  }
  std::string reason;
  if (policy.keep_versions > 0) {
    reason = fmt::format("not among the {} highest live versions", policy.keep_versions);
  }
  if (policy.keep_age.count() > 0) {
    reason += fmt::format("{}published {}, and {} have passed", reason.empty() ? "" : "; ",
                          published, age);
  }
  return {false, std::move(reason)};
}

std::string FormatRetentionTime(std::chrono::seconds time) {
  constexpr std::chrono::seconds kDay = std::chrono::days(1);
  constexpr std::chrono::seconds kHour = std::chrono::hours(1);
  if (time.count() > 0 && time % kDay == std::chrono::seconds(0)) {
    return fmt::format("{} days", time / kDay);
  }
  if (time.count() > 0 && time % kHour == std::chrono::seconds(0)) {
    return fmt::format("{} hours", time / kHour);
  }
  return fmt::format("{} seconds", time.count());
}

}  // namespace dml
