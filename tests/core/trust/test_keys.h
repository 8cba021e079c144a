// Keys and golden files that the tests of core/trust share.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/crypto/keys.h"
#include "tests/support/paths.h"
#include "tests/support/test_data.h"

namespace dml::testing {

/// The Ed25519 key of RFC 8032 section 7.1, test 1, which signed the golden files.
inline const PrivateKey& GoldenKey() {
  static const PrivateKey* const key = new PrivateKey(
      *PrivateKey::FromPkcs8Pem("-----BEGIN PRIVATE KEY-----\n"
                                "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
                                "-----END PRIVATE KEY-----\n"));
  return *key;
}

/// tests/golden/trust/<name>: made with Python and the openssl command, not with this code.
inline std::string GoldenFile(const std::string& name) {
  return ReadFileOrDie(SourceDir() / "tests/golden/trust" / name);
}

/// An error that sounds like success has let people down (attack 6).
inline void ExpectRefusal(const absl::Status& status) {
  ASSERT_FALSE(status.ok());
  EXPECT_NE(Reason(status), "") << status;
  std::string message(Message(status));
  for (char& c : message) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  EXPECT_EQ(message.find("verified"), std::string::npos) << status;
  EXPECT_LT(message.size(), 1000u) << "a message does not repeat what it was sent";
}

}  // namespace dml::testing
