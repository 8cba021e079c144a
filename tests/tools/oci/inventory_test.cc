#include "tools/oci/inventory.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

const VariantName kVariant{{"acme", "tool"}, "1.0.0", {}};

Inventory Sample() {
  Inventory out;
  out.origin = "b.example/log";
  out.log_size = 17;
  out.namespaces["acme"].variants[kVariant] = Sha256("manifest");
  out.namespaces["acme"].blobs[Sha256("x")] = 1;
  out.namespaces["other"].blobs[Sha256("y")] = 1;
  return out;
}

TEST(InventoryTest, WritesAndReads) {
  auto text = FormatInventory(Sample());
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_NE(text->find(R"("packages/acme/tool/versions/1.0.0/variants/any")"), std::string::npos);
  auto read = ParseInventory(*text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, Sample());
}

TEST(InventoryTest, KnowsBlobsByNamespaceAndSize) {
  const Inventory inventory = Sample();
  EXPECT_TRUE(inventory.HasBlob("acme", {Sha256("x"), 1}));
  EXPECT_FALSE(inventory.HasBlob("acme", {Sha256("x"), 2}));
  EXPECT_FALSE(inventory.HasBlob("acme", {Sha256("y"), 1}));
  EXPECT_FALSE(inventory.HasBlob("nowhere", {Sha256("x"), 1}));
  ASSERT_NE(inventory.FindVariant(kVariant), nullptr);
  EXPECT_EQ(*inventory.FindVariant(kVariant), Sha256("manifest"));
  VariantName other = kVariant;
  other.version = "2.0.0";
  EXPECT_EQ(inventory.FindVariant(other), nullptr);
}

TEST(InventoryTest, RefusesWhatIsNone) {
  const std::string good = *FormatInventory(Sample());
  auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    absl::Status status = ParseInventory(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << to;
    return Reason(status);
  };
  EXPECT_EQ(changed("dml.inventory/v1", "dml.inventory/v2"), "INVENTORY_INVALID");
  EXPECT_EQ(changed("\"logSize\"", "\"size\""), "INVENTORY_INVALID");
  EXPECT_EQ(changed("\"acme\": {", "\"Acme\": {"), "NAME_INVALID");
  EXPECT_EQ(changed("packages/acme", "packages/other"), "INVENTORY_INVALID");
  EXPECT_EQ(changed("versions/1.0.0", "versions/.."), "NAME_INVALID");
  EXPECT_EQ(changed(Sha256("x").ToString(), "x"), "DIGEST_INVALID");
  EXPECT_EQ(changed(Sha256("x").ToString() + "\": 1", Sha256("x").ToString() + "\": -1"),
            "INVENTORY_INVALID");
  EXPECT_EQ(changed("\"blobs\": {", "\"blobs\": [], \"more\": {"), "INVENTORY_INVALID");
  EXPECT_EQ(Reason(ParseInventory(std::string(kMaxInventoryBytes + 1, ' ')).status()),
            "INVENTORY_INVALID");
}

TEST(LeftOutTest, WritesAndReads) {
  const LeftOut left_out{Sha256("inventory"), {{Sha256("x"), 1}, {Sha256("y"), 0}}};
  auto read = ParseLeftOut(FormatLeftOut(left_out));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, left_out);
  for (const char* bad : {"", "[]", "{}", R"({"schema":"dml.left-out/v1","blobs":{}})"}) {
    EXPECT_EQ(Reason(ParseLeftOut(bad).status()).empty(), false) << bad;
  }
}

}  // namespace
}  // namespace dml
