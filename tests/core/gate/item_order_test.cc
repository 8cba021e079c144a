#include "core/gate/item_order.h"

#include <gtest/gtest.h>

#include "tests/support/spec_builder.h"

namespace dml {
namespace {

using testing::SpecBuilder;
using testing::Target;

class ItemOrderTest : public ::testing::Test {
 protected:
  void Add(const SpecBuilder& builder, ReleaseAction action = ReleaseAction::kInstall) {
    specs_.push_back(std::make_unique<PackageSpec>(SpecBuilder(builder).Build()));
    ReleaseItem item;
    item.variant = {specs_.back()->package, specs_.back()->version.text(), specs_.back()->platform};
    item.action = action;
    release_.items.push_back(std::move(item));
  }
  std::string Order(bool known = true) {
    std::vector<const PackageSpec*> specs;
    for (const auto& spec : specs_) specs.push_back(known ? spec.get() : nullptr);
    std::string out;
    for (const VariantName& name : OrderItems(release_, specs)) out += name.package.name + " ";
    return out;
  }

  Release release_;
  std::vector<std::unique_ptr<PackageSpec>> specs_;
};

TEST_F(ItemOrderTest, WhatOthersRequireComesFirstAndWhatGoesLast) {
  Add(SpecBuilder("acme/old", "1"), ReleaseAction::kRemove);
  Add(SpecBuilder("acme/app", "1").Requires({Target("acme/lib")}).Requires({Target("acme/db")}));
  Add(SpecBuilder("acme/lib", "1").Requires({Target("acme/base")}));
  Add(SpecBuilder("acme/db", "1"));
  Add(SpecBuilder("acme/base", "1"));
  EXPECT_EQ(Order(), "base lib db app old ");
  EXPECT_EQ(Order(false), "app lib db base old ") << "as the document has it";
}

TEST_F(ItemOrderTest, ACircleIsAsTheDocumentHasIt) {
  Add(SpecBuilder("acme/a", "1").Requires({Target("acme/b")}));
  Add(SpecBuilder("acme/b", "1").Requires({Target("acme/a")}));
  Add(SpecBuilder("acme/c", "1"));
  EXPECT_EQ(Order(), "b a c ");
  EXPECT_EQ(Order(), "b a c ") << "the same again";
}

TEST_F(ItemOrderTest, ALongChainIsNoDeepRecursion) {
  for (int i = 0; i < 900; ++i) {
    Add(SpecBuilder("acme/p" + std::to_string(i), "1")
            .Requires({Target("acme/p" + std::to_string(i + 1))}));
  }
  EXPECT_TRUE(Order().starts_with("p899 p898 "));
}

}  // namespace
}  // namespace dml
