#include "server/auth/identity_files.h"

namespace dml {

IdentityFiles::IdentityFiles(const std::filesystem::path& data_dir)
    : keys(data_dir / "keys"),
      tls(data_dir / "tls"),
      client(data_dir / "client"),
      ca_key(keys / "ca.key"),
      ca_certificate(tls / "ca.pem"),
      server_key(keys / "server.key"),
      server_certificate(tls / "server.pem"),
      log_key(keys / "log.key"),
      log_public_key(client / "log.pem"),
      origin(data_dir / "origin"),
      next_log_key(keys / "log.next.key"),
      next_log_public_key(client / "log.next.pem"),
      signed_checkpoint(data_dir / "signed-checkpoint"),
      admin_key(client / "admin.key"),
      admin_certificate(client / "admin.pem"),
      profile(client / "profile.yaml"),
      root_key(client / "root.key"),
      root(client / "root.json"),
      permit_key(keys / "permit.key") {}

}  // namespace dml
