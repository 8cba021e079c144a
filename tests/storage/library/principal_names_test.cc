#include "storage/library/principal_names.h"

#include <fstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/os/file.h"
#include "tests/support/temp_dir.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPat = "spiffe://x/principals/pat";

class PrincipalNamesTest : public ::testing::Test {
 protected:
  std::unique_ptr<PrincipalNames> Open() {
    auto names = PrincipalNames::Open(folder());
    EXPECT_TRUE(names.ok()) << names.status();
    return names.ok() ? *std::move(names) : nullptr;
  }
  fs::path folder() const { return dir_.path() / "principals"; }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(MakePrivateDirectory(folder()).ok());
    ASSERT_TRUE(WriteFileAtomically(folder() / name, AsBytes(text), 0600).ok());
  }
  // Whether any file below the data directory holds these bytes.
  bool Holds(const std::string& bytes) {
    for (const auto& item : fs::recursive_directory_iterator(dir_.path())) {
      if (!item.is_regular_file()) continue;
      std::ifstream in(item.path(), std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(in)), {});
      if (text.find(bytes) != std::string::npos) return true;
    }
    return false;
  }

  testing::TempDir dir_;
};

TEST_F(PrincipalNamesTest, AreKeptOverRestartsInAFileForItsOwnerAlone) {
  EXPECT_EQ(Open()->Find(kPat), "");
  EXPECT_FALSE(fs::exists(folder())) << "made by the first name";
  ASSERT_TRUE(Open()->Set(kPat, "Pat \"The Key\" Möss").ok());
  auto again = Open();
  EXPECT_EQ(again->Find(kPat), "Pat \"The Key\" Möss");
  EXPECT_EQ(again->Find("spiffe://x/principals/pa"), "");
  EXPECT_TRUE(RequirePrivateFile(folder() / "names.json").ok());
  ASSERT_TRUE(again->Set(kPat, "Pat Oak").ok());
  EXPECT_EQ(Open()->Find(kPat), "Pat Oak");
}

// What is erased is in no file: not in the database, its log, or an older copy.
TEST_F(PrincipalNamesTest, AnErasedNameIsInNoFile) {
  auto names = Open();
  ASSERT_TRUE(names->Set(kPat, "Pat Moss").ok());
  ASSERT_TRUE(names->Set("spiffe://x/principals/kim", "Kim Reed").ok());
  ASSERT_TRUE(Holds("Pat Moss"));
  ASSERT_TRUE(names->Set(kPat, "").ok());
  EXPECT_EQ(names->Find(kPat), "");
  EXPECT_FALSE(Holds("Pat Moss"));
  EXPECT_FALSE(Holds(kPat));
  EXPECT_EQ(Open()->Find("spiffe://x/principals/kim"), "Kim Reed");
  EXPECT_TRUE(names->Set(kPat, "").ok()) << "erased already";
}

TEST_F(PrincipalNamesTest, WhatACrashLeftBehindIsDeleted) {
  Write("names.json", R"({"format":1,"names":{}})");
  Write(".dml-tmp-3fa8", R"({"format":1,"names":{"spiffe://x/principals/pat":"Pat Moss"}})");
  ASSERT_NE(Open(), nullptr);
  EXPECT_FALSE(Holds("Pat Moss"));
}

TEST_F(PrincipalNamesTest, ListsByPrincipalAPageAtATime) {
  auto names = Open();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(names->Set(fmt::format("p{}", i), fmt::format("N{}", i)).ok());
  }
  std::string seen;
  PageRequest page{.size = 2, .after_key = ""};
  do {
    auto found = names->List(page);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_LE(found->items.size(), 2U);
    for (const PrincipalName& item : found->items) {
      seen += item.principal + "=" + item.display_name + " ";
    }
    page.after_key = found->next_key;
  } while (!page.after_key.empty());
  EXPECT_EQ(seen, "p0=N0 p1=N1 p2=N2 p3=N3 p4=N4 ");
  page.after_key = "grants/x";
  EXPECT_EQ(Reason(names->List(page).status()), "PAGE_TOKEN_INVALID");
}

TEST_F(PrincipalNamesTest, BadInputIsRefusedAndChangesNothing) {
  auto names = Open();
  EXPECT_EQ(Reason(names->Set("", "Pat")), "PRINCIPAL_INVALID");
  EXPECT_EQ(Reason(names->Set(std::string(513, 'p'), "Pat")), "PRINCIPAL_INVALID");
  EXPECT_EQ(Reason(names->Set("\xff", "Pat")), "PRINCIPAL_INVALID");
  EXPECT_EQ(Reason(names->Set(kPat, std::string(kMaxDisplayName + 1, 'x'))), "TEXT_TOO_LONG");
  EXPECT_EQ(Reason(names->Set(kPat, "Pat\xff")), "TEXT_NOT_UTF8");
  EXPECT_FALSE(fs::exists(folder()));
}

TEST_F(PrincipalNamesTest, ADamagedFileIsToldAndKept) {
  for (const char* text : {"", "{", R"({"format":2,"names":{}})", R"({"format":1,"names":{"p":1}})",
                           R"({"format":1,"names":{"p":"a","p":"b"}})"}) {
    Write("names.json", text);
    auto opened = PrincipalNames::Open(folder());
    EXPECT_EQ(Reason(opened.status()), "PRINCIPAL_NAMES_DAMAGED") << text;
    EXPECT_TRUE(fs::exists(folder() / "names.json"));
  }
}

}  // namespace
}  // namespace dml
