// The rule of references.
#include <algorithm>
#include <map>

#include "core/package/references.h"
#include "core/rules/decider.h"
#include "core/trust/statement.h"

namespace dml {
namespace {

constexpr ErrorReason kInvalid("REFERENCES_INVALID");

absl::Status CheckShape(const ReferencesPublished& p) {
  if (p.references.empty() || p.references.size() > kMaxReferenceBatch) {
    return InvalidArgument(kInvalid, "{} references; a batch has 1 to {}", p.references.size(),
                           kMaxReferenceBatch);
  }
  const auto unordered = std::ranges::adjacent_find(p.references, std::ranges::greater_equal(),
                                                    &PublishedReference::variant);
  if (unordered != p.references.end()) {
    return InvalidArgument(kInvalid, "{} is named twice, or out of order",
                           unordered->variant.ResourceName());
  }
  for (const PublishedReference& reference : p.references) {
    if (reference.variant.package.ns == p.ns) continue;
    return InvalidArgument(kInvalid, "{} is not in namespace {}", reference.variant.ResourceName(),
                           p.ns);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Decider::operator()(const ReferencesPublished& p) const {
  DML_RETURN_IF_ERROR(CheckShape(p));
  DML_RETURN_IF_ERROR(CheckNamespaceExists(p.ns));
  std::map<std::string, std::string> texts;  // Of versions of one package, by their keys.
  const PackageName* package = nullptr;
  for (const PublishedReference& reference : p.references) {
    VersionPublished one;
    one.variant = reference.variant;
    one.scheme = p.scheme;
    one.manifest = reference.manifest();
    one.spec = reference.spec;
    one.attestations = {
        {p.envelope, std::string(kPublicationPredicate), one.manifest.digest, p.key_ids}};
    const bool is_another = package == nullptr || *package != one.variant.package;
    if (is_another) {
      texts.clear();
      package = &reference.variant.package;
      // Whoever may publish a package may publish all its versions.
      DML_RETURN_IF_ERROR(CheckSignedByPublisher(one));
      DML_RETURN_IF_ERROR(CheckSchemeIsFixed(one));
    }
    DML_RETURN_IF_ERROR(CheckVersionIsFree(one));
    DML_ASSIGN_OR_RETURN(const Version version, Version::Parse(p.scheme, one.variant.version));
    const auto [known, is_new] = texts.emplace(version.key(), version.text());
    if (is_new || known->second == version.text()) continue;
    return AlreadyExists(ErrorReason("VERSION_EQUAL_EXISTS"),
                         "versions {} and {} of {} have the same precedence; only one can be",
                         known->second, version.text(), package->ToString());
  }
  return absl::OkStatus();
}

}  // namespace dml
