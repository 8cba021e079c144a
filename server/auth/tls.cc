#include "server/auth/tls.h"

#include <cstdlib>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

namespace dml {
namespace {

// OpenSSL adds the suites of TLS 1.3 to whatever is asked for; without a certificate-based suite of
// 1.2 among them, no handshake of 1.2 can succeed.
constexpr char kCipherSuites[] = "TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256";

// gRPC's own SSL credentials, with their certificates from a function that is called at each new
// connection. C++ has no name for that, so this puts the C core's object behind its interface.
class StoreCredentials final : public grpc::ServerCredentials {
 public:
  StoreCredentials(const TlsStore& store, grpc_ssl_client_certificate_request_type request)
      : store_(store),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(request, Fetch,
                                                                            this))) {}
  ~StoreCredentials() override { grpc_server_credentials_release(credentials_); }
  StoreCredentials(const StoreCredentials&) = delete;
  StoreCredentials& operator=(const StoreCredentials&) = delete;

  // Who calls is judged by CallGuard alone; passed over in silence, a processor would be a hole.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    std::abort();
  }

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<StoreCredentials*>(self)->FetchNew(config);
  }

  grpc_ssl_certificate_config_reload_status FetchNew(grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const TlsMaterial> current = store_.Current();
    absl::MutexLock lock(&mutex_);
    if (current == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair{current->private_key.c_str(),
                                          current->certificate_chain.c_str()};
    *config =
        grpc_ssl_server_certificate_config_create(current->client_authorities.c_str(), &pair, 1);
    given_ = std::move(current);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const TlsStore& store_;
  grpc_server_credentials* const credentials_;

  absl::Mutex mutex_;
  std::shared_ptr<const TlsMaterial> given_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

void AllowOnlyTls13() { ::setenv("GRPC_SSL_CIPHER_SUITES", kCipherSuites, /*overwrite=*/1); }

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsStore& store,
                                                               bool require_client_certificate) {
  return std::make_shared<StoreCredentials>(
      store, require_client_certificate ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                        : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
}

}  // namespace dml
