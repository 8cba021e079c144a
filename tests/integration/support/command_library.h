// A library of its own for a test that uses it through the command line.
#pragma once

#include <sstream>

#include "core/crypto/sha256.h"
#include "tests/core/os/scratch_folder.h"
#include "tests/integration/support/running_library.h"
#include "tools/dml/app.h"

namespace dml::testing {

/// Bytes that do not compress, the same for the same name.
inline std::string Noise(const std::string& name, size_t size) {
  std::string out;
  for (int i = 0; out.size() < size; ++i) out += Sha256(name + std::to_string(i)).raw();
  out.resize(size);
  return out;
}

/// A new build: a little differs everywhere, so that hardly a chunk stays.
inline std::string NextBuild(std::string bytes, size_t distance = 10'000) {
  for (size_t at = 0; at < bytes.size(); at += distance) bytes[at] ^= 1;
  return bytes;
}

class CommandLibrary : public ::testing::Test {
 protected:
  using Words = std::vector<std::string>;

  /// `config` is the daemon's configuration.
  explicit CommandLibrary(std::string_view config = "{}\n") { WriteBytes(config_, config); }

  /// Starts the daemon; namespace acme and its publisher ann are there.
  void Begin() {
    ASSERT_TRUE(library_.Start());
    AddNamespace("acme", "ann");
  }

  /// A namespace and the key of its publisher, in a file of that name.
  void AddNamespace(const std::string& ns, const std::string& owner) {
    Do({"namespace", "create", ns});
    Do({"key", "generate", "--out", Path(owner)});
    Do({"key", "register", "--key", Path(owner), "--owner", owner, "--role", "publisher",
        "--namespace", ns});
  }

  std::string Path(const std::string& name) const { return folder_.path() / name; }

  /// Runs a command that must end with this code; its JSON, that of the error included.
  Json Do(Words words, int code = 0) {
    const std::string profile = profile_.empty() ? library_.profile().string() : profile_;
    words.insert(words.begin(), {"--profile", profile, "--output", "json"});
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(RunDml(words, out, err), code) << ::testing::PrintToString(words) << err.str();
    return Json::parse(code == 0 || code == 3 || code == 7 ? out.str() : err.str(), nullptr, false);
  }

  /// A version of a package, with one file.
  void Publish(const std::string& version, const std::string& content,
               const std::string& package = "acme/tool", const std::string& owner = "ann") {
    WriteBytes(Path("tool"), content);
    WriteBytes(Path("spec.json"), SpecJson(package, version));
    Do({"package", "publish", "--spec", Path("spec.json"), "--file", Path("tool"), "--key",
        Path(owner)});
  }
  Json Get(const std::string& version, int code = 0) {
    return Do({"package", "get", "acme/tool@" + version, "--out", Path("got-" + version)}, code);
  }
  /// Fetches a version and compares its file.
  void ExpectThere(const std::string& version, const std::string& content) {
    std::filesystem::remove_all(Path("got-" + version));
    Get(version);
    EXPECT_TRUE(ReadBytes(Path("got-" + version + "/tool")) == content) << version;
  }
  Json Storage() { return Do({"admin", "storage"}); }

  /// From now on an administrator with a profile of its own, outside the data directory; until the
  /// next start, or, with the address of a proxy, for as long as that stands.
  void UseOwnProfile(const std::string& server = "") {
    const std::string out = Path("profiles/" + std::to_string(++profiles_));
    std::filesystem::create_directories(Path("profiles"));
    ChildDaemon issue({"issue-certificate", "--data-dir", library_.data_dir().string(), "--name",
                       "ada", "--role", "admin", "--out", out, "--server",
                       server.empty() ? library_.AdminOptions().target : server},
                      folder_.path() / "home");
    EXPECT_EQ(issue.Wait(), 0);
    profile_ = out + "/profile.yaml";
  }

  ScratchFolder folder_;
  std::string profile_;
  int profiles_ = 0;
  const std::filesystem::path config_ = folder_.path() / "dmld.yaml";
  RunningLibrary library_{folder_.path() / "data", {"--config", config_.string()}};
};

}  // namespace dml::testing
