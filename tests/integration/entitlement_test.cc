// Entitlements and leases as people, rollouts and nodes use them, with a daemon of their own.
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "client/seats.h"
#include "tests/integration/support/command_library.h"

namespace dml {
namespace {

using std::chrono::hours;
using testing::CommandLibrary;

class EntitlementTest : public CommandLibrary {
 protected:
  std::string ReasonOf(const Words& words, int code) {
    return Do(words, code)["error"]["reason"].get<std::string>();
  }
  static std::string Contract() { return Sha256("contract").ToString(); }

  // Environments, the contract and 10 seats of a database in production and fleet.
  void BeginWithSeats() {
    ASSERT_NO_FATAL_FAILURE(Begin());
    for (const char* name : {"production", "fleet", "test"}) Do({"environment", "create", name});
    Do({"media", "register", "acme/contract", "--kind", "document", "--title", "Contract",
        "--location", "vault", "--custodian", "pat", "--content", Contract()});
    Do({"key", "generate", "--out", Path("contracts")});
    Do({"key", "register", "--key", Path("contracts"), "--owner", "cora", "--role", "entitlement",
        "--namespace", "*"});
    Do(GrantWords("db"));
  }
  Words GrantWords(const std::string& id) {
    return {"entitlement",
            "grant",
            id,
            "--product",
            "database",
            "--vendor",
            "DB Inc.",
            "--metric",
            "NODE",
            "--quantity",
            "10",
            "--start",
            "2026-01-01",
            "--expiry",
            "2099-01-01",
            "--environment",
            "production",
            "--environment",
            "fleet",
            "--contract",
            Contract(),
            "--max-borrowed",
            "2",
            "--borrow-time",
            "72h",
            "--low-water",
            "1",
            "--key",
            Path("contracts")};
  }

  // From now on whoever has a new certificate of this name and role.
  void Become(const std::string& name, const std::string& role) {
    const std::string out = Path("profiles/" + name);
    std::filesystem::create_directories(Path("profiles"));
    testing::ChildDaemon issue(
        {"issue-certificate", "--data-dir", library_.data_dir().string(), "--name", name, "--role",
         role, "--out", out, "--server", library_.AdminOptions().target},
        folder_.path() / "home");
    ASSERT_EQ(issue.Wait(), 0);
    profile_ = out + "/profile.yaml";
  }
  void BecomeAdmin() { profile_.clear(); }

  std::string Reserve(const std::string& item, const std::string& environment = "production") {
    return Do({"entitlement", "reserve", item, "--environment", environment, "--ttl",
               "1h"})["leases"][0]["id"];
  }
  Json Position() { return Do({"entitlement", "show", "db"})["position"]; }
};

TEST_F(EntitlementTest, ALeaseFromItsContractToItsRelease) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  EXPECT_EQ(ReasonOf(GrantWords("db"), 1), "ENTITLEMENT_EXISTS");
  Words other = GrantWords("other");
  std::ranges::replace(other, Contract(), Sha256("lost").ToString());
  EXPECT_EQ(ReasonOf(other, 1), "CONTRACT_NOT_FOUND");

  const Words check = {"entitlement", "check",         "db=web-1:9",
                       "db=web-2",    "--environment", "production"};
  EXPECT_EQ(Do(check)["available"], true);
  const Json leases = Do({"entitlement", "reserve", "db=web-1:9", "db=web-2", "--environment",
                          "production", "--ttl", "15m"})["leases"];
  ASSERT_EQ(leases.size(), 2u);
  EXPECT_EQ(leases[0]["seats"], 9);
  EXPECT_EQ(leases[1]["holder"], "web-2");
  EXPECT_EQ(Position()["reserved"], 10);
  EXPECT_EQ(Do(check, 3)["reason"], "SEATS_EXHAUSTED");
  EXPECT_EQ(
      ReasonOf(
          {"entitlement", "reserve", "db=web-3", "--environment", "production", "--ttl", "15m"}, 1),
      "SEATS_EXHAUSTED");

  const std::string lease = leases[0]["id"];
  EXPECT_EQ(Do({"entitlement", "commit", lease, "--for", "24h"})["lease"]["state"], "ACTIVE");
  EXPECT_EQ(ReasonOf({"entitlement", "commit", lease, "--for", "24h"}, 1),
            "LEASE_ALREADY_COMMITTED");
  const std::string end = Do({"entitlement", "extend", lease, "--for", "48h"})["lease"]["end"];
  EXPECT_EQ(Do({"entitlement", "leases", "--holder", "web-1"})["items"][0]["end"], end);
  EXPECT_EQ(Position()["inUse"], 9);

  EXPECT_EQ(
      ReasonOf({"entitlement", "amend", "db", "--quantity", "9", "--key", Path("contracts")}, 1),
      "ENTITLEMENT_BELOW_LEASED");
  Do({"entitlement", "release", leases[1]["id"]});
  EXPECT_EQ(Do({"entitlement", "amend", "db", "--quantity", "9", "--key",
                Path("contracts")})["entitlement"]["quantity"],
            9);

  Do({"entitlement", "release", lease, "--force", "--reason", "the node burnt"});
  EXPECT_EQ(ReasonOf({"entitlement", "release", lease}, 1), "LEASE_ENDED");
  EXPECT_EQ(Do({"entitlement", "leases"})["items"].size(), 0u);
  const Json ended = Do({"entitlement", "leases", "--entitlement", "db", "--ended"})["items"];
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_EQ(ended[0]["endedBy"], "FORCED");
  EXPECT_EQ(ended[0]["forceReason"], "the node burnt");
  EXPECT_EQ(ended[1]["endedBy"], "RELEASED");
}

TEST_F(EntitlementTest, TermsAreSignedByWhomTheRootNames) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  EXPECT_EQ(Do({"entitlement", "show", "db"})["revision"], 1);
  // Signed by one, entered by another.
  Words sign = GrantWords("app");
  sign[1] = "sign";
  sign.insert(sign.end(), {"--revision", "1", "--out", Path("app.dsse")});
  EXPECT_EQ(Do(sign)["file"], Path("app.dsse"));
  ASSERT_NO_FATAL_FAILURE(Become("lia", "license-manager"));
  const Json app = Do({"entitlement", "grant", "--envelope", Path("app.dsse")})["entitlement"];
  EXPECT_EQ(app["id"], "app");
  EXPECT_EQ(app["envelope"], Sha256(testing::ReadBytes(Path("app.dsse"))).ToString());
  // Neither the one's nor anybody's signature alone is enough.
  EXPECT_EQ(ReasonOf({"entitlement", "amend", "app", "--quantity", "11"}, 2), "ARGUMENT_INVALID");
  EXPECT_EQ(ReasonOf({"entitlement", "amend", "app", "--quantity", "11", "--key", Path("ann")}, 5),
            "THRESHOLD_NOT_MET")
      << "a publisher's";
  EXPECT_EQ(ReasonOf({"entitlement", "amend", "--envelope", Path("app.dsse")}, 1),
            "ENTITLEMENT_REVISION_UNEXPECTED");
  EXPECT_EQ(ReasonOf({"entitlement", "grant", "db", "--envelope", Path("app.dsse")}, 2),
            "ARGUMENT_INVALID");
  Words both = GrantWords("app");
  both.insert(both.end(), {"--envelope", Path("app.dsse")});
  EXPECT_EQ(ReasonOf(both, 2), "ARGUMENT_INVALID");
  Words nothing = GrantWords("more");
  nothing.resize(nothing.size() - 2);
  EXPECT_EQ(ReasonOf(nothing, 2), "ARGUMENT_INVALID");
  const Json amended =
      Do({"entitlement", "amend", "app", "--quantity", "11", "--key", Path("contracts")});
  EXPECT_EQ(amended["entitlement"]["revision"], 2);
}

TEST_F(EntitlementTest, TermsComeFromTheLicensingOfAnSbom) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  testing::WriteBytes(Path("bom.json"), R"({"bomFormat": "CycloneDX", "specVersion": "1.6",
      "components": [{"group": "acme", "name": "cache", "licenses": [{"license": {"name": "C",
        "licensing": {"licensor": {"organization": {"name": "Cache Inc."}},
          "licenseTypes": ["subscription", "device"], "lastRenewal": "2026-01-01T00:00:00Z",
          "expiration": "2099-01-01T00:00:00Z"}}}]}]})");
  const Words grant = {"entitlement", "grant", "cache",          "--licensing", Path("bom.json"),
                       "--quantity",  "5",     "--vendor",       "A reseller",  "--contract",
                       Contract(),    "--key", Path("contracts")};
  const Json cache = Do(grant)["entitlement"];
  EXPECT_EQ(cache["product"], "acme/cache");
  EXPECT_EQ(cache["vendor"], "A reseller") << "what is given holds";
  EXPECT_EQ(cache["metric"], "TERM");
  EXPECT_EQ(cache["expiry"], "2099-01-01T00:00:00Z");
  Words other = grant;
  other.insert(other.end(), {"--product", "acme/db"});
  EXPECT_EQ(ReasonOf(other, 2), "ARGUMENT_INVALID") << "the document tells nothing of it";
  testing::WriteBytes(Path("bom.json"), "{}");
  EXPECT_EQ(ReasonOf(grant, 2), "SBOM_INVALID");
}

TEST_F(EntitlementTest, AReportSaysWhatIsPaidAndWhatIsUsed) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  Words soon = GrantWords("db-old");
  const std::string tomorrow = FormatTime(WallClockNow() + hours(24));
  std::ranges::replace(soon, std::string("2099-01-01"), tomorrow);
  Do(soon);
  Words gone = GrantWords("db-gone");
  std::ranges::replace(gone, std::string("2099-01-01"), std::string("2026-01-02"));
  Do(gone);
  Do({"entitlement", "commit", Reserve("db=web-1:4"), "--for", "2h"});
  Reserve("db-old=web-2:3");
  const Json report = Do({"entitlement", "report"})["items"];
  ASSERT_EQ(report.size(), 1u);
  EXPECT_EQ(report[0]["product"], "database");
  EXPECT_EQ(report[0]["entitlements"], 2) << "one is over";
  EXPECT_EQ(report[0]["position"]["entitled"], 20);
  EXPECT_EQ(report[0]["position"]["inUse"], 4);
  EXPECT_EQ(report[0]["position"]["reserved"], 3);
  EXPECT_EQ(report[0]["position"]["unused"], 13);
  EXPECT_EQ(report[0]["position"]["neverUsed"], 16);
  EXPECT_EQ(report[0]["expiringSoon"], Json::array({"db-old"}));
  EXPECT_EQ(Do({"entitlement", "report", "--product", "none"})["items"].size(), 0u);
  EXPECT_EQ(Do({"entitlement", "list", "--all"})["items"].size(), 3u);
}

TEST_F(EntitlementTest, SeatsAreLentWithinTheContractsLimits) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  const Json lent =
      Do({"entitlement", "borrow", "db=ship-7", "--environment", "fleet", "--for", "48h"})["lease"];
  EXPECT_EQ(lent["state"], "BORROWED");
  EXPECT_EQ(Position()["borrowed"], 1);
  EXPECT_EQ(
      ReasonOf({"entitlement", "borrow", "db=ship-8:2", "--environment", "fleet", "--for", "48h"},
               1),
      "BORROW_LIMIT");
  EXPECT_EQ(
      ReasonOf({"entitlement", "borrow", "db=ship-8", "--environment", "fleet", "--for", "73h"}, 1),
      "BORROW_TOO_LONG");
  Reserve("db=web-1:8");
  EXPECT_EQ(
      ReasonOf({"entitlement", "borrow", "db=ship-8", "--environment", "fleet", "--for", "1h"}, 1),
      "BORROW_LOW_WATER");
  EXPECT_EQ(ReasonOf({"entitlement", "extend", lent["id"], "--for", "1h"}, 1), "LEASE_NOT_ACTIVE");
}

TEST_F(EntitlementTest, ALoanIsProvenToANodeThatAsksNobody) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  const Json lent = Do({"entitlement", "borrow", "db=ship-7", "--environment", "fleet", "--for",
                        "48h", "--out", Path("loan")});
  EXPECT_EQ(lent["folder"], Path("loan"));
  Do({"root", "fetch", "--out", Path("root.json")});
  const Words verify = {"entitlement",     "verify-loan", Path("loan"), "--root",
                        Path("root.json"), "--holder",    "ship-7"};
  const Json good = Do(verify);
  EXPECT_EQ(good["good"], true);
  EXPECT_EQ(good["loan"]["lease"], lent["lease"]["id"]);
  EXPECT_EQ(good["loan"]["product"], "database");
  Words late = verify;
  late.insert(late.end(), {"--at", "2098-01-01T00:00:00Z"});
  EXPECT_EQ(Do(late, 3)["good"], false);
  Words other = verify;
  other.back() = "ship-8";
  EXPECT_NE(Do(other, 3)["fault"].get<std::string>().find("held by ship-7"), std::string::npos);
  std::filesystem::copy_file(Path("loan") + "/terms.tlog-proof", Path("loan") + "/loan.tlog-proof",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_TRUE(Do(verify, 3)["loan"].is_null());
}

TEST_F(EntitlementTest, EachRoleDoesItsPart) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  ASSERT_NO_FATAL_FAILURE(Become("dee", "deployer"));
  EXPECT_EQ(
      ReasonOf({"entitlement", "amend", "db", "--quantity", "11", "--key", Path("contracts")}, 5),
      "ROLE_REQUIRED");
  const std::string of_web_1 = Reserve("db=web-1");
  const std::string of_web_2 = Reserve("db=web-2");
  EXPECT_EQ(ReasonOf({"entitlement", "release", of_web_1, "--force", "--reason", "gone"}, 5),
            "LEASE_NOT_YOURS");

  ASSERT_NO_FATAL_FAILURE(Become("web-1", "node"));
  EXPECT_EQ(
      ReasonOf({"entitlement", "reserve", "db=web-1", "--environment", "production", "--ttl", "1h"},
               5),
      "ROLE_REQUIRED");
  EXPECT_EQ(ReasonOf({"entitlement", "commit", of_web_2, "--for", "1h"}, 5), "LEASE_NOT_YOURS");
  Do({"entitlement", "commit", of_web_1, "--for", "1h"});
  Do({"entitlement", "extend", of_web_1, "--for", "2h"});
  Do({"entitlement", "release", of_web_1});

  ASSERT_NO_FATAL_FAILURE(Become("rea", "reader"));
  EXPECT_EQ(Do({"entitlement", "leases"})["items"].size(), 1u);
  EXPECT_EQ(ReasonOf({"entitlement", "release", of_web_2}, 5), "ROLE_REQUIRED");

  ASSERT_NO_FATAL_FAILURE(Become("lia", "license-manager"));
  Do({"entitlement", "amend", "db", "--quantity", "11", "--key", Path("contracts")});
  Do({"entitlement", "release", of_web_2, "--force", "--reason", "gone"});
}

TEST_F(EntitlementTest, AScopeIsASetOfEnvironments) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  ASSERT_NO_FATAL_FAILURE(Become("nia", "node"));  // For its id alone.
  const std::string principal = Do({"auth", "whoami"})["principal"];
  BecomeAdmin();
  Do({"role", "grant", principal, "--role", "license-manager", "--scope", "environments/test"});
  Do({"role", "grant", principal, "--role", "deployer", "--scope", "environments/fleet"});
  const std::string elsewhere = Reserve("db=web-1");
  profile_ = Path("profiles/nia/profile.yaml");
  EXPECT_EQ(
      ReasonOf({"entitlement", "amend", "db", "--quantity", "11", "--key", Path("contracts")}, 5),
      "ROLE_REQUIRED");
  EXPECT_EQ(ReasonOf(GrantWords("mine"), 5), "ROLE_REQUIRED");
  EXPECT_EQ(
      ReasonOf({"entitlement", "reserve", "db=nia", "--environment", "production", "--ttl", "1h"},
               5),
      "ROLE_REQUIRED");
  const std::string mine = Reserve("db=nia", "fleet");
  EXPECT_EQ(ReasonOf({"entitlement", "release", elsewhere}, 5), "LEASE_NOT_YOURS");
  const Json seen = Do({"entitlement", "leases"})["items"];
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0]["id"], mine);
  EXPECT_EQ(ReasonOf({"entitlement", "show", "none"}, 5), "ROLE_REQUIRED")
      << "missing and forbidden look alike";
  Words terms = GrantWords("of-test");
  std::ranges::replace(terms, std::string("fleet"), std::string("test"));
  std::ranges::replace(terms, std::string("production"), std::string("test"));
  Do(terms);
}

TEST_F(EntitlementTest, ThatTheSeatsAreFreeAgainNeedsNobodysHelp) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  const std::string lease = Do({"entitlement", "reserve", "db=web-1:10", "--environment",
                                "production", "--ttl", "1s"})["leases"][0]["id"];
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Position()["reserved"] != 0 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(Position()["unused"], 10);
  EXPECT_EQ(ReasonOf({"entitlement", "commit", lease, "--for", "1h"}, 1), "LEASE_ENDED");
  Reserve("db=web-2:10");
}

// What 64 clients were told before the power went.
struct Told {
  std::map<std::string, LeaseState> leases;  // By id, the last state that was acknowledged.
  std::set<std::string> asked;               // Those for which an answer never came.
};

void WorkUntilKilled(const ClientOptions& options, const std::string& holder,
                     const std::atomic<bool>& stop, Told& told) {
  Client connection = testing::RunningLibrary::NewClient(options);
  SeatClient seats(connection);
  for (int i = 0; !stop; ++i) {
    MutationOptions request;
    request.request_id = fmt::format("{}-{}", holder, i);
    const std::string id = LeaseId(request.request_id, 0);
    auto reserved = seats.Reserve("production", {{"db", holder, 1}}, hours(1), request);
    if (!reserved.ok()) {
      if (Reason(reserved.status()) == "SEATS_EXHAUSTED") continue;
      told.asked.insert(id);
      return;
    }
    told.leases[id] = LeaseState::kReserved;
    if (!seats.CommitLease(id, hours(2)).ok()) return void(told.asked.insert(id));
    told.leases[id] = LeaseState::kActive;
    if (i % 2 == 0) continue;  // Kept.
    if (!seats.Release(id).ok()) return void(told.asked.insert(id));
    told.leases[id] = LeaseState::kEnded;
  }
}

constexpr int kClients = 64;

class PowerCutTest : public EntitlementTest {
 protected:
  // 64 clients work until so few seats are left; then the daemon is killed, and starts again.
  void WorkAndKill(int round, int64_t unused) {
    std::atomic<bool> stop = false;
    ClientOptions options = library_.AdminOptions();
    options.state_file.clear();
    std::vector<Told> told(kClients);
    {
      std::vector<std::jthread> clients;
      for (int i = 0; i < kClients; ++i) {
        clients.emplace_back([&, i] {
          WorkUntilKilled(options, fmt::format("node-{}-{}", round, i), stop, told[i]);
        });
      }
      const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
      while (Position()["unused"] > unused && std::chrono::steady_clock::now() < patience) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
      }
      library_.Kill();
      stop = true;
    }
    ASSERT_TRUE(library_.Start());
    for (Told& one : told) told_.push_back(std::move(one));
  }
  std::map<std::string, LeaseRecord> Leases() {
    Client client = library_.NewClient();
    std::map<std::string, LeaseRecord> out;
    for (LeaseRecord& record : testing::AllItems<LeaseRecord>([&](const ListOptions& options) {
           return SeatClient(client).ListLeases({"db", "", "", true}, options);
         })) {
      out.emplace(record.lease.id, std::move(record));
    }
    return out;
  }

  std::vector<Told> told_;  // Of all rounds.
};

TEST_F(PowerCutTest, NothingThatWasToldIsLost) {
  ASSERT_NO_FATAL_FAILURE(BeginWithSeats());
  Do({"entitlement", "amend", "db", "--quantity", "100", "--key", Path("contracts")});
  for (int round = 0; round < 3; ++round) {
    ASSERT_NO_FATAL_FAILURE(WorkAndKill(round, 40 - 20 * round));
  }
  const std::map<std::string, LeaseRecord> found = Leases();
  size_t acknowledged = 0;
  for (const Told& one : told_) {
    for (const auto& [id, state] : one.leases) {
      ++acknowledged;
      ASSERT_TRUE(found.contains(id)) << id << " was acknowledged";
      if (!one.asked.contains(id)) {
        EXPECT_EQ(found.at(id).lease.state, state) << id;
      }
    }
  }
  EXPECT_GE(acknowledged, 60u);
  uint64_t in_use = 0;
  uint64_t reserved = 0;
  for (const auto& [id, record] : found) {
    if (record.lease.state == LeaseState::kActive) in_use += record.lease.seats;
    if (record.lease.state == LeaseState::kReserved) reserved += record.lease.seats;
  }
  const Json position = Position();
  EXPECT_EQ(position["inUse"], in_use) << "every count is derived";
  EXPECT_EQ(position["reserved"], reserved);
  EXPECT_LE(in_use + reserved, 100u);
  EXPECT_LE(position["highWater"], 100);
  EXPECT_EQ(Do({"admin", "verify-views"})["consistent"], true);
  // At every index, by the entries alone: no seat too many, nothing committed twice.
  const Json audit = Do({"log", "verify"});
  EXPECT_EQ(audit["faults"], Json::array()) << audit;
  EXPECT_GT(audit["entries"].get<uint64_t>(), acknowledged);
}

}  // namespace
}  // namespace dml
