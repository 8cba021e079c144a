// Rules of media and documents: who has which copies of them.
#include "core/base/blank_text.h"
#include "core/journal/media_copies.h"
#include "core/rules/decider.h"

namespace dml {
namespace {

constexpr size_t kMaxText = 1024;
constexpr uint32_t kMaxCopies = 1'000'000;

absl::Status CheckCopies(uint32_t copies, uint32_t most) {
  if (copies >= 1 && copies <= most) return absl::OkStatus();
  return AtField(
      InvalidArgument(ErrorReason("COPIES_INVALID"), "{} copies; 1 to {} can be", copies, most),
      "copies");
}

absl::Status CheckRequired(std::string_view text, std::string_view field) {
  if (!IsOnlySpace(text)) return CheckText(text, kMaxText, field);
  return AtField(InvalidArgument(ErrorReason("TEXT_REQUIRED"), "say the {}", field), field);
}

}  // namespace

absl::Status Decider::operator()(const MediaRegistered& p) const {
  absl::StatusOr<PackageName> name = PackageName::Parse(p.name);
  if (!name.ok()) return AtField(name.status(), "name");
  DML_RETURN_IF_ERROR(AtField(CheckNamespaceExists(name->ns), "name"));
  DML_RETURN_IF_ERROR(CheckRequired(p.title, "title"));
  DML_RETURN_IF_ERROR(CheckRequired(p.location, "location"));
  DML_RETURN_IF_ERROR(CheckRequired(p.custodian, "custodian"));
  DML_RETURN_IF_ERROR(CheckCopies(p.copies, kMaxCopies));
  DML_RETURN_IF_ERROR(CheckLabels(p.labels));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindMedia(p.name));
  if (!found.has_value()) return absl::OkStatus();
  return AlreadyExists(ErrorReason("MEDIA_EXISTS"), "{} was registered at entry {}", p.name,
                       found->index);
}

absl::Status Decider::operator()(const CustodyRecorded& p) const {
  DML_RETURN_IF_ERROR(CheckRequired(p.custodian, "custodian"));
  DML_RETURN_IF_ERROR(CheckText(p.location, kMaxText, "location"));
  DML_RETURN_IF_ERROR(CheckText(p.note, kMaxText, "note"));
  DML_ASSIGN_OR_RETURN(auto found, state_.FindMedia(p.name));
  if (!found.has_value()) {
    return NotFound(ErrorReason("MEDIA_NOT_FOUND"), "no medium or document {}", p.name);
  }
  DML_RETURN_IF_ERROR(CheckCopies(p.copies, kMaxCopies));
  DML_ASSIGN_OR_RETURN(std::vector<CopyRange> copies, CopiesMeant(*found, p));
  return HeldAfter(found->held, p, copies, 0).status();
}

}  // namespace dml
