// Who vouches for the publication of variants, by the trust that a state has.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/gate/evaluate.h"
#include "core/trust/authority.h"
#include "storage/engine/engine.h"

namespace dml {

struct PublicationSigners {
  /// By keys that may publish the package now, in the order of their ids.
  std::vector<PublisherSignature> signatures;
  /// Keys whose signatures would be among these, had they not been revoked.
  std::vector<Digest> revoked_keys;
  /// Why these are not enough for who may publish the package; "" where they are.
  std::string trust_fault;
};

/// Reads signers from one state; remembers who may publish which package. One thread at a time.
class PublicationReader {
 public:
  /// Both must outlive it; `trust` null: nobody's signature counts.
  PublicationReader(const Reader& state, const TrustDomain* trust) : state_(state), trust_(trust) {}

  /// Of a variant that is there; for any other both are empty.
  absl::StatusOr<PublicationSigners> SignersOf(const VariantName& name);

 private:
  using HolderById = std::map<Digest, std::string>;
  const HolderById& PublishersOf(const PackageName& package);

  const Reader& state_;
  const TrustDomain* const trust_;
  PackageName last_package_;
  HolderById last_;  // Of last_package_.
};

}  // namespace dml
