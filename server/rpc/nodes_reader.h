// Reads nodes and what runs on them, as questions about environments give them, in one snapshot.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/compat/environment_check.h"
#include "core/compat/nodes_document.h"
#include "core/wire/api_compatibility.h"
#include "server/rpc/environment_questions.h"
#include "storage/library/publication_signers.h"
#include "storage/library/variant_specs.h"

namespace dml {

using Names = google::protobuf::RepeatedPtrField<std::string>;
using Specs = std::vector<const PackageSpec*>;

/// INVALID_ARGUMENT (REQUEST_TOO_LARGE).
absl::Status TooLarge(std::string_view what, size_t count, size_t most, std::string_view field);

/// Nodes of a request as they are compared: `specs` have one order.
struct Nodes {
  std::string name;
  Platform platform;
  size_t count = 1;
  Specs runs;
};

/// Reads what a question names, in one snapshot.
class NodesReader {
 public:
  static absl::StatusOr<std::unique_ptr<NodesReader>> Begin(const Question& question);

  uint64_t index() const { return index_; }
  const Snapshot& state() const { return *snapshot_; }
  const TrustDomain* trust() const { return trust_.get(); }
  /// Of checks over what was read; ended by whoever asked no longer waiting.
  SolveBudget& budget() { return budget_; }

  absl::StatusOr<Specs> ReadSpecs(const Names& names, const std::string& field);
  /// One of a variant that the caller may see.
  absl::StatusOr<const PackageSpec*> ReadSpec(const VariantName& name);
  absl::StatusOr<Nodes> ReadNode(const v1::NodeState& in, const std::string& field);

  template <typename List>
  absl::StatusOr<std::vector<Nodes>> ReadNodes(const List& list) {
    if (static_cast<size_t>(list.size()) > kMaxNodeEntries) {
      return TooLarge("nodes", list.size(), kMaxNodeEntries, "nodes");
    }
    if (list.empty()) {
      return AtField(InvalidArgument(ErrorReason("NODES_REQUIRED"),
                                     "say which nodes there are and what they run"),
                     "nodes");
    }
    std::vector<Nodes> out;
    for (int i = 0; i < list.size(); ++i) {
      DML_ASSIGN_OR_RETURN(Nodes nodes, ReadNode(list[i], fmt::format("nodes[{}]", i)));
      out.push_back(std::move(nodes));
    }
    return out;
  }

  bool HasNode(const std::string& name) const { return names_.contains(name); }

  /// Violations as they go into an answer, with those who vouch for what declares them.
  template <typename Repeated>
  absl::Status Fill(std::span<const EnvironmentViolation> violations, Repeated* out) {
    for (const EnvironmentViolation& item : violations) {
      DML_RETURN_IF_ERROR(FillOne(item, *out->Add()));
    }
    return absl::OkStatus();
  }

 private:
  NodesReader(const Question& question, SolveSlots::Slot slot);

  absl::Status FillOne(const EnvironmentViolation& item, v1::EnvironmentFinding& out);

  const Caller& caller_;
  SolveBudget budget_;
  const SolveSlots::Slot slot_;
  const std::unique_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const TrustDomain> trust_;
  std::optional<AdvisoryReader> advisories_;
  std::optional<VariantSpecs> specs_;
  std::optional<PublicationReader> publications_;
  uint64_t index_ = 0;
  size_t named_ = 0;
  std::set<std::string> names_;
};

}  // namespace dml
