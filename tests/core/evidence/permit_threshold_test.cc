// Random signers against a count by hand.
#include <random>

#include "tests/core/evidence/permit_scene.h"

namespace dml {
namespace {

using testing::PermitScene;

constexpr int kRounds = 120;

struct Draw {
  std::vector<std::string> keys;     // "p1", "p1.2", ...: of the role approver.
  std::vector<std::string> signers;  // Some of them, and strangers; perhaps twice.
  std::vector<std::string> publishers;
  uint32_t role_threshold = 1;
  uint32_t approvers = 1;
  bool separate = false;
};

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint32_t Below(uint32_t n) { return std::uniform_int_distribution<uint32_t>(0, n - 1)(engine_); }
  bool Coin() { return Below(2) == 1; }

 private:
  std::mt19937 engine_;
};

Draw MakeDraw(Random& random) {
  Draw out;
  const uint32_t persons = 1 + random.Below(5);
  for (uint32_t i = 0; i < persons; ++i) {
    const std::string name = fmt::format("p{}", i);
    out.keys.push_back(name);
    if (random.Coin()) out.keys.push_back(name + ".2");
  }
  for (const std::string& key : out.keys) {
    for (uint32_t times = random.Below(3); times > 0; --times) out.signers.push_back(key);
  }
  if (random.Coin()) out.signers.push_back("eve");
  // A person who publishes holds keys of both roles, perhaps the same.
  out.publishers = {random.Coin() ? "ann" : out.keys[random.Below(out.keys.size())]};
  out.role_threshold = 1 + random.Below(persons);
  out.approvers = 1 + random.Below(4);
  out.separate = random.Coin();
  return out;
}

std::string HolderOf(const std::string& key) { return key.substr(0, key.find('.')); }

bool IsEnough(const Draw& draw) {
  std::set<std::string> persons;
  for (const std::string& signer : draw.signers) {
    if (signer != "eve") persons.insert(HolderOf(signer));
  }
  if (draw.separate) persons.erase(HolderOf(draw.publishers[0]));
  return persons.size() >= draw.approvers && persons.size() >= draw.role_threshold;
}

std::vector<std::string> Approvals(PermitScene& scene, const std::string& release, Random& random,
                                   std::vector<std::string> signers) {
  std::vector<std::string> out;
  while (!signers.empty()) {  // Some sign one envelope, some their own.
    const size_t count = 1 + random.Below(std::min<size_t>(signers.size(), 15));
    const std::vector<std::string> by(signers.end() - static_cast<ptrdiff_t>(count), signers.end());
    signers.resize(signers.size() - count);
    std::string envelope = scene.Approve(release, by);
    if (std::ranges::find(out, envelope) == out.end()) out.push_back(std::move(envelope));
  }
  return out;
}

// attack 4
TEST(PermitThresholdTest, AreMetByAsManyPersonsAsTheySay) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  int accepted = 0;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    const Draw draw = MakeDraw(random);
    PermitScene scene;
    scene.Know(scene.root, draw.keys);
    scene.root.delegations[0].keys = scene.Role(1, draw.publishers);
    scene.root.delegations[2].keys = scene.Role(draw.role_threshold, draw.keys);
    scene.publishers["acme"] = draw.publishers;
    scene.policy.approvers = draw.approvers;
    scene.policy.separate_publishers = draw.separate;
    PermitBundle bundle = scene.Honest();
    bundle.approvals = Approvals(scene, bundle.release, random, draw.signers);
    scene.Seal(bundle);
    const PermitVerdict verdict = scene.Verify(bundle);
    EXPECT_EQ(verdict.status.ok(), IsEnough(draw)) << verdict.status;
    if (verdict.status.ok()) {
      ++accepted;
      continue;
    }
    const std::string reason = Reason(verdict.status);
    EXPECT_TRUE(reason == "THRESHOLD_NOT_MET" || reason == "SEPARATION_OF_DUTIES") << reason;
  }
  EXPECT_GT(accepted, 0) << "seed " << seed;
  EXPECT_LT(accepted, kRounds) << "seed " << seed;
}

// Ed25519 signatures do not change with the order of signers; and none is needed more than once.
TEST(PermitThresholdTest, EachOfExactlyEnoughIsNeeded) {
  PermitScene scene;
  const std::vector<std::string> all = {"amy", "abe", "pat"};
  scene.policy.approvers = 3;
  for (size_t without = 0; without <= all.size(); ++without) {
    PermitBundle bundle = scene.Honest();
    bundle.approvals.clear();
    for (size_t i = 0; i < all.size(); ++i) {
      if (i != without) bundle.approvals.push_back(scene.Approve(bundle.release, {all[i]}));
    }
    scene.Seal(bundle);
    EXPECT_EQ(testing::ReasonOf(scene.Verify(bundle)),
              without == all.size() ? "" : "THRESHOLD_NOT_MET");
  }
}

}  // namespace
}  // namespace dml
