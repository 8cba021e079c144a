// The keys and roots of the fake library.
#include "core/crypto/sha256.h"
#include "core/trust/dsse.h"
#include "core/trust/root_edit.h"
#include "core/wire/api.h"
#include "dml/v1/key.grpc.pb.h"
#include "dml/v1/trust.grpc.pb.h"
#include "tests/client/fake_library.h"

namespace dml::testing {

class FakeLibrary::Keys final : public v1::KeyService::Service {
 public:
  explicit Keys(FakeLibrary* library) : library_(*library) {}
  grpc::Status ListKeys(grpc::ServerContext*, const v1::ListKeysRequest*,
                        v1::ListKeysResponse* out) override {
    std::lock_guard lock(library_.mutex_);
    for (const KeyRecord& key : library_.keys_) wire::To(key, out->add_keys());
    return library_.Enter("ListKeys");
  }

 private:
  FakeLibrary& library_;
};

class FakeLibrary::Trusts final : public v1::TrustService::Service {
 public:
  explicit Trusts(FakeLibrary* library) : library_(*library) {}
  grpc::Status ListRoots(grpc::ServerContext*, const v1::ListRootsRequest* in,
                         v1::ListRootsResponse* out) override {
    std::lock_guard lock(library_.mutex_);
    for (size_t i = in->after_version(); i < library_.roots_.size(); ++i) {
      out->add_roots()->set_envelope(library_.roots_[i]);
    }
    return library_.Enter("ListRoots");
  }
  grpc::Status ListDelegations(grpc::ServerContext*, const v1::ListDelegationsRequest*,
                               v1::ListDelegationsResponse*) override {
    return library_.Enter("ListDelegations");
  }

 private:
  FakeLibrary& library_;
};

void FakeLibrary::AddTrustServices() {
  services_.push_back(std::make_unique<Keys>(this));
  services_.push_back(std::make_unique<Trusts>(this));
}

void FakeLibrary::Trust(const PublicKey& key, const std::string& ns) {
  std::lock_guard lock(mutex_);
  const TrustKey trusted{key,
                         key.algorithm() == KeyAlgorithm::kEd25519 ? SignatureScheme::kEd25519
                                                                   : SignatureScheme::kEcdsaP256Der,
                         "publisher", true};
  ++root_.version;
  GivePackages(root_, trusted, SigningRole::kPublisher, ns).IgnoreError();
  SignRoot();
}

void FakeLibrary::SignRoot() {
  const Signer* keys[] = {&root_key_};
  roots_.push_back(
      FormatEnvelope(*SignEnvelope(kTrustRootPayloadType, *FormatTrustRoot(root_), keys)));
}

void FakeLibrary::Revoke(const PublicKey& key, const std::string& reason) {
  std::lock_guard lock(mutex_);
  KeyRecord record{.spki = key.spki_der(), .holder = "publisher"};
  record.revoked = true;
  record.revoke_reason = reason;
  record.revoked_index = AppendEntry("", KeyRevoked{key.id(), reason});
  keys_.push_back(std::move(record));
}

}  // namespace dml::testing
