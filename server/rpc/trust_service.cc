// The trust root, delegations, and the keys that they name.
#include "core/wire/api_trust.h"
#include "dml/v1/key.grpc.pb.h"
#include "dml/v1/trust.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/library/trust.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"
#include "storage/views/view_keys.h"

namespace dml {
namespace {

// Documents on one page together, in a message with room to spare.
constexpr size_t kDocumentsBytes = 2 << 20;

class TrustServiceImpl final : public v1::TrustService::Service {
 public:
  explicit TrustServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status ListRoots(grpc::ServerContext* context, const v1::ListRootsRequest* request,
                         v1::ListRootsResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.TrustService/ListRoots",
        [&](const Caller&) -> absl::Status {
          DML_ASSIGN_OR_RETURN(PageRequest page,
                               ReadPage(request->page_size(), request->page_token()));
          if (page.after_key.empty() && request->after_version() > 0) {
            page.after_key = view_keys::Root(request->after_version());
          }
          auto snapshot = context_.library.Read();
          auto list = [&](const PageRequest& one) { return ListView(*snapshot).Roots(one); };
          DML_ASSIGN_OR_RETURN(
              std::string next,
              FillDocuments<RootRecord>(*snapshot, page, list, response->mutable_roots()));
          response->set_next_page_token(next);
          return absl::OkStatus();
        });
  }

  grpc::Status ListDelegations(grpc::ServerContext* context,
                               const v1::ListDelegationsRequest* request,
                               v1::ListDelegationsResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.TrustService/ListDelegations",
        [&](const Caller&) -> absl::Status {
          DML_ASSIGN_OR_RETURN(PageRequest page,
                               ReadPage(request->page_size(), request->page_token()));
          auto snapshot = context_.library.Read();
          auto list = [&](const PageRequest& one) { return ListView(*snapshot).Delegations(one); };
          DML_ASSIGN_OR_RETURN(std::string next,
                               FillDocuments<DelegationRecord>(*snapshot, page, list,
                                                               response->mutable_delegations()));
          response->set_next_page_token(next);
          return absl::OkStatus();
        });
  }

  grpc::Status SetRoot(grpc::ServerContext* context, const v1::SetRootRequest* request,
                       v1::SetRootResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.TrustService/SetRoot",
                  [&](const Caller& caller) -> absl::Status {
                    auto snapshot = context_.library.Read();
                    absl::StatusOr<Command> command =
                        PrepareSetRoot(*snapshot, request->envelope(), context_.library.origin(),
                                       context_.library.log_key(), WallClockNow());
                    if (!command.ok()) return AtField(command.status(), "envelope");
                    const uint64_t version = std::get<RootSet>(command->payload).version;
                    DML_ASSIGN_OR_RETURN(Receipt receipt,
                                         CommitAs(context_, caller, request->request_id(),
                                                  request->validate_only(), *std::move(command)));
                    To(receipt, response->mutable_receipt());
                    response->mutable_root()->set_version(version);
                    response->mutable_root()->set_envelope(request->envelope());
                    response->mutable_root()->set_index(receipt.index);
                    return absl::OkStatus();
                  });
  }

  grpc::Status SetDelegation(grpc::ServerContext* context, const v1::SetDelegationRequest* request,
                             v1::SetDelegationResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.TrustService/SetDelegation",
                  [&](const Caller& caller) -> absl::Status {
                    DelegationSet set;
                    Receipt receipt;
                    DML_RETURN_IF_ERROR(RetryWhereStale([&]() -> absl::Status {
                      auto snapshot = context_.library.Read();
                      absl::StatusOr<Command> command =
                          PrepareSetDelegation(*snapshot, request->envelope(), WallClockNow());
                      if (!command.ok()) return AtField(command.status(), "envelope");
                      set = std::get<DelegationSet>(command->payload);
                      DML_ASSIGN_OR_RETURN(receipt,
                                           CommitAs(context_, caller, request->request_id(),
                                                    request->validate_only(), *std::move(command)));
                      return absl::OkStatus();
                    }));
                    To(receipt, response->mutable_receipt());
                    v1::TrustDocument* out = response->mutable_delegation();
                    out->set_version(set.version);
                    for (const std::string& name : set.chain) out->add_chain(name);
                    out->set_envelope(request->envelope());
                    out->set_index(receipt.index);
                    return absl::OkStatus();
                  });
  }

 private:
  // Answers the next page token.
  template <typename Record, typename List>
  static absl::StatusOr<std::string> FillDocuments(
      const Reader& state, PageRequest page, const List& list,
      google::protobuf::RepeatedPtrField<v1::TrustDocument>* out) {
    size_t left = kDocumentsBytes;
    const size_t wanted = page.size;
    page.size = 1;
    for (size_t count = 0; count < wanted; ++count) {
      DML_ASSIGN_OR_RETURN(Page<Record> found, list(page));
      for (const Record& record : found.items) {
        if (record.envelope.size > left && count > 0) return PageToken(page.after_key);
        left -= std::min<size_t>(left, record.envelope.size);
        v1::TrustDocument* document = out->Add();
        wire::To(record, document);
        DML_ASSIGN_OR_RETURN(*document->mutable_envelope(), ReadMetadata(state, record.envelope));
      }
      page.after_key = found.next_key;
      if (page.after_key.empty()) return std::string();
    }
    return PageToken(page.after_key);
  }

  const ServiceContext context_;
};

class KeyServiceImpl final : public v1::KeyService::Service {
 public:
  explicit KeyServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status GetKey(grpc::ServerContext* context, const v1::GetKeyRequest* request,
                      v1::GetKeyResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.KeyService/GetKey",
                  [&](const Caller&) -> absl::Status {
                    absl::StatusOr<Digest> id = wire::ParseKeyResource(request->name());
                    if (!id.ok()) return AtField(id.status(), "name");
                    return FillKey(*id, response->mutable_key());
                  });
  }

  grpc::Status ListKeys(grpc::ServerContext* context, const v1::ListKeysRequest* request,
                        v1::ListKeysResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.KeyService/ListKeys",
                  [&](const Caller&) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Keys(page));
                    FillItems(found, response->mutable_keys());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status RevokeKey(grpc::ServerContext* context, const v1::RevokeKeyRequest* request,
                         v1::RevokeKeyResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.KeyService/RevokeKey",
                  [&](const Caller& caller) -> absl::Status {
                    absl::StatusOr<Digest> id = wire::ParseKeyResource(request->name());
                    if (!id.ok()) return AtField(id.status(), "name");
                    Command command;
                    command.payload = KeyRevoked{*id, request->reason()};
                    DML_ASSIGN_OR_RETURN(Receipt receipt,
                                         CommitAs(context_, caller, request->request_id(),
                                                  request->validate_only(), std::move(command)));
                    To(receipt, response->mutable_receipt());
                    return FillKey(*id, response->mutable_key());
                  });
  }

  grpc::Status ListSignatures(grpc::ServerContext* context,
                              const v1::ListSignaturesRequest* request,
                              v1::ListSignaturesResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.KeyService/ListSignatures",
                  [&](const Caller&) -> absl::Status {
                    absl::StatusOr<Digest> id = wire::ParseKeyResource(request->key());
                    if (!id.ok()) return AtField(id.status(), "key");
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_RETURN_IF_ERROR(FindKey(*snapshot, *id).status());
                    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Signatures(*id, page));
                    for (const SignatureMatch& match : found.items) {
                      v1::Signature* out = response->add_signatures();
                      out->set_variant(match.variant.ResourceName());
                      out->set_index(match.index);
                      out->set_envelope(match.envelope.ToString());
                    }
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

 private:
  static absl::StatusOr<KeyRecord> FindKey(const Reader& state, const Digest& id) {
    DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindKey(id));
    if (found.has_value()) return *std::move(found);
    return NotFound(ErrorReason("KEY_NOT_FOUND"), "no {}", wire::KeyResource(id));
  }
  absl::Status FillKey(const Digest& id, v1::Key* out) const {
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(KeyRecord record, FindKey(*snapshot, id));
    wire::To(record, out);
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeTrustService(const ServiceContext& context) {
  return std::make_unique<TrustServiceImpl>(context);
}
std::unique_ptr<grpc::Service> MakeKeyService(const ServiceContext& context) {
  return std::make_unique<KeyServiceImpl>(context);
}

}  // namespace dml
