// What LicenseIndex finds, against a look at every variant.
#include "storage/views/license_index.h"

#include <algorithm>
#include <iterator>
#include <random>

#include <gmock/gmock.h>

#include "tests/core/license/random_license.h"
#include "tests/support/library_fixture.h"
#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::NameOf;
using testing::Pick;
using testing::SpecBuilder;
using testing::TestLibrary;
using Names = std::vector<std::string>;

const std::vector<std::string>& Leaves() {
  static const std::vector<std::string> leaves = {
      "MIT",          "ISC",          "GPL-2.0",
      "GPL-2.0-only", "Apache-1.0+",  "GPL-2.0-or-later WITH Classpath-exception-2.0",
      "Zlib",         "LicenseRef-a", "GPL-2.0-only WITH AdditionRef-b"};
  return leaves;
}

class LicenseIndexTest : public ::testing::Test {
 protected:
  VariantName Publish(const std::string& package, const std::string& license) {
    PackageSpec spec = SpecBuilder("acme/" + package, "1.0").Build();
    spec.declared_license = LicenseExpression::Parse(license, BundledLicenseList())->ToString();
    const auto receipt = library_.Publish(spec);
    EXPECT_TRUE(receipt.ok()) << receipt.status();
    declared_[spec.package.name] = spec.declared_license;
    return NameOf(spec);
  }

  // All pages of a question, of one to `page_size` items each.
  template <typename Ask>
  Names All(const Ask& ask, size_t page_size = 3) {
    Names out;
    const auto state = library_->Read();
    PageRequest page;
    page.size = page_size;
    do {
      const auto found = ask(LicenseIndex(*state), page);
      EXPECT_TRUE(found.ok()) << found.status();
      if (!found.ok()) break;
      EXPECT_LE(found->items.size(), page_size);
      for (const LicenseMatch& match : found->items) {
        EXPECT_EQ(match.declared_license, declared_[match.variant.package.name]);
        out.push_back(match.variant.package.name);
      }
      page.after_key = found->next_key;
    } while (!page.after_key.empty());
    return out;
  }
  Names ByName(std::string_view name) {
    return All([&](const LicenseIndex& index, const PageRequest& page) {
      return index.ByName(name, page);
    });
  }
  Names ByPart(std::string_view part) {
    const Digest digest =
        LicensePartDigest(LicenseExpression::Parse(part, BundledLicenseList()).value());
    return All([&](const LicenseIndex& index, const PageRequest& page) {
      return index.ByPart(digest, page);
    });
  }

  // The packages whose terms fulfil a condition, by name.
  template <typename Holds>
  Names Wanted(const Holds& holds) const {
    Names out;
    for (const auto& [package, license] : declared_) {
      const auto expression = LicenseExpression::Parse(license, BundledLicenseList());
      if (holds(TermsOf(*expression))) out.push_back(package);
    }
    return out;
  }

  TestLibrary library_;
  std::map<std::string, std::string> declared_;
};

Names Sorted(Names names) {
  std::ranges::sort(names);
  return names;
}

TEST_F(LicenseIndexTest, FindsByNamePartAndWholeValue) {
  Publish("choice", "MIT OR GPL-2.0-or-later WITH Classpath-exception-2.0");
  Publish("part", "Zlib AND (GPL-2.0+ WITH Classpath-exception-2.0 OR MIT)");
  Publish("none", "NONE");
  Publish("open", "NOASSERTION");
  Publish("plus", "Apache-1.0+");
  EXPECT_THAT(ByName("MIT"), ElementsAre("choice", "part"));
  EXPECT_THAT(ByName("Classpath-exception-2.0"), ElementsAre("choice", "part"));
  EXPECT_THAT(ByName("Apache-1.0"), ElementsAre("plus"));
  EXPECT_THAT(ByName("Apache-1.0+"), ElementsAre("plus"));
  EXPECT_THAT(ByName("NONE"), ElementsAre("none"));
  EXPECT_THAT(ByName("ISC"), IsEmpty());
  EXPECT_THAT(ByPart("GPL-2.0-or-later WITH Classpath-exception-2.0 OR MIT"),
              ElementsAre("choice", "part"));
  EXPECT_THAT(ByPart("MIT OR Zlib"), IsEmpty());
}

TEST_F(LicenseIndexTest, WithdrawnVariantsAreNotFound) {
  Publish("stays", "MIT");
  const VariantName gone = Publish("goes", "MIT");
  ASSERT_TRUE(library_.Commit(VersionWithdrawn{gone, "broken"}).ok());
  EXPECT_THAT(ByName("MIT"), ElementsAre("stays"));
  EXPECT_THAT(ByPart("MIT"), ElementsAre("stays"));
}

TEST_F(LicenseIndexTest, LongLicensesAreReadFromTheVariant) {
  std::string text = "MIT";
  for (int i = 0; i < 60; ++i) text += " AND LicenseRef-" + std::to_string(i);
  Publish("long", text);
  ASSERT_GT(declared_["long"].size(), kMaxIndexedLicenseBytes);
  EXPECT_THAT(ByName("LicenseRef-7"), ElementsAre("long"));
  const auto all = [](const LicenseKey&) { return true; };
  EXPECT_THAT(All([&](const LicenseIndex& index, const PageRequest& page) {
                return index.WhereLicense(all, page);
              }),
              ElementsAre("long"));
}

TEST_F(LicenseIndexTest, AVariantOfSeveralLicensesComesOnceInTheirOrder) {
  Publish("b", "MIT AND ISC");
  Publish("a", "MIT");
  Publish("c", "Zlib OR MIT");
  const std::set<LicenseKey> wanted = {{{"MIT", false}, ""}, {{"ISC", false}, ""}};
  const auto found = [&](size_t size) {
    return All([&](const LicenseIndex& index,
                   const PageRequest& page) { return index.ByLicenses(wanted, page); },
               size);
  };
  EXPECT_THAT(found(10), ElementsAre("b", "a", "c"));
  EXPECT_THAT(found(1), ElementsAre("b", "a", "c"));
}

TEST_F(LicenseIndexTest, ANameThatNoVariantHasAnyMoreFindsNothing) {
  const VariantName gone = Publish("gone", "LicenseRef-house");
  const auto by_condition = [&] {
    return All([](const LicenseIndex& index, const PageRequest& page) {
      return index.WhereName([](std::string_view name) { return name.starts_with("LicenseRef-"); },
                             page);
    });
  };
  EXPECT_THAT(by_condition(), ElementsAre("gone"));
  ASSERT_TRUE(library_.Commit(VersionWithdrawn{gone, "broken"}).ok());
  EXPECT_THAT(by_condition(), IsEmpty());
}

TEST_F(LicenseIndexTest, ATokenOfAnotherListIsRefused) {
  const auto state = library_->Read();
  PageRequest page;
  page.after_key = "elsewhere";
  const auto found = LicenseIndex(*state).ByName("MIT", page);
  EXPECT_EQ(Reason(found.status()), "PAGE_TOKEN_INVALID");
}

TEST_F(LicenseIndexTest, AgreesWithBruteForce) {
  constexpr unsigned kSeed = 20260105;
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 150; ++i) {
    const auto tree = testing::RandomLicenseTree(random, Pick(random, 4), Leaves());
    Publish("p" + std::to_string(i), FullyParenthesized(tree));
  }
  std::set<std::string> names;
  std::set<LicenseKey> licenses;
  std::vector<Digest> parts;
  Wanted([&](const LicenseTerms& terms) {
    names.insert(terms.names.begin(), terms.names.end());
    licenses.insert(terms.licenses.begin(), terms.licenses.end());
    parts.insert(parts.end(), terms.parts.begin(), terms.parts.end());
    return false;
  });
  for (const std::string& name : names) {
    EXPECT_EQ(ByName(name),
              Sorted(Wanted([&](const LicenseTerms& t) { return t.names.contains(name); })))
        << name;
  }
  for (int i = 0; i < 60; ++i) {
    const Digest part = parts[Pick(random, parts.size())];
    EXPECT_EQ(All([&](const LicenseIndex& index, const PageRequest& page) {
                return index.ByPart(part, page);
              }),
              Sorted(Wanted([&](const LicenseTerms& t) { return t.parts.contains(part); })));
    std::set<LicenseKey> wanted;
    for (const LicenseKey& key : licenses) {
      if (Pick(random, 3) == 0) wanted.insert(key);
    }
    const Names expected = Wanted([&](const LicenseTerms& terms) {
      return std::ranges::any_of(terms.licenses,
                                 [&](const LicenseKey& key) { return wanted.contains(key); });
    });
    const size_t page_size = 1 + Pick(random, 40);
    const Names listed =
        All([&](const LicenseIndex& index,
                const PageRequest& page) { return index.ByLicenses(wanted, page); },
            page_size);
    EXPECT_EQ(Sorted(listed), expected) << "seed " << kSeed << ", set " << i;
    const auto holds = [&](const LicenseKey& key) { return wanted.contains(key); };
    EXPECT_EQ(listed, All([&](const LicenseIndex& index,
                              const PageRequest& page) { return index.WhereLicense(holds, page); },
                          1 + Pick(random, 7)))
        << "pages of another size, and a condition in place of the set";
    if (i % 10 != 0) continue;
    std::set<std::string> some;
    std::ranges::copy_if(names, std::inserter(some, some.end()),
                         [&](const std::string&) { return Pick(random, 4) == 0; });
    const auto named = [&](std::string_view name) { return some.contains(std::string(name)); };
    EXPECT_EQ(
        Sorted(All([&](const LicenseIndex& index,
                       const PageRequest& page) { return index.WhereName(named, page); },
                   1 + Pick(random, 7))),
        Wanted([&](const LicenseTerms& terms) { return std::ranges::any_of(terms.names, named); }))
        << "seed " << kSeed << ", names " << i;
  }
}

}  // namespace
}  // namespace dml
