// Trust documents and signatures for tests.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/crypto/ecdsa_signature.h"
#include "core/trust/root_walk.h"

namespace dml::testing {

inline Timestamp TimeOf(const char* text) { return *ParseTime(text); }

inline const Timestamp kNow = TimeOf("2026-06-01T00:00:00Z");

/// Keys by name, made when they are first asked for: "pat", "pat.2" is a second key of pat, and
/// names that begin with "ci" are machines.
class KeyRing {
 public:
  const PrivateKey& operator[](const std::string& name) {
    auto& key = keys_[name];
    if (key == nullptr) {
      key = std::make_unique<PrivateKey>(PrivateKey::Generate(
          name.ends_with(".p256") || name.ends_with(".p1363") ? KeyAlgorithm::kEcdsaP256
                                                              : KeyAlgorithm::kEd25519));
    }
    return *key;
  }
  TrustKey Trust(const std::string& name) {
    SignatureScheme scheme = SignatureScheme::kEd25519;
    if (name.ends_with(".p256")) scheme = SignatureScheme::kEcdsaP256Der;
    if (name.ends_with(".p1363")) scheme = SignatureScheme::kEcdsaP256P1363;
    return {(*this)[name].public_key(), scheme, name.substr(0, name.find('.')),
            !name.starts_with("ci")};
  }
  std::vector<TrustKey> List(const std::vector<std::string>& names) {
    std::vector<TrustKey> out;
    for (const std::string& name : names) out.push_back(Trust(name));
    std::ranges::sort(out, {}, [](const TrustKey& key) { return key.key.id(); });
    return out;
  }
  RoleKeys Role(uint32_t threshold, const std::vector<std::string>& names) {
    RoleKeys out{threshold, {}};
    for (const TrustKey& key : List(names)) out.key_ids.push_back(key.key.id());
    return out;
  }
  DsseEnvelope Sign(std::string_view type, std::string_view payload,
                    const std::vector<std::string>& names) {
    DsseEnvelope out{std::string(type), std::string(payload), {}};
    const std::string message = PreAuthEncoding(type, payload);
    for (const std::string& name : names) {
      std::string signature = *(*this)[name].Sign(AsBytes(message));
      if (name.ends_with(".p1363")) signature = *EcdsaP1363OfDer(AsBytes(signature));
      out.signatures.push_back({(*this)[name].public_key().id().hex(), std::move(signature)});
    }
    return out;
  }

 private:
  std::map<std::string, std::unique_ptr<PrivateKey>> keys_;
};

inline SubjectPattern Pattern(std::string_view text) {
  absl::StatusOr<SubjectPattern> out = SubjectPattern::Parse(text);
  EXPECT_TRUE(out.ok()) << out.status();
  return *out;
}

/// Root 1: pat and ann hold the root role, two of two; the daemon has the log's key.
inline TrustRoot SmallRoot(KeyRing& ring) {
  TrustRoot root;
  root.origin = "library.example/dml";
  root.expires = TimeOf("2027-01-01T00:00:00Z");
  root.keys = ring.List({"pat", "ann", "ci-log"});
  root.roles[SigningRole::kRoot] = ring.Role(2, {"pat", "ann"});
  root.roles[SigningRole::kLog] = ring.Role(1, {"ci-log"});
  return root;
}

inline std::string SignedRoot(KeyRing& ring, const TrustRoot& root,
                              const std::vector<std::string>& by) {
  absl::StatusOr<std::string> text = FormatTrustRoot(root);
  EXPECT_TRUE(text.ok()) << text.status();
  return FormatEnvelope(ring.Sign(kTrustRootPayloadType, text.value_or(""), by));
}

}  // namespace dml::testing
