// Physical media and documents.
#include "core/wire/api_trust.h"
#include "dml/v1/media.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

class MediaServiceImpl final : public v1::MediaService::Service {
 public:
  explicit MediaServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status RegisterMedia(grpc::ServerContext* context, const v1::RegisterMediaRequest* request,
                             v1::RegisterMediaResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.MediaService/RegisterMedia",
        [&](const Caller& caller) -> absl::Status {
          absl::StatusOr<MediaRecord> record = wire::From(request->media());
          if (!record.ok()) return AtField(record.status(), "media");
          DML_RETURN_IF_ERROR(CheckMayIn(caller, record->item.name));
          DML_RETURN_IF_ERROR(Answer(context_, caller, *request, *response, record->item));
          if (request->validate_only()) return absl::OkStatus();
          return Fill(record->item.name, response->mutable_media());
        });
  }

  grpc::Status GetMedia(grpc::ServerContext* context, const v1::GetMediaRequest* request,
                        v1::GetMediaResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.MediaService/GetMedia",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(std::string name,
                                         wire::ParseResource(request->name(), "media"));
                    DML_RETURN_IF_ERROR(CheckMayIn(caller, name));
                    return Fill(name, response->mutable_media());
                  });
  }

  grpc::Status ListMedia(grpc::ServerContext* context, const v1::ListMediaRequest* request,
                         v1::ListMediaResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.MediaService/ListMedia",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    caller.WillSeeEach();
                    DML_ASSIGN_OR_RETURN(
                        auto found, ListView(*snapshot).Media(page, [&](const MediaRecord& record) {
                          return caller.SeesNamespace(NamespaceOf(record.item.name));
                        }));
                    FillItems(found, response->mutable_media());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

  grpc::Status RecordCustody(grpc::ServerContext* context, const v1::RecordCustodyRequest* request,
                             v1::RecordCustodyResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.MediaService/RecordCustody",
        [&](const Caller& caller) -> absl::Status {
          absl::StatusOr<CustodyRecord> record = wire::From(request->custody());
          if (!record.ok()) return AtField(record.status(), "custody");
          DML_RETURN_IF_ERROR(CheckMayIn(caller, record->recorded.name));
          DML_RETURN_IF_ERROR(Answer(context_, caller, *request, *response, record->recorded));
          return Fill(record->recorded.name, response->mutable_media());
        });
  }

  grpc::Status ListCustody(grpc::ServerContext* context, const v1::ListCustodyRequest* request,
                           v1::ListCustodyResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.MediaService/ListCustody",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(std::string name,
                                         wire::ParseResource(request->media(), "media"));
                    DML_RETURN_IF_ERROR(CheckMayIn(caller, name));
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    DML_RETURN_IF_ERROR(Find(*snapshot, name).status());
                    DML_ASSIGN_OR_RETURN(auto found, ListView(*snapshot).Custody(name, page));
                    FillItems(found, response->mutable_custody());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

 private:
  static std::string_view NamespaceOf(std::string_view name) {
    return name.substr(0, name.find('/'));
  }
  static absl::Status CheckMayIn(const Caller& caller, std::string_view name) {
    return caller.MayInNamespace(NamespaceOf(name));
  }
  static absl::StatusOr<MediaRecord> Find(const Reader& state, const std::string& name) {
    DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindMedia(name));
    if (found.has_value()) return *std::move(found);
    return NotFound(ErrorReason("MEDIA_NOT_FOUND"), "no {}", wire::MediaResource(name));
  }
  absl::Status Fill(const std::string& name, v1::Media* out) const {
    auto snapshot = context_.library.Read();
    DML_ASSIGN_OR_RETURN(MediaRecord record, Find(*snapshot, name));
    wire::To(record, out);
    return absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeMediaService(const ServiceContext& context) {
  return std::make_unique<MediaServiceImpl>(context);
}

}  // namespace dml
