#include "core/base/digest.h"

#include <gtest/gtest.h>

#include "core/crypto/sha256.h"

namespace dml {
namespace {

// FIPS 180-4 example "abc".
constexpr char kAbc[] = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(DigestTest, HashesParsesAndPrints) {
  EXPECT_EQ(Sha256("abc").ToString(), kAbc);
  EXPECT_EQ(*Digest::Parse(kAbc), Sha256("abc"));
  Sha256Hasher hasher;
  hasher.Update("a");
  hasher.Update("bc");
  EXPECT_EQ(hasher.Finish(), Sha256("abc"));
  EXPECT_EQ(hasher.Finish(), Sha256("")) << "a finished hasher starts anew";
  EXPECT_EQ(Sha256({AsBytes("ab"), AsBytes("c")}), Sha256("abc"));
}

TEST(DigestTest, RefusesOtherForms) {
  std::string upper = kAbc;
  upper[10] = 'B';
  for (std::string bad : {std::string("abc"), upper, std::string(kAbc) + "0",
                          "sha512:" + std::string(kAbc).substr(7)}) {
    EXPECT_EQ(Reason(Digest::Parse(bad).status()), "DIGEST_INVALID") << bad;
  }
}

}  // namespace
}  // namespace dml
