// What an operator does about storage, with the command line against a running library: retention,
// a dry run, a collection, figures, a scrub and a repair.
#include "tests/integration/support/command_library.h"
#include "tests/integration/support/stored_chunks.h"

namespace dml {
namespace {

using testing::CommandLibrary;
using testing::Noise;

class CollectionTest : public CommandLibrary {
 protected:
  // Uploads are held for as short a time as is allowed, so that a collection may follow them.
  CollectionTest() : CommandLibrary("limits: {stallTimeoutSeconds: 1, uploadLeaseSeconds: 1}\n") {}

  void SetUp() override { Begin(); }

  // Collects until no lease holds anything any more.
  void CollectAll() {
    Json plan;
    do {
      Do({"admin", "collect", "--wait"});
      plan = Do({"admin", "collect", "--dry-run"});
    } while (!HasFailure() && plan["figures"]["reclaimableBytes"] != 0);
  }
};

TEST_F(CollectionTest, TheOldestVersionsGoWithReasonsAndEvidenceStays) {
  const std::string shared = Noise("shared", 600'000);
  for (const char* version : {"1.0.0", "2.0.0", "3.0.0"}) {
    Publish(version, Noise(version, 300'000) + shared);
  }
  EXPECT_EQ(Do({"admin", "collect", "--dry-run"})["variants"], 0) << "by default all is kept";
  EXPECT_EQ(Do({"namespace", "retention", "show", "acme"})["retention"]["keep"], "EVERYTHING");
  Do({"namespace", "retention", "set", "acme", "--keep-versions", "2"});
  EXPECT_EQ(
      Do({"namespace", "retention", "set", "acme", "--keep-versions", "1"}, 1)["error"]["reason"],
      "ETAG_MISMATCH");
  const std::string etag = Do({"namespace", "retention", "show", "acme"})["retention"]["etag"];
  Do({"namespace", "retention", "set", "acme", "--keep-versions", "1", "--etag", etag});

  const Json plan = Do({"admin", "collect", "--dry-run"});
  ASSERT_EQ(plan["items"].size(), 2u);
  EXPECT_EQ(plan["items"][0]["variant"], "packages/acme/tool/versions/1.0.0/variants/any");
  EXPECT_EQ(plan["items"][1]["variant"], "packages/acme/tool/versions/2.0.0/variants/any");
  EXPECT_EQ(plan["items"][0]["reason"], "not among the 1 highest live versions");
  EXPECT_EQ(plan["items"][0]["payloadSize"], 900'000);
  Get("1.0.0");
  std::filesystem::remove_all(Path("got-1.0.0"));

  const Json before = Storage();
  EXPECT_EQ(before["liveVariants"], 3);
  EXPECT_EQ(before["logicalBytes"], 2'700'000);
  CollectAll();
  const Json after = Storage();
  EXPECT_EQ(after["liveVariants"], 1);
  EXPECT_EQ(after["logicalBytes"], 900'000);
  EXPECT_EQ(after["reclaimableBytes"], 0);
  const uint64_t freed = plan["figures"]["reclaimableBytes"];
  EXPECT_GE(freed, 600'000u);
  EXPECT_EQ(after["storedBytes"].get<uint64_t>(), before["storedBytes"].get<uint64_t>() - freed);

  const Json refused = Get("1.0.0", 1);
  EXPECT_EQ(refused["error"]["reason"], "PAYLOAD_COLLECTED");
  EXPECT_NE(refused["error"]["message"].get<std::string>().find("retention policy"),
            std::string::npos);
  Get("3.0.0");
  EXPECT_EQ(testing::ReadBytes(Path("got-3.0.0/tool")), Noise("3.0.0", 300'000) + shared);

  const Json variant = Do({"package", "show", "acme/tool@1.0.0"});
  EXPECT_EQ(variant["variant"]["payloadCollected"], true);
  EXPECT_EQ(variant["attestations"].size(), 1u);
  EXPECT_EQ(Do({"package", "verify", "acme/tool@1.0.0"})["passed"], true);
  const Json entries = Do({"log", "entries", "--kind", "payload_collected"});
  ASSERT_EQ(entries["items"].size(), 1u);
  Do({"log", "prove", std::to_string(entries["items"][0]["index"].get<uint64_t>())});
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);

  ASSERT_EQ(library_.Stop(), 0);
  ASSERT_TRUE(library_.Start());
  EXPECT_EQ(Do({"admin", "collect", "--show"})["phase"], "DONE");
  EXPECT_EQ(Do({"admin", "storage", "--last"})["time"], "") << "figures are measured, not kept";
  EXPECT_EQ(Storage()["storedBytes"], after["storedBytes"]);
}

// What matches and is gone is left out of an export; asked for by name, it is an error.
TEST_F(CollectionTest, WhatWasCollectedIsNotExported) {
  for (const char* version : {"1.0.0", "3.0.0"}) Publish(version, Noise(version, 50'000));
  Do({"namespace", "retention", "set", "acme", "--keep-versions", "1"});
  CollectAll();
  const Json exported = Do({"export", "oci", "--filter", "name = tool", "--to", Path("out")});
  EXPECT_EQ(exported["items"].size(), 1u);
  EXPECT_EQ(exported["items"][0]["variant"], "packages/acme/tool/versions/3.0.0/variants/any");
  Do({"export", "oci", "acme/tool@1.0.0", "--to", Path("out2")}, 1);
  Do({"export", "oci", "--filter", "version = \"1.0.0\"", "--to", Path("out3")}, 4);
  EXPECT_FALSE(std::filesystem::exists(Path("out3")));
}

TEST_F(CollectionTest, AFlippedByteIsFoundToldAndRepairedByUploadingTheFileAgain) {
  Publish("1.0.0", Noise("file", 50'000));
  ASSERT_EQ(library_.Stop(), 0);
  const absl::Status damaged = testing::DamageAChunk(library_.data_dir());
  ASSERT_TRUE(damaged.ok()) << damaged;
  ASSERT_TRUE(library_.Start());
  for (const char* rate : {"0", "1", "-5", "64000", "2TiB"})
    Do({"admin", "scrub", "--rate", rate}, 2);
  const Json scrub = Do({"admin", "scrub", "--rate", "1GiB", "--wait"}, 3);
  EXPECT_EQ(scrub["damagedCount"], 1);
  ASSERT_EQ(scrub["damaged"].size(), 1u);
  EXPECT_EQ(scrub["damaged"][0]["variants"],
            Json::array({"packages/acme/tool/versions/1.0.0/variants/any"}));
  EXPECT_EQ(Do({"admin", "scrub", "--show"}, 3)["damagedCount"], 1);
  EXPECT_EQ(Get("1.0.0", 1)["error"]["reason"], "CHUNK_CORRUPT");
  Json report = Do({"package", "verify", "acme/tool@1.0.0", "--content"}, 3);
  EXPECT_EQ(report["steps"].back()["what"], "stored file tool");
  EXPECT_EQ(report["steps"].back()["passed"], false);
  const std::string told =
      "warning damage found while sending packages/acme/tool/versions/1.0.0/"
      "variants/any: the stored bytes of chunk sha256:";
  const std::string log = library_.Log();
  EXPECT_NE(log.find(told), std::string::npos) << log;
  EXPECT_EQ(log.find(told), log.rfind(told)) << "once for the chunk, not for each reader";

  Client client = library_.NewClient();
  const auto again = UploadFile(client, "acme", Path("tool"), nullptr);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Do({"admin", "scrub", "--show"})["damagedCount"], 0) << "it is repaired by now";
  EXPECT_EQ(Do({"admin", "scrub", "--wait"})["damagedCount"], 0);
  Get("1.0.0");
  EXPECT_EQ(testing::ReadBytes(Path("got-1.0.0/tool")), Noise("file", 50'000));
}

}  // namespace
}  // namespace dml
