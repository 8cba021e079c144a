// Collection, scrub and what is stored.
#include "core/wire/api_upkeep.h"
#include "dml/v1/maintenance.grpc.pb.h"
#include "server/rpc/service_util.h"

namespace dml {
namespace {

void To(const JobState& job, v1::Job* out) {
  out->set_waiting(job.waiting);
  out->set_running(job.running);
  if (job.error.ok()) return;
  out->set_error_reason(Reason(job.error));
  out->set_error_message(std::string(Message(job.error)));
}

constexpr int kMaxLooks = 10;

// "<when the plan was made>.<position>": pages of two plans never mix.
absl::StatusOr<std::string> PositionIn(const std::string& page_token, Timestamp plan_time) {
  const size_t dot = page_token.find('.');
  if (page_token.empty() || dot == std::string::npos) return page_token;
  if (page_token.substr(0, dot) == std::to_string(ToMicros(plan_time))) {
    return page_token.substr(dot + 1);
  }
  return Aborted(ErrorReason("PLAN_CHANGED"),
                 "the plan that this page is of was made anew: start again without a page token");
}

class MaintenanceServiceImpl final : public v1::MaintenanceService::Service {
 public:
  explicit MaintenanceServiceImpl(const ServiceContext& context)
      : guard_(context.guard), library_(context.library), maintenance_(context.maintenance) {}

  grpc::Status StartCollection(grpc::ServerContext* context, const v1::StartCollectionRequest*,
                               v1::StartCollectionResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/StartCollection",
                  [&](const Caller& caller) -> absl::Status {
                    DML_RETURN_IF_ERROR(library_.CheckWritable());
                    maintenance_.Collect(caller.principal());
                    To(maintenance_.collection().job, response->mutable_job());
                    return absl::OkStatus();
                  });
  }

  grpc::Status GetCollection(grpc::ServerContext* context, const v1::GetCollectionRequest*,
                             v1::GetCollectionResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/GetCollection",
                  [&](const Caller&) -> absl::Status {
                    const Maintenance::Collection collection = maintenance_.collection();
                    To(collection.job, response->mutable_job());
                    wire::To(collection.record, response->mutable_collection());
                    return absl::OkStatus();
                  });
  }

  grpc::Status StartRepack(grpc::ServerContext* context, const v1::StartRepackRequest*,
                           v1::StartRepackResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/StartRepack",
                  [&](const Caller&) -> absl::Status {
                    DML_RETURN_IF_ERROR(library_.CheckWritable());
                    maintenance_.Repack();
                    To(maintenance_.repacking().job, response->mutable_job());
                    return absl::OkStatus();
                  });
  }

  grpc::Status GetRepack(grpc::ServerContext* context, const v1::GetRepackRequest*,
                         v1::GetRepackResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/GetRepack",
                  [&](const Caller&) -> absl::Status {
                    const Maintenance::Repacking repacking = maintenance_.repacking();
                    To(repacking.job, response->mutable_job());
                    wire::To(repacking.record, response->mutable_repack());
                    return absl::OkStatus();
                  });
  }

  grpc::Status StartCollectionPlan(grpc::ServerContext* context,
                                   const v1::StartCollectionPlanRequest*,
                                   v1::StartCollectionPlanResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/StartCollectionPlan",
                  [&](const Caller&) -> absl::Status {
                    maintenance_.MakePlan();
                    To(maintenance_.plan(0, 0).job, response->mutable_job());
                    return absl::OkStatus();
                  });
  }

  grpc::Status GetCollectionPlan(grpc::ServerContext* context,
                                 const v1::GetCollectionPlanRequest* request,
                                 v1::GetCollectionPlanResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/GetCollectionPlan",
                  [&](const Caller&) { return GetPlan(*request, *response); });
  }

  grpc::Status StartScrub(grpc::ServerContext* context, const v1::StartScrubRequest* request,
                          v1::StartScrubResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/StartScrub",
                  [&](const Caller&) -> absl::Status {
                    DML_RETURN_IF_ERROR(maintenance_.RunScrub(request->bytes_per_second()));
                    To(maintenance_.scrubbing().job, response->mutable_job());
                    return absl::OkStatus();
                  });
  }

  grpc::Status GetScrub(grpc::ServerContext* context, const v1::GetScrubRequest* request,
                        v1::GetScrubResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/GetScrub",
                  [&](const Caller&) { return Scrubbing(*request, *response); });
  }

  grpc::Status StartMeasurement(grpc::ServerContext* context, const v1::StartMeasurementRequest*,
                                v1::StartMeasurementResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/StartMeasurement",
                  [&](const Caller&) -> absl::Status {
                    maintenance_.Measure();
                    To(maintenance_.measurement().job, response->mutable_job());
                    return absl::OkStatus();
                  });
  }

  grpc::Status GetStorageFigures(grpc::ServerContext* context, const v1::GetStorageFiguresRequest*,
                                 v1::GetStorageFiguresResponse* response) override {
    return Handle(guard_, context, "/dml.v1.MaintenanceService/GetStorageFigures",
                  [&](const Caller&) -> absl::Status {
                    const Maintenance::Measurement measurement = maintenance_.measurement();
                    To(measurement.job, response->mutable_job());
                    wire::To(measurement.figures, response->mutable_figures());
                    return absl::OkStatus();
                  });
  }

 private:
  absl::Status GetPlan(const v1::GetCollectionPlanRequest& request,
                       v1::GetCollectionPlanResponse& response) {
    absl::Status status;
    // Who asks for the first page means no plan in particular.
    for (int looks = 0; looks < (request.page_token().empty() ? kMaxLooks : 1); ++looks) {
      status = LookAtPlan(request, response);
      if (Reason(status) != "PLAN_CHANGED") break;
    }
    return status;
  }

  absl::Status LookAtPlan(const v1::GetCollectionPlanRequest& request,
                          v1::GetCollectionPlanResponse& response) {
    // Size and items are of two moments; a plan that comes between them fails the second look.
    const Maintenance::Plan whole = maintenance_.plan(0, 0);
    const Timestamp time = whole.plan.figures.time;
    DML_ASSIGN_OR_RETURN(std::string position, PositionIn(request.page_token(), time));
    DML_ASSIGN_OR_RETURN(Slice slice, ReadSlice(request.page_size(), position, whole.items));
    const Maintenance::Plan page = maintenance_.plan(slice.begin, slice.end);
    if (page.plan.figures.time != time) {
      return Aborted(ErrorReason("PLAN_CHANGED"), "the plan was made anew just now: ask again");
    }
    To(page.job, response.mutable_job());
    response.set_variants(page.plan.variants);
    response.set_variant_bytes(page.plan.variant_bytes);
    if (time != Timestamp()) wire::To(page.plan.figures, response.mutable_figures());
    for (const Collectable& item : page.plan.items) {
      v1::CollectableVariant* out = response.add_items();
      out->set_name(item.name.ResourceName());
      out->set_payload_size(item.payload_size);
      out->set_reason(item.reason);
    }
    if (!slice.next_page_token.empty()) {
      response.set_next_page_token(fmt::format("{}.{}", ToMicros(time), slice.next_page_token));
    }
    return absl::OkStatus();
  }

  absl::Status Scrubbing(const v1::GetScrubRequest& request, v1::GetScrubResponse& response) {
    const Maintenance::Scrubbing scrubbing = maintenance_.scrubbing();
    const ScrubRecord& record = scrubbing.record;
    DML_ASSIGN_OR_RETURN(
        Slice slice, ReadSlice(request.page_size(), request.page_token(), record.damaged.size()));
    To(scrubbing.job, response.mutable_job());
    if (record.start_time != Timestamp())
      wire::To(record.start_time, response.mutable_start_time());
    if (record.finish_time != Timestamp()) {
      wire::To(record.finish_time, response.mutable_finish_time());
    }
    response.set_chunks(record.chunks);
    response.set_bytes(record.bytes);
    response.set_damaged_count(record.damaged_count);
    for (size_t i = slice.begin; i < slice.end; ++i) {
      wire::To(record.damaged[i], response.add_damaged());
    }
    response.set_next_page_token(slice.next_page_token);
    return absl::OkStatus();
  }

  CallGuard& guard_;
  Library& library_;
  Maintenance& maintenance_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeMaintenanceService(const ServiceContext& context) {
  return std::make_unique<MaintenanceServiceImpl>(context);
}

}  // namespace dml
