// What entries, envelopes and specs name is never fetched.
#include <poll.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

// Listens, and tells whether anybody has ever come.
class Trap {
 public:
  Trap() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 8), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~Trap() { ::close(socket_); }
  std::string url() const { return fmt::format("http://127.0.0.1:{}/x", port_); }
  bool sprung() const {
    pollfd look{socket_, POLLIN, 0};
    return ::poll(&look, 1, 0) != 0;
  }
  // That a connection would be seen.
  void ExpectItWorks() const {
    const int visitor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port_));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(visitor, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_TRUE(sprung());
    ::close(visitor);
  }

 private:
  const int socket_;
  int port_ = 0;
};

class NamedUrlsTest : public testing::CommandLibrary {};

// attacks 20 and 35
TEST_F(NamedUrlsTest, NothingThatAnEntryNamesIsFetched) {
  const Trap trap;
  Begin();
  testing::WriteBytes(Path("tool"), "one");
  testing::WriteBytes(Path("spec.json"), testing::SpecJson("acme/tool", "1.0.0"));
  Do({"package", "publish", "--spec", Path("spec.json"), "--file", Path("tool"), "--key",
      Path("ann")});
  // Provenance and an SBOM that name places to fetch from, signed under a key that names one, too.
  const std::pair<const char*, std::string> claims[] = {
      {"https://slsa.dev/provenance/v1",
       R"({"buildDefinition":{"buildType":")" + trap.url() +
           R"(","externalParameters":{},"resolvedDependencies":[{"uri":")" + trap.url() +
           R"("}]},"runDetails":{"builder":{"id":")" + trap.url() + R"("}}})"},
      {"https://spdx.dev/Document",
       R"({"spdxVersion":"SPDX-2.3","documentNamespace":")" + trap.url() +
           R"(","packages":[{"name":"a","SPDXID":"SPDXRef-a","downloadLocation":")" + trap.url() +
           R"(","licenseConcluded":"MIT"}]})"}};
  const auto details =
      library_.NewClient().GetVariant(testing::NameOfVersion("acme/tool", "1.0.0"));
  ASSERT_TRUE(details.ok()) << details.status();
  testing::WriteBytes(Path("manifest"), details->manifest);
  int index = 0;
  for (const auto& [type, predicate] : claims) {
    const std::string name = Path("claim-" + std::to_string(++index));
    testing::WriteBytes(name, predicate);
    Do({"attest", "sign", "--type", type, "--subject", Path("manifest"), "--predicate", name,
        "--key", Path("ann"), "--out", name + ".json"});
    Do({"package", "attach", "acme/tool@1.0.0", "--envelope", name + ".json"});
  }
  Do({"package", "verify", "acme/tool@1.0.0"});
  Get("1.0.0");
  Do({"log", "verify"});
  EXPECT_FALSE(trap.sprung());
  trap.ExpectItWorks();
}

}  // namespace
}  // namespace dml
