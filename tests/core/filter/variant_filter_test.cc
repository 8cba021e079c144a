#include "core/filter/variant_filter.h"

#include <gtest/gtest.h>

namespace dml {
namespace {

VariantRecord Variant() {
  VariantRecord record;
  record.name = {{"debian", "libssl3"}, "3.0.11-1~deb12u2", {"linux", "amd64", ""}};
  record.scheme = VersionScheme::kDeb;
  record.payload_size = 2'000'000;
  record.file_count = 1;
  record.title = "Secure Sockets Layer toolkit";
  record.declared_license = "Apache-2.0 AND MIT";
  record.purl = "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=amd64";
  record.labels = {{"section", "libs"}, {"tier", "gold"}};
  record.publisher = "importer@example.org";
  record.published_time = FromMicros(1772366400'000000);  // 2026-03-01T12:00:00Z
  return record;
}

template <typename Record>
bool Holds(std::string_view text, const Record& record, const FilterSchema& schema) {
  absl::StatusOr<Filter> filter = Filter::Parse(text, schema);
  EXPECT_TRUE(filter.ok()) << text << ": " << filter.status();
  return filter.ok() && Matches(*filter, record);
}

TEST(VariantFilter, EveryFieldIsRead) {
  for (std::string_view text : {
           "namespace = debian",
           "name = libssl3",
           "package = debian/libssl3",
           "version = 3.0.11-1~deb12u2",
           "platform = linux-amd64",
           "license = MIT",
           "license = \"Apache-2.0 AND MIT\"",
           "title : toolkit",
           "purl = \"pkg:deb/debian/libssl3@*\"",
           "publisher = *@example.org",
           "labels.section = libs",
           "published = 2026-03-01T12:00:00Z",
           "files = 1",
           "size >= 2000000",
       }) {
    EXPECT_TRUE(Holds(text, Variant(), VariantFilterSchema())) << text;
    EXPECT_FALSE(Holds(text, VariantRecord(), VariantFilterSchema())) << text;
  }
}

TEST(VariantFilter, TheExampleOfTheManual) {
  EXPECT_TRUE(
      Holds("license = \"MIT\" AND namespace = debian AND (name : \"lib\" OR title : ssl) AND "
            "NOT state = WITHDRAWN AND labels.tier = gold AND version >= \"1.0\"",
            Variant(), VariantFilterSchema()));
}

TEST(VariantFilter, StateAndPlatform) {
  VariantRecord record = Variant();
  record.state = VariantState::kWithdrawn;
  record.name.platform = {};
  EXPECT_TRUE(Holds("state = WITHDRAWN platform = any", record, VariantFilterSchema()));
  EXPECT_FALSE(Holds("state = PUBLISHED", record, VariantFilterSchema()));
  EXPECT_TRUE(Holds("state = PUBLISHED", Variant(), VariantFilterSchema()));
}

TEST(VariantFilter, VersionsAreOrderedByTheRecordsScheme) {
  VariantRecord record = Variant();
  record.name.version = "1.0.0-rc.1";
  record.scheme = VersionScheme::kSemver;
  EXPECT_TRUE(Holds("version < 1.0.0", record, VariantFilterSchema()));
  record.scheme = VersionScheme::kDeb;
  EXPECT_TRUE(Holds("version > 1.0.0", record, VariantFilterSchema()));
}

TEST(VariantFilter, VersionThatTheSchemeCannotReadIsNeverMet) {
  VariantRecord record = Variant();
  record.name.version = "1.0.0";
  record.scheme = VersionScheme::kSemver;
  for (std::string_view op : {"=", "!=", "<", "<=", ">", ">="}) {
    std::string text = "version " + std::string(op) + " 1.0-1:2";
    EXPECT_FALSE(Holds(text, record, VariantFilterSchema())) << text;
  }
  record.name.version = "no version";
  EXPECT_FALSE(Holds("version : *", record, VariantFilterSchema()));
  EXPECT_TRUE(Holds("NOT version : *", record, VariantFilterSchema()));
}

TEST(PackageFilter, EveryFieldIsRead) {
  PackageRecord record;
  record.name = {"acme", "payments-api"};
  record.scheme = VersionScheme::kSemver;
  record.title = "Payments";
  record.latest = "2.10.0";
  record.version_count = 7;
  for (std::string_view text :
       {"namespace = acme", "name = payments-*", "package = acme/payments-api", "title : PAY",
        "latest > 2.9.0", "versions = 7"}) {
    EXPECT_TRUE(Holds(text, record, PackageFilterSchema())) << text;
    EXPECT_FALSE(Holds(text, PackageRecord(), PackageFilterSchema())) << text;
  }
  record.latest = "";  // All are withdrawn.
  EXPECT_FALSE(Holds("latest >= 0.0.0-0", record, PackageFilterSchema()));
  EXPECT_FALSE(Filter::Parse("license = MIT", PackageFilterSchema()).ok());
}

}  // namespace
}  // namespace dml
