#include "core/evidence/permit_memory.h"

#include <nlohmann/json.hpp>

#include "tests/core/evidence/permit_scene.h"

namespace dml {
namespace {

using testing::PermitScene;

PermitMemory Full() {
  PermitScene scene;
  scene.memory.revoked_keys = {Sha256("a key"), Sha256("another")};
  PermitMemory out = scene.Verify(scene.Honest()).next;
  out.policies["production/us"] = {3, Sha256("statement")};
  out.used["0f8fad5b-d9cb-469f-a165-708677289511"] = testing::TimeOf("2026-06-09T00:00:00Z");
  out.revocations = RememberedRevocations{4, testing::TimeOf("2026-06-01T11:00:00Z")};
  return out;
}

TEST(PermitMemoryTest, ComesBackAsItWas) {
  PermitMemory first;
  first.environment = "production/eu";
  PermitMemory large = Full();
  large.checkpoint->checkpoint.size = ~0ULL;
  // The digest is of signed bytes that another program wrote.
  large.root->digest = Sha256("other bytes");
  for (const PermitMemory& memory : {first, Full(), large}) {
    const absl::StatusOr<std::string> text = FormatPermitMemory(memory);
    ASSERT_TRUE(text.ok()) << text.status();
    const absl::StatusOr<PermitMemory> read = ParsePermitMemory(*text);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, memory);
    EXPECT_EQ(*FormatPermitMemory(*read), *text);
  }
}

TEST(PermitMemoryTest, ServesTheNextVerification) {
  PermitScene scene;
  const PermitBundle bundle = scene.Honest();
  scene.memory = *ParsePermitMemory(*FormatPermitMemory(scene.Verify(bundle).next));
  EXPECT_EQ(testing::ReasonOf(scene.Verify(bundle)), "");
  EXPECT_EQ(scene.Verify(bundle).next, scene.memory);
}

// attack 6: what cannot be read is never taken for a verifier that has seen nothing.
TEST(PermitMemoryTest, IsReadStrictly) {
  const nlohmann::json good = nlohmann::json::parse(*FormatPermitMemory(Full()));
  for (const auto& [name, value] : good.items()) {
    for (const nlohmann::json& other : {nlohmann::json(nullptr), nlohmann::json(7)}) {
      nlohmann::json changed = good;
      changed[name] = other;
      EXPECT_EQ(Reason(ParsePermitMemory(changed.dump()).status()), "PERMIT_MEMORY_INVALID")
          << name;
    }
    if (!value.is_array()) continue;
    nlohmann::json changed = good;
    changed[name].push_back(value[0]);
    EXPECT_EQ(Reason(ParsePermitMemory(changed.dump()).status()), "PERMIT_MEMORY_INVALID") << name;
  }
  nlohmann::json more = good;
  more["more"] = 1;
  EXPECT_EQ(Reason(ParsePermitMemory(more.dump()).status()), "PERMIT_MEMORY_INVALID");
  EXPECT_EQ(Reason(ParsePermitMemory("").status()), "PERMIT_MEMORY_INVALID");
  PermitMemory nowhere = Full();
  nowhere.environment = "";
  EXPECT_EQ(Reason(FormatPermitMemory(nowhere).status()), "NAME_INVALID");
}

}  // namespace
}  // namespace dml
