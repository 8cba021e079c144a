#include "server/runtime/call_scope.h"

#include <thread>

#include <gtest/gtest.h>

namespace dml {
namespace {

TEST(CallScopeTest, BelongsToItsThreadAndEnds) {
  EXPECT_EQ(CallScope::Current(), nullptr);
  {
    const CallScope outer({"a", ""});
    {
      const CallScope inner({"b", "t"});
      EXPECT_EQ(CallScope::Current()->request, "b");
      const CallId* elsewhere = &inner.id();
      std::thread([&] { elsewhere = CallScope::Current(); }).join();
      EXPECT_EQ(elsewhere, nullptr);
    }
    EXPECT_EQ(CallScope::Current()->request, "a");
  }
  EXPECT_EQ(CallScope::Current(), nullptr);
}

TEST(CallScopeTest, TakesRequestIdsThatALineCanCarry) {
  EXPECT_EQ(ReadRequestId("7b0c-A_9.x:/y"), "7b0c-A_9.x:/y");
  EXPECT_EQ(ReadRequestId(std::string(128, 'a')), std::string(128, 'a'));
  for (const std::string& bad : {std::string(), std::string(129, 'a'), std::string("a b"),
                                 std::string("a\nb"), std::string("a=b"), std::string("é")}) {
    EXPECT_EQ(ReadRequestId(bad), std::nullopt) << bad;
  }
}

// W3C Trace Context, section 3.2.2.
TEST(CallScopeTest, TakesTraceIdsOfGoodHeadersAlone) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  EXPECT_EQ(ReadTraceId("00-" + trace + "-00f067aa0ba902b7-01"), trace);
  EXPECT_EQ(ReadTraceId("cc-" + trace + "-00f067aa0ba902b7-01-what-will-come"), trace);
  for (const std::string& bad :
       {std::string(), "00-" + trace + "-00f067aa0ba902b7-01-more",
        "ff-" + trace + "-00f067aa0ba902b7-01", "00-" + trace + "-0000000000000000-01",
        "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01",
        std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
        "00-" + trace + "_00f067aa0ba902b7-01", "cc-" + trace + "-00f067aa0ba902b7-01.more",
        "00-" + trace + "-00f067aa0ba902b7-0"}) {
    EXPECT_EQ(ReadTraceId(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace dml
