// Rows of the tables of attackers: which keys somebody has, what they try, and why it fails.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/core/evidence/permit_scene.h"
#include "tests/core/trust/test_keys.h"

namespace dml::testing {

using Keys = std::vector<std::string>;
inline const Keys kNone;
inline const Keys kDaemon = {"ci-log", "ci-permit"};
/// Whoever has all of these can do what the signers can do together, except name new ones.
inline const Keys kAllButRoot = {"ci-log", "ci-permit", "rita", "paul",  "ann", "carl",
                                 "amy",    "abe",       "pat",  "pat.2", "wim"};

inline Keys DaemonAnd(const Keys& names) {
  Keys out = kDaemon;
  out.insert(out.end(), names.begin(), names.end());
  return out;
}

/// Each attacker starts from an honest bundle, which anybody may have, and signs with the keys that
/// were stolen and with keys of strangers.
struct Attack {
  std::string what;
  Keys keys;
  std::function<void(PermitScene&, PermitBundle&)> make;
  std::string reason;
  std::function<void(PermitScene&)> before = [](PermitScene&) {};  // Honestly.
};

inline void ExpectRefused(const std::vector<Attack>& attacks) {
  for (const Attack& attack : attacks) {
    SCOPED_TRACE(attack.what);
    PermitScene scene;
    attack.before(scene);
    PermitBundle bundle = scene.Honest();
    ASSERT_EQ(ReasonOf(scene.Verify(bundle)), "") << scene.Verify(bundle).status;
    scene.Steal(attack.keys);
    attack.make(scene, bundle);
    const PermitMemory before = scene.memory;
    const PermitVerdict verdict = scene.Verify(bundle);
    EXPECT_EQ(ReasonOf(verdict), attack.reason) << verdict.status;
    ExpectRefusal(verdict.status);
    EXPECT_EQ(verdict.next, before) << "what is refused teaches nothing";
    ASSERT_FALSE(verdict.steps.empty());
    EXPECT_FALSE(verdict.steps.back().passed);
  }
}

/// Another release that was as honestly permitted.
inline PermitBundle OtherBundle(PermitScene& scene) {
  PermitScene other;
  other.release.version = "3.0.0";
  other.permit.resource = ReleaseUri(other.root.origin, "payments", "3.0.0");
  other.release.items[0].manifest.digest = Sha256("another manifest");
  other.permit.id = "00000000-0000-4000-8000-000000000000";
  other.policy_document += "# another\n";
  EXPECT_EQ(other.root, scene.root) << "another library's proves nothing here";
  return other.Honest();
}

inline std::string Edited(const std::string& envelope,
                          const std::function<void(DsseEnvelope&)>& edit) {
  DsseEnvelope parsed = *ParseEnvelope(envelope);
  edit(parsed);
  return FormatEnvelope(parsed);
}

}  // namespace dml::testing
