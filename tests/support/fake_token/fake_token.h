// A PKCS #11 module whose token does what a test says, and tells what was asked of it: for what
// SoftHSM never does. Found in the build folder as libdml_fake_token.so; one for a process.
#pragma once

#include <dlfcn.h>
#include <string>

namespace dml::testing {

struct FakeToken {
  // What the token is, as in CK_TOKEN_INFO, and answers.
  unsigned long flags = 0;
  unsigned long login_result = 0;
  std::string ec_params;  // Of its one key pair; its label is "O" and its id "\x01".
  std::string ec_point;
  bool has_public_half = true;
  std::string signature;  // Whatever is signed.
  // What was asked of it.
  int logins = 0;
  bool last_login_had_pin = false;
  int open_sessions = 0;
  int initialized = 0;
  int finalized = 0;
};

/// What every loaded copy of the module works with: of one library there is one.
inline FakeToken& LoadFakeToken(const std::string& module_path) {
  void* library = ::dlopen(module_path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) std::abort();
  auto get = reinterpret_cast<FakeToken* (*)()>(::dlsym(library, "dml_fake_token"));
  FakeToken& token = *get();
  token = FakeToken();
  return token;
}

}  // namespace dml::testing
