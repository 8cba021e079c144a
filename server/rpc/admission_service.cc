// Quarantine, scans and holds.
#include "core/wire/api_trust.h"
#include "dml/v1/admission.grpc.pb.h"
#include "server/rpc/service_util.h"
#include "storage/views/library_view.h"

namespace dml {
namespace {

class AdmissionServiceImpl final : public v1::AdmissionService::Service {
 public:
  explicit AdmissionServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status DecideAdmission(grpc::ServerContext* context,
                               const v1::DecideAdmissionRequest* request,
                               v1::DecideAdmissionResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.AdmissionService/DecideAdmission",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(VariantName name, ReadVariant(request->name()));
          DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
          DML_ASSIGN_OR_RETURN(AdmissionState admission, wire::From(request->admission()));
          DML_RETURN_IF_ERROR(Answer(context_, caller, *request, *response,
                                     AdmissionDecided{name, admission, request->reason(), {}}));
          auto snapshot = context_.library.Read();
          DML_ASSIGN_OR_RETURN(auto found, LibraryView(*snapshot).FindVariant(name));
          if (found.has_value()) wire::To(*found, response->mutable_variant());
          return absl::OkStatus();
        });
  }

  grpc::Status StartScan(grpc::ServerContext* context, const v1::StartScanRequest*,
                         v1::StartScanResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdmissionService/StartScan",
                  [&](const Caller&) -> absl::Status {
                    if (!context_.admission.scans()) {
                      return FailedPrecondition(ErrorReason("SCANNER_MISSING"),
                                                "no malware scanner is configured: set "
                                                "admission.clamd in the daemon's configuration");
                    }
                    response->set_started(context_.admission.StartScan());
                    return absl::OkStatus();
                  });
  }

  grpc::Status GetScan(grpc::ServerContext* context, const v1::GetScanRequest*,
                       v1::GetScanResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdmissionService/GetScan",
                  [&](const Caller&) -> absl::Status {
                    const ScanProgress progress = context_.admission.progress();
                    response->set_running(progress.running);
                    wire::To(progress.start_time, response->mutable_start_time());
                    wire::To(progress.finish_time, response->mutable_finish_time());
                    response->set_variants(progress.variants);
                    response->set_bytes(progress.bytes);
                    response->set_infected(progress.infected);
                    response->set_not_fully_scanned(progress.not_fully_scanned);
                    response->set_errors(progress.errors);
                    if (!context_.admission.scans()) return absl::OkStatus();
                    DML_ASSIGN_OR_RETURN(ScanReport version, context_.admission.Version());
                    response->set_scanner(version.scanner);
                    response->set_signatures(version.signatures);
                    return absl::OkStatus();
                  });
  }

  grpc::Status PlaceHold(grpc::ServerContext* context, const v1::PlaceHoldRequest* request,
                         v1::PlaceHoldResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdmissionService/PlaceHold",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(VariantName name,
                                         ReadVariant(request->variant(), "variant"));
                    DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
                    return Answer(context_, caller, *request, *response,
                                  HoldPlaced{request->name(), name, request->reason()});
                  });
  }

  grpc::Status ReleaseHold(grpc::ServerContext* context, const v1::ReleaseHoldRequest* request,
                           v1::ReleaseHoldResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdmissionService/ReleaseHold",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(VariantName name,
                                         ReadVariant(request->variant(), "variant"));
                    DML_RETURN_IF_ERROR(caller.MayInNamespace(name.package.ns));
                    return Answer(context_, caller, *request, *response,
                                  HoldReleased{request->name(), name, request->reason()});
                  });
  }

  grpc::Status ListHolds(grpc::ServerContext* context, const v1::ListHoldsRequest* request,
                         v1::ListHoldsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.AdmissionService/ListHolds",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(PageRequest page,
                                         ReadPage(request->page_size(), request->page_token()));
                    auto snapshot = context_.library.Read();
                    caller.WillSeeEach();
                    DML_ASSIGN_OR_RETURN(
                        auto found, ListView(*snapshot).Holds(page, [&](const HoldRecord& record) {
                          return caller.SeesNamespace(record.placed.variant.package.ns);
                        }));
                    FillItems(found, response->mutable_holds());
                    response->set_next_page_token(PageToken(found.next_key));
                    return absl::OkStatus();
                  });
  }

 private:
  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdmissionService(const ServiceContext& context) {
  return std::make_unique<AdmissionServiceImpl>(context);
}

}  // namespace dml
