#include "core/license/license_texts.h"

#include <gmock/gmock.h>

#include "core/os/file.h"
#include "tests/support/paths.h"

namespace dml {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<LicenseTexts> Read(std::string_view texts) {
  return LicenseTexts::Parse(
      fmt::format(R"({{"schema": "dml.license-texts/v1", "texts": {}}})", texts), "v");
}

// Made by make_license_texts.py beside it, which knows docs/formats.md only.
TEST(LicenseTextsTest, Golden) {
  const auto file = testing::SourceDir() / "tests/golden/license/license-texts.json";
  const auto texts = LicenseTexts::Parse(ReadFile(file, kMaxLicenseTextsBytes).value(), "golden");
  ASSERT_TRUE(texts.ok()) << texts.status();
  EXPECT_EQ(texts->version(), "golden");
  EXPECT_EQ(texts->texts().size(), 4u);
  ASSERT_NE(texts->Find("mit"), nullptr);
  EXPECT_THAT(*texts->Find("mit"), HasSubstr("Permission is hereby granted"));
  EXPECT_THAT(*texts->Find("LicenseRef-acme"), HasSubstr("\u00e9"));
  EXPECT_THAT(*texts->Find("DocumentRef-x:LicenseRef-y"), HasSubstr("\f"));
  EXPECT_NE(texts->Find("Classpath-exception-2.0"), nullptr);
  EXPECT_EQ(texts->Find("ISC"), nullptr);
}

TEST(LicenseTextsTest, RefusesWhatIsNoSetOfTexts) {
  struct Bad {
    std::string document;
    const char* message;
  };
  const Bad cases[] = {
      {"", "malformed JSON"},
      {"[]", "must be an object"},
      {R"({"texts": []})", "schema"},
      {R"({"schema": "dml.license-texts/v2", "texts": []})", "schema"},
      {R"({"schema": "dml.license-texts/v1", "texts": [], "more": 1})", "more"},
      {R"({"schema": "dml.license-texts/v1", "texts": []})", "no text"},
      {R"({"schema": "dml.license-texts/v1", "texts": [{"id": "MIT"}]})", "'text'"},
      {R"({"schema": "dml.license-texts/v1", "texts": [{"id": "M T", "text": "x"}]})", "'M T'"},
      {R"({"schema": "dml.license-texts/v1", "texts": [{"id": "a:b", "text": "x"}]})", "'a:b'"},
      {R"({"schema": "dml.license-texts/v1", "texts": [{"id": "MIT", "text": ""}]})", "MIT"},
      {R"({"schema": "dml.license-texts/v1", "texts": [{"id": "MIT", "text": "\u001b[2J"}]})",
       "control"},
      {R"({"schema": "dml.license-texts/v1", "texts": [{"id": "MIT", "text": "x"},
           {"id": "mit", "text": "x"}]})",
       "two texts"},
  };
  for (const Bad& bad : cases) {
    const auto texts = LicenseTexts::Parse(bad.document, "v");
    EXPECT_EQ(Reason(texts.status()), "LICENSE_TEXTS_INVALID") << bad.document;
    EXPECT_THAT(std::string(Message(texts.status())), HasSubstr(bad.message)) << bad.document;
  }
}

TEST(LicenseTextsTest, RefusesMoreThanItsLimits) {
  const std::string large(kMaxLicenseTextBytes, 'x');
  EXPECT_TRUE(Read(fmt::format(R"([{{"id": "MIT", "text": "{}"}}])", large)).ok());
  EXPECT_FALSE(Read(fmt::format(R"([{{"id": "MIT", "text": "{}x"}}])", large)).ok());
  std::string many;
  for (size_t i = 0; i <= kMaxLicenseTexts; ++i) {
    many += fmt::format(R"({}{{"id": "LicenseRef-{}", "text": "x"}})", i == 0 ? "" : ",", i);
  }
  EXPECT_EQ(Reason(Read("[" + many + "]").status()), "LICENSE_TEXTS_INVALID");
  EXPECT_EQ(Reason(LicenseTexts::Parse(std::string(kMaxLicenseTextsBytes + 1, ' '), "v").status()),
            "LICENSE_TEXTS_INVALID");
}

}  // namespace
}  // namespace dml
