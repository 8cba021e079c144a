#include "tools/dml/arguments.h"

#include <sstream>

#include <gtest/gtest.h>

#include "core/os/file.h"
#include "tests/support/temp_dir.h"

namespace dml {
namespace {

constexpr std::string_view kFull = "packages/debian/libc6/versions/1:2.36-9/variants/linux-amd64";

VariantName Name(std::string_view version, std::string_view platform) {
  return {{"debian", "libc6"}, std::string(version), Platform::Parse(platform).value()};
}

absl::StatusOr<VariantName> Choose(std::string_view text, const std::vector<VariantName>& known) {
  return ChooseVariant(ParseVariantArgument(text).value(), known);
}

TEST(VariantArgumentTest, ReadsAResourceName) {
  VariantArgument argument = ParseVariantArgument(kFull).value();
  ASSERT_TRUE(argument.full.has_value());
  EXPECT_EQ(argument.full->ResourceName(), kFull);
}

TEST(VariantArgumentTest, ReadsShortForms) {
  VariantArgument argument = ParseVariantArgument("acme/api@1.0.0").value();
  EXPECT_FALSE(argument.full.has_value());
  EXPECT_EQ(argument.package.ToString(), "acme/api");
  EXPECT_EQ(argument.rest, "1.0.0");
  EXPECT_EQ(ParseVariantArgument("acme/api@1:2-3:linux-amd64")->rest, "1:2-3:linux-amd64");
}

TEST(VariantArgumentTest, RefusesWhatNamesNoVariant) {
  for (std::string_view text :
       {"", "acme", "acme/api", "acme/api@", "@1.0", "api@1.0", "Acme/api@1.0", "a/b/c@1.0",
        "acme/api@1.0@2.0", "acme/api@1.0\"", "acme/api@1.0 OR name = x", "acme/api@../x",
        "acme/api@1.0:linux/amd64", "packages/acme/api", "packages/acme/api/versions/1.0",
        "acme/api@1.0:\x1b[2J"}) {
    absl::StatusOr<VariantArgument> argument = ParseVariantArgument(text);
    EXPECT_EQ(Reason(argument.status()), "ARGUMENT_INVALID") << text;
  }
}

TEST(ChooseVariantTest, FindsThePlatformOrTheOnlyOne) {
  std::vector<VariantName> two = {Name("2.36", "linux-amd64"), Name("2.36", "linux-arm64")};
  EXPECT_EQ(Choose("debian/libc6@2.36:linux-arm64", two).value(), two[1]);
  EXPECT_EQ(Choose("debian/libc6@2.36", {two[0]}).value(), two[0]);
  EXPECT_EQ(Choose("debian/libc6@2.36", {Name("2.36", "any")})->platform, Platform());
  EXPECT_EQ(Choose("debian/libc6@2.36:any", {Name("2.36", "any")})->platform, Platform());
}

TEST(ChooseVariantTest, ListsTheCandidatesWhereThereAreSeveral) {
  absl::Status status =
      Choose("debian/libc6@2.36", {Name("2.36", "linux-amd64"), Name("2.36", "linux-arm64")})
          .status();
  EXPECT_EQ(Reason(status), "ARGUMENT_INVALID");
  EXPECT_NE(Message(status).find("debian/libc6@2.36:linux-arm64"), std::string_view::npos);
}

TEST(ChooseVariantTest, ListsTheCandidatesWhereThereIsNone) {
  absl::Status status = Choose("debian/libc6@2.37", {Name("2.36", "linux-amd64")}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Reason(status), "VARIANT_NOT_FOUND");
  EXPECT_NE(Message(status).find("debian/libc6@2.36:linux-amd64"), std::string_view::npos);
  EXPECT_EQ(Reason(Choose("debian/libc6@2.36:linux-arm64", {Name("2.36", "any")}).status()),
            "VARIANT_NOT_FOUND");
}

TEST(ChooseVariantTest, ReadsTheEpochOfDebAsPartOfTheVersion) {
  // "2.36-9" could be a platform's name too; what is there decides.
  VariantName epoch = Name("1:2.36-9", "linux-amd64");
  EXPECT_EQ(Choose("debian/libc6@1:2.36-9", {epoch}).value(), epoch);
  EXPECT_EQ(Choose("debian/libc6@1:2.36-9:linux-amd64", {epoch}).value(), epoch);
  VariantName strange = Name("1", "2.36-9");
  EXPECT_EQ(Choose("debian/libc6@1:2.36-9", {strange}).value(), strange);
  EXPECT_EQ(Reason(Choose("debian/libc6@1:2.36-9", {epoch, strange}).status()), "ARGUMENT_INVALID");
}

TEST(ChooseVariantTest, NeverTakesAnotherPackage) {
  VariantName other = Name("2.36", "any");
  other.package.name = "libc7";
  EXPECT_FALSE(Choose("debian/libc6@2.36", {other}).ok());
}

TEST(LiteralVariantTest, TakesThePlatformFromTheWordsAlone) {
  auto literal = [](std::string_view text) {
    return LiteralVariant(ParseVariantArgument(text).value()).ResourceName();
  };
  const std::string start = "packages/debian/libc6/versions/";
  EXPECT_EQ(literal(kFull), kFull);
  EXPECT_EQ(literal("debian/libc6@2.36"), start + "2.36/variants/any");
  EXPECT_EQ(literal("debian/libc6@2.36:linux-arm-v7"), start + "2.36/variants/linux-arm-v7");
  EXPECT_EQ(literal("debian/libc6@2.36:any"), start + "2.36/variants/any");
  EXPECT_EQ(literal("debian/libc6@1:2.36-9"), start + "1:2.36-9/variants/any");
  EXPECT_EQ(literal("debian/libc6@1:2.36-9:linux-amd64"), start + "1:2.36-9/variants/linux-amd64");
  EXPECT_EQ(literal("debian/libc6@2.36:"), start + "2.36:/variants/any");
}

TEST(DurationArgumentTest, ReadsANumberAndItsUnit) {
  EXPECT_EQ(ParseDurationArgument("90d").value(), std::chrono::days(90));
  EXPECT_EQ(ParseDurationArgument("36h").value(), std::chrono::hours(36));
  EXPECT_EQ(ParseDurationArgument("15m").value(), std::chrono::minutes(15));
  EXPECT_EQ(ParseDurationArgument("0s").value(), std::chrono::seconds(0));
  for (std::string_view text : {"", "d", "90", "-1d", "+1d", "1.5d", "90 d", "90days", "90w",
                                "99999999999999999999d", "10000001d", " 1d"}) {
    EXPECT_EQ(Reason(ParseDurationArgument(text).status()), "ARGUMENT_INVALID") << text;
  }
}

TEST(VersionArgumentTest, NamesItsScheme) {
  EXPECT_TRUE(CheckVersionArgument("deb:1:2.36-9").ok());
  EXPECT_TRUE(CheckVersionArgument("semver:1.2.3").ok());
  EXPECT_EQ(Reason(CheckVersionArgument("2.36-9")), "ARGUMENT_INVALID");
  EXPECT_EQ(Reason(CheckVersionArgument("pypi:2.36-9")), "VERSION_SCHEME_UNKNOWN");
  EXPECT_EQ(Reason(CheckVersionArgument("semver:1.2")), "VERSION_INVALID");
  EXPECT_EQ(Reason(CheckVersionArgument("deb:")), "VERSION_INVALID");
}

TEST(LabelsTest, ReadsKeysAndValues) {
  Labels labels = ParseLabels({"tier=gold", "note=a=b", "empty="}).value();
  EXPECT_EQ(labels, (Labels{{"tier", "gold"}, {"note", "a=b"}, {"empty", ""}}));
}

TEST(LabelsTest, RefusesWhatIsNoLabel) {
  for (const char* text : {"tier", "=gold", "Tier=gold", "tier=\x1b"}) {
    EXPECT_EQ(Reason(ParseLabels({text}).status()), "ARGUMENT_INVALID") << text;
  }
  EXPECT_EQ(Reason(ParseLabels({"a=1", "a=1"}).status()), "ARGUMENT_INVALID");
}

TEST(FileArgumentTest, TakesTheNameFromThePathOrAfterTheLastEqualsSign) {
  LocalFile plain = ParseFileArgument("build/out/api").value();
  EXPECT_EQ(plain.path, "build/out/api");
  EXPECT_EQ(plain.name, "api");
  LocalFile named = ParseFileArgument("build/a=b/api=bin/api").value();
  EXPECT_EQ(named.path, "build/a=b/api");
  EXPECT_EQ(named.name, "bin/api");
}

TEST(FileArgumentTest, RefusesNamesThatLeaveThePackage) {
  for (const char* text : {"", "=x", "x=", "x=../y", "x=/etc/passwd", "dir/", ".."}) {
    EXPECT_EQ(Reason(ParseFileArgument(text).status()), "ARGUMENT_INVALID") << text;
  }
}

TEST(RelationKindTest, ReadsTheWords) {
  EXPECT_EQ(ParseRelationKind("abi").value(), RelationKind::kAbi);
  EXPECT_EQ(ParseRelationKind("capability").value(), RelationKind::kCapability);
  EXPECT_EQ(Reason(ParseRelationKind("ABI").status()), "ARGUMENT_INVALID");
}

TEST(KeyFileTest, WantsAPrivateFileAndThePassphrase) {
  testing::TempDir dir;
  std::string key_file = dir.path() / "me.key";
  std::string passphrase_file = dir.path() / "passphrase";
  PrivateKey key = PrivateKey::Generate(KeyAlgorithm::kEd25519);
  std::string pem = key.ToPkcs8Pem("open sesame").value();
  ASSERT_TRUE(WriteFileAtomically(key_file, AsBytes(pem), 0600).ok());
  ASSERT_TRUE(WriteFileAtomically(passphrase_file, AsBytes("open sesame\nrest"), 0600).ok());
  EXPECT_EQ(ReadSigner(key_file, passphrase_file).value()->public_key(), key.public_key());
  EXPECT_EQ(Reason(ReadSigner(key_file, "").status()), "KEY_ENCRYPTED");
  ASSERT_TRUE(WriteFileAtomically(key_file, AsBytes(pem), 0644).ok());
  EXPECT_EQ(Reason(ReadSigner(key_file, passphrase_file).status()), "FILE_NOT_PRIVATE");
}

}  // namespace
}  // namespace dml
