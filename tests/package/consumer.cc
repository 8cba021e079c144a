// Uses every installed header of dml::client, and runs into a library that is not there.
#include <iostream>

#include <dml/client/client.h>
#include <dml/client/compatibility.h>
#include <dml/client/licenses.h>
#include <dml/client/options.h>
#include <dml/client/package_bundle.h>
#include <dml/client/releases.h>
#include <dml/client/seats.h>
#include <dml/client/transfer.h>
#include <dml/core/crypto/keys.h>

int main() {
  dml::ClientOptions options;
  options.target = "127.0.0.1:1";
  options.insecure_loopback = true;
  options.log_origin = "consumer.example/log";
  options.log_key_pem = dml::PrivateKey::Generate(dml::KeyAlgorithm::kEd25519).public_key().ToPem();
  options.retry.max_attempts = 1;
  absl::StatusOr<dml::Client> client = dml::Client::Create(options);
  if (!client.ok()) {
    std::cerr << client.status() << "\n";
    return 1;
  }
  dml::VariantName name{{"acme", "api"}, "1.0.0", {}};
  absl::Status status = dml::VerifyVariant(*client, name, {}).status();
  std::cout << dml::Reason(status) << "\n";
  const absl::Status seats =
      dml::SeatClient(*client).Check("production", {{"db", "web-1"}}).status();
  if (dml::Reason(seats) != dml::Reason(status)) return 1;
  return dml::Reason(status) == "SERVER_UNAVAILABLE" ? 0 : 1;
}
