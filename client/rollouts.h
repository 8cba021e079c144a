// dml::RolloutClient: rollouts of a library, by its Client.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/releases.h"
#include "core/journal/rollout_records.h"

namespace dml {

struct RolloutDetails {
  ReleaseName release;
  RolloutRecord record;  // Without the list of its nodes.
};

/// A node, and what it is to run: the release, or what was there before.
struct RolloutNodeDetails {
  RolloutNodeRecord record;
  bool wanted = false;
};

/// Thread-safe, as its Client is.
class RolloutClient {
 public:
  /// `client` must outlive it.
  explicit RolloutClient(Client& client) : client_(client) {}

  absl::StatusOr<Committed<RolloutDetails>> Start(const ReleaseName& release,
                                                  const std::string& environment,
                                                  const std::string& permit,
                                                  const RolloutPlan& plan,
                                                  const MutationOptions& options = {});
  /// `node`: a resource name. `report`: a DSSE envelope, or "".
  absl::StatusOr<Committed<RolloutDetails>> Report(const ReleaseName& release,
                                                   const std::string& environment,
                                                   const std::string& node, NodeStage stage,
                                                   const std::string& reason = "",
                                                   const std::string& report = "",
                                                   const MutationOptions& options = {});
  /// A node, by asking whether it may report a stage; nothing is entered. The errors of Report: it
  /// may not.
  absl::StatusOr<RolloutNodeDetails> AskNode(const ReleaseName& release,
                                             const std::string& environment,
                                             const std::string& node, NodeStage stage);
  /// Any action but kTick. The reason is for kAbort and kBackOut.
  absl::StatusOr<Committed<RolloutDetails>> Steer(const ReleaseName& release,
                                                  const std::string& environment,
                                                  RolloutAction action, const std::string& reason,
                                                  const std::string& etag,
                                                  const MutationOptions& options = {});
  absl::StatusOr<RolloutDetails> Get(const ReleaseName& release, const std::string& environment);
  /// Of exactly this environment; "": of all that the caller sees.
  absl::StatusOr<ListPage<RolloutDetails>> List(const std::string& environment,
                                                const ListOptions& options);
  absl::StatusOr<ListPage<RolloutNodeDetails>> Nodes(const ReleaseName& release,
                                                     const std::string& environment,
                                                     const ListOptions& options);
  /// Hands it over as it is and after each change, until it is deployed or backed out, or `visit`
  /// answers false. A stream that breaks is opened anew. Blocks.
  absl::Status Watch(const ReleaseName& release, const std::string& environment,
                     const std::function<bool(const RolloutDetails&)>& visit);

 private:
  Client& client_;
};

}  // namespace dml
