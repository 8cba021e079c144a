#include "core/journal/entry.h"

namespace dml {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

std::string_view EntryKind(const EntryPayload& payload) {
  return std::visit(Overloaded{
                        [](const LibraryCreated&) { return "library_created"; },
                        [](const NamespaceCreated&) { return "namespace_created"; },
                        [](const KeyRegistered&) { return "key_registered"; },
                        [](const KeyRevoked&) { return "key_revoked"; },
                        [](const VersionPublished&) { return "version_published"; },
                        [](const AttestationAttached&) { return "attestation_attached"; },
                        [](const VersionWithdrawn&) { return "version_withdrawn"; },
                        [](const PayloadCollected&) { return "payload_collected"; },
                        [](const EnvironmentCreated&) { return "environment_created"; },
                        [](const NodeCreated&) { return "node_created"; },
                        [](const PolicySet&) { return "policy_set"; },
                        [](const NamespaceRetentionSet&) { return "namespace_retention_set"; },
                    },
                    payload);
}

std::string EntrySummary(const EntryPayload& payload) {
  return std::visit(
      Overloaded{
          [](const LibraryCreated& p) { return fmt::format("create library {}", p.origin); },
          [](const NamespaceCreated& p) { return fmt::format("create namespace {}", p.name); },
          [](const KeyRegistered& p) {
            return fmt::format("register key of {} as {}", p.owner, fmt::join(p.roles, ", "));
          },
          [](const KeyRevoked& p) {
            return fmt::format("revoke key {}: {}", p.key_id.hex().substr(0, 16), p.reason);
          },
          [](const VersionPublished& p) {
            return fmt::format("publish {}", p.variant.ResourceName());
          },
          [](const AttestationAttached& p) {
            return fmt::format("attach {} to {}", p.attestation.predicate_type,
                               p.variant.ResourceName());
          },
          [](const VersionWithdrawn& p) {
            return fmt::format("withdraw {}: {}", p.variant.ResourceName(), p.reason);
          },
          [](const PayloadCollected& p) {
            return fmt::format("collect the payload of {} variant(s)", p.variants.size());
          },
          [](const EnvironmentCreated& p) { return fmt::format("create environment {}", p.name); },
          [](const NodeCreated& p) {
            return fmt::format("create node {} in {}", p.name, p.environment);
          },
          [](const PolicySet& p) {
            return fmt::format("set policy of {} to {}", p.environment,
                               p.document.digest.ToString());
          },
          [](const NamespaceRetentionSet& p) {
            return fmt::format("set retention of namespace {}", p.name);
          },
      },
      payload);
}

std::vector<BlobRef> MetadataBlobs(const EntryPayload& payload) {
  std::vector<BlobRef> out;
  if (const auto* published = std::get_if<VersionPublished>(&payload)) {
    out = {published->manifest, published->spec};
    for (const AttestationRef& ref : published->attestations) out.push_back(ref.envelope);
  } else if (const auto* attached = std::get_if<AttestationAttached>(&payload)) {
    out.push_back(attached->attestation.envelope);
  } else if (const auto* collected = std::get_if<PayloadCollected>(&payload)) {
    out.push_back(collected->digest_list);
  } else if (const auto* policy = std::get_if<PolicySet>(&payload)) {
    out.push_back(policy->document);
  }
  return out;
}

}  // namespace dml
