#include "tools/bench/bench_daemon.h"

#include "client/policies.h"
#include "core/gate/policy.h"
#include "core/os/file.h"

namespace dml::bench {

BenchDaemon::BenchDaemon(std::unique_ptr<ChildProcess> process)
    : process_(std::move(process)), publisher_(PrivateKey::Generate(KeyAlgorithm::kEd25519)) {}

absl::StatusOr<std::unique_ptr<BenchDaemon>> BenchDaemon::Start(const Setup& setup,
                                                                const std::string& name,
                                                                std::string_view config) {
  const std::filesystem::path home = setup.work_dir / name;
  DML_RETURN_IF_ERROR(MakePrivateDirectory(home));
  const std::filesystem::path data = home / "data";
  std::vector<std::string> words = {setup.dmld.string(), "--data-dir", data.string(), "--listen",
                                    "127.0.0.1:0"};
  if (!config.empty()) {
    const std::filesystem::path file = home / "dmld.yaml";
    DML_RETURN_IF_ERROR(WriteFileAtomically(file, AsBytes(config), 0644));
    words.insert(words.end(), {"--config", file.string()});
  }
  DML_ASSIGN_OR_RETURN(auto process, ChildProcess::Start(words, home));
  DML_RETURN_IF_ERROR(process->AwaitLine("listening on ").status());
  std::unique_ptr<BenchDaemon> daemon(new BenchDaemon(std::move(process)));
  daemon->data_dir_ = data;
  DML_ASSIGN_OR_RETURN(daemon->options_, LoadProfile(data / "client" / "profile.yaml"));
  daemon->options_.state_file.clear();
  DML_RETURN_IF_ERROR(daemon->Fill());
  return daemon;
}

absl::Status BenchDaemon::Fill() {
  DML_ASSIGN_OR_RETURN(Client client, Connect());
  DML_RETURN_IF_ERROR(client.CreateNamespace(kNamespace, "", {}).status());
  DML_ASSIGN_OR_RETURN(std::string pem, ReadPrivateFile(options_.root_key_file, 64 << 10));
  DML_ASSIGN_OR_RETURN(PrivateKey root_key, PrivateKey::FromPkcs8Pem(pem));
  const Signer* root_keys[] = {&root_key};
  const TrustKey publisher{publisher_.public_key(), SignatureScheme::kEd25519, "publisher", false};
  DML_RETURN_IF_ERROR(
      client.RegisterKey({publisher, {"publisher"}, {kNamespace}}, root_keys).status());
  DML_RETURN_IF_ERROR(client.CreateEnvironment(kEnvironment, "", {}).status());
  return PolicyClient(client)
      .Set(kEnvironment, {.document = std::string(DefaultPolicyDocument())})
      .status();
}

absl::StatusOr<std::vector<Client>> BenchDaemon::Connect(int clients) const {
  std::vector<Client> out;
  for (int i = 0; i < clients; ++i) {
    DML_ASSIGN_OR_RETURN(Client client, Connect());
    out.push_back(std::move(client));
  }
  return out;
}

absl::StatusOr<Client> BenchDaemon::ConnectThrough(const std::string& target) const {
  ClientOptions options = options_;
  options.target = target;
  return Client::Create(options);
}

int BenchDaemon::port() const {
  return std::stoi(options_.target.substr(options_.target.rfind(':') + 1));
}

PackageSpec MakeSpec(const std::string& name, const std::string& version,
                     const std::vector<std::string>& required) {
  PackageSpec spec;
  spec.package = {kNamespace, name};
  spec.version = Version::Parse(VersionScheme::kSemver, version).value();
  spec.title = "Package of the benchmark";
  spec.declared_license = "MIT";
  for (const std::string& other : required) {
    spec.requires_all.push_back(
        {{{RelationKind::kPackage, fmt::format("{}/{}", kNamespace, other), VersionRange::All()}},
         RelationScope::kNode,
         ""});
  }
  return spec;
}

VariantName NameOf(const PackageSpec& spec) {
  return {spec.package, spec.version.text(), spec.platform};
}

}  // namespace dml::bench
