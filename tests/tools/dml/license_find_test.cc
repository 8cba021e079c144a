// dml license find on a running library.
#include <gmock/gmock.h>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using LicenseFindCommandTest = testing::CommandLibrary;

TEST_F(LicenseFindCommandTest, FindsByWhatALicenseHolds) {
  Begin();
  Publish("1.0.0", "content");
  const std::string license = "MIT";
  const Json by_name = Do({"license", "find", license, "--all"});
  ASSERT_EQ(by_name["items"].size(), 1u) << by_name;
  EXPECT_EQ(by_name["items"][0]["license"], license);
  EXPECT_EQ(Do({"license", "find", "--part", license})["items"], by_name["items"]);
  EXPECT_TRUE(Do({"license", "find", "--unknown"})["items"].empty());
  EXPECT_EQ(Do({"license", "find", "--category", "copyleft"}, 1)["error"]["reason"],
            "LICENSE_PROPERTIES_MISSING");
  EXPECT_EQ(Do({"license", "find", "--obligation", "notice", "--provision", "INTERNAL"},
               1)["error"]["reason"],
            "LICENSE_PROPERTIES_MISSING");
  EXPECT_EQ(Do({"license", "find", "MIT", "--unmodified"}, 2)["error"]["reason"],
            "ARGUMENT_INVALID");
  Do({"license", "find", "MIT", "--unknown"}, 2);
}

}  // namespace
}  // namespace dml
