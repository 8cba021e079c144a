#include "core/fleet/inventory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/crypto/sha256.h"
#include "core/trust/dsse.h"
#include "tests/support/golden.h"

namespace dml {
namespace {

using ::testing::HasSubstr;

InventoryItem Item(const std::string& version, InventoryUse use) {
  InventoryItem out;
  out.variant = {*PackageName::Parse("acme/api"), version, *Platform::Parse("linux-amd64")};
  out.manifest = {Sha256("manifest of acme/api " + version), 25};
  out.use = use;
  return out;
}

NodeInventory Full() {
  NodeInventory out;
  out.environment = "production/eu";
  out.node = "node-1";
  out.sequence = 7;
  out.time = *ParseTime("2026-06-01T12:00:00Z");
  out.release = "payments 2.0.0";
  out.permit = "0f8fad5b-d9cb-469f-a165-70867728950e";
  out.items = {Item("2.0.0", InventoryUse::kRuns), Item("1.0.0", InventoryUse::kKept)};
  out.items[0].configuration = Sha256("configuration");
  out.items[0].changed = true;
  out.foreign = {"/opt/dml/acme/mine", "/opt/dml/other"};
  return out;
}

TEST(InventoryTest, GoldenBothWays) {
  const std::string text = FormatInventory(Full()).value_or("") + "\n";
  EXPECT_EQ(text, testing::GoldenText("agent/inventory.json", text));
  const auto inventory = ParseInventory(text);
  ASSERT_TRUE(inventory.ok()) << inventory.status();
  EXPECT_EQ(*inventory, Full());
}

TEST(InventoryTest, TheContentIsWhatItSaysAndNotWhen) {
  NodeInventory later = Full();
  later.sequence = 8;
  later.time += std::chrono::hours(1);
  EXPECT_EQ(ContentOf(later), ContentOf(Full()));
  later.foreign.pop_back();
  EXPECT_NE(ContentOf(later), ContentOf(Full()));
}

TEST(InventoryTest, OnlyTheNodesKeySignsIt) {
  const PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const PrivateKey other = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  const Signer* const signers[] = {&key};
  const std::string text =
      FormatEnvelope(*SignEnvelope(kInventoryPayloadType, *FormatInventory(Full()), signers));
  EXPECT_EQ(*OpenInventory(text, key.public_key()), Full());
  EXPECT_EQ(Reason(OpenInventory(text, other.public_key()).status()), "SIGNATURE_MISSING");
  const std::string of_other_type =
      FormatEnvelope(*SignEnvelope("application/json", *FormatInventory(Full()), signers));
  EXPECT_EQ(Reason(OpenInventory(of_other_type, key.public_key()).status()),
            "PAYLOAD_TYPE_UNEXPECTED");
}

TEST(InventoryTest, BadDocumentsAreRefusedWithThePlace) {
  const std::string good = *FormatInventory(Full());
  struct Case {
    const char* from;
    const char* to;
    const char* says;
  };
  for (const Case& each : {Case{"dml.inventory/v1", "dml.inventory/v2", "schema"},
                           Case{"\"sequence\":7", "\"sequence\":0", "sequence"},
                           Case{"\"use\":\"KEPT\"", "\"use\":\"LOST\"", "items[1].use"},
                           Case{"\"changed\":true", "\"changed\":1", "items[0].changed"},
                           Case{"/opt/dml/acme/mine", "/opt/dml/other", "foreign"},
                           Case{"\"use\":\"RUNS\"", "\"use\":\"KEPT\"", "items"},
                           Case{"\"release\"", "\"releases\"", "releases"}}) {
    std::string bad = good;
    const size_t at = bad.find(each.from);
    ASSERT_NE(at, bad.npos) << each.from;
    bad.replace(at, std::string(each.from).size(), each.to);
    const absl::Status status = ParseInventory(bad).status();
    EXPECT_EQ(Reason(status), "INVENTORY_INVALID") << each.to;
    EXPECT_THAT(std::string(Message(status)), HasSubstr(each.says)) << each.to;
  }
}

}  // namespace
}  // namespace dml
