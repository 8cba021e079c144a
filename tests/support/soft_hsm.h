// A token of SoftHSM 2 in a folder of its own (Debian softhsm2), for tests of keys in hardware.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/os/file.h"
#include "tests/support/temp_dir.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define DML_TEST_IGNORES_LEAKS
#endif
#endif

namespace dml::testing {

inline constexpr char kSoftHsmModule[] = "/usr/lib/softhsm/libsofthsm2.so";
inline constexpr char kTokenPin[] = "271828";

/// Sets SOFTHSM2_CONF for this process: one at a time, on one thread.
class SoftHsm {
 public:
  /// Why there is none here, or "".
  static std::string Missing() {
    if (std::filesystem::exists(kSoftHsmModule) && Run("command -v softhsm2-util")) return "";
    return "SoftHSM is not here: apt-get install softhsm2";
  }

  SoftHsm() {
    std::filesystem::create_directory(folder_.path() / "tokens");
    Configure("");
    ::setenv("SOFTHSM2_CONF", (folder_.path() / "softhsm2.conf").c_str(), 1);
    WriteOrDie("pin", std::string(kTokenPin) + "\n");
    WriteOrDie("wrong-pin", "000000\n");
  }
  ~SoftHsm() { ::unsetenv("SOFTHSM2_CONF"); }

  /// Further lines of its configuration, for modules that are loaded from now on.
  void Configure(const std::string& more) {
    WriteOrDie("softhsm2.conf", "directories.tokendir = " + (folder_.path() / "tokens").string() +
                                    "\nobjectstore.backend = file\nlog.level = ERROR\n" + more);
  }

  void AddToken(const std::string& label) {
    if (!Run("softhsm2-util --init-token --free --label '" + label + "' --so-pin 161803 --pin " +
             kTokenPin)) {
      std::abort();
    }
  }

  std::string PinFile(const std::string& name = "pin") const {
    return (folder_.path() / name).string();
  }

  /// "pkcs11:PATH?module-path=...&pin-source=file:..."; without PIN where `pin` is "".
  std::string Uri(const std::string& path, const std::string& pin = "pin") const {
    return "pkcs11:" + path + "?module-path=" + kSoftHsmModule +
           (pin.empty() ? "" : "&pin-source=file:" + PinFile(pin));
  }

 private:
  static bool Run(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
  }
  void WriteOrDie(const std::string& name, const std::string& text) {
    if (!WriteFileAtomically(folder_.path() / name, AsBytes(text), 0600).ok()) std::abort();
  }

#ifdef DML_TEST_IGNORES_LEAKS
  // SoftHSM 2.6.1 loses the name of the curve of each Ed25519 key; our own leaks are found with the
  // fake token.
  __lsan::ScopedDisabler ignored_;
#endif
  TempDir folder_;
};

}  // namespace dml::testing
