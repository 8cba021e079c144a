// Retention, collection, scrub and what is stored.
#include "client/calls.h"
#include "client/client.h"
#include "core/wire/api_upkeep.h"
#include "dml/v1/catalog.grpc.pb.h"
#include "dml/v1/maintenance.grpc.pb.h"

namespace dml {
namespace {

using Catalog = v1::CatalogService::Stub;
using Upkeep = v1::MaintenanceService::Stub;

JobStatus JobOf(const v1::Job& in) {
  return {in.waiting(), in.running(), in.error_reason(), in.error_message()};
}

absl::StatusOr<RetentionRecord> RetentionOf(const v1::Retention& in, const std::string& ns) {
  DML_ASSIGN_OR_RETURN(RetentionRecord out, Answered(wire::From(in)));
  if (out.ns != ns) {
    return BadAnswer(fmt::format("asked about namespace {}, told about {}", ns, out.ns));
  }
  return out;
}

}  // namespace

absl::StatusOr<RetentionRecord> Client::GetRetention(const std::string& ns) {
  v1::GetRetentionRequest request;
  request.set_namespace_(wire::NamespaceResource(ns));
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Catalog::GetRetention, request));
  return RetentionOf(response.retention(), ns);
}

absl::StatusOr<Committed<RetentionRecord>> Client::SetRetention(const std::string& ns,
                                                                const RetentionPolicy& policy,
                                                                const std::string& etag,
                                                                const MutationOptions& options) {
  v1::SetRetentionRequest request;
  RetentionRecord record;
  record.ns = ns;
  record.policy = policy;
  wire::To(record, request.mutable_retention());
  request.mutable_retention()->set_etag(etag);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<NamespaceRetentionSet>(connection(), &Catalog::SetRetention,
                                                     std::move(request), options));
  DML_ASSIGN_OR_RETURN(RetentionRecord set, RetentionOf(done.response.retention(), ns));
  return Committed<RetentionRecord>{std::move(set), std::move(done.commit)};
}

absl::StatusOr<JobStatus> Client::StartCollection() {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection().Call(&Upkeep::StartCollection, v1::StartCollectionRequest()));
  return JobOf(response.job());
}

absl::StatusOr<CollectionStatus> Client::GetCollection() {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection().Call(&Upkeep::GetCollection, v1::GetCollectionRequest()));
  CollectionStatus out;
  out.job = JobOf(response.job());
  DML_ASSIGN_OR_RETURN(out.record, Answered(wire::From(response.collection())));
  return out;
}

absl::StatusOr<JobStatus> Client::StartRepack() {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection().Call(&Upkeep::StartRepack, v1::StartRepackRequest()));
  return JobOf(response.job());
}

absl::StatusOr<RepackStatus> Client::GetRepack() {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection().Call(&Upkeep::GetRepack, v1::GetRepackRequest()));
  return RepackStatus{JobOf(response.job()), wire::From(response.repack())};
}

absl::StatusOr<JobStatus> Client::StartCollectionPlan() {
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Upkeep::StartCollectionPlan,
                                                        v1::StartCollectionPlanRequest()));
  return JobOf(response.job());
}

absl::StatusOr<CollectionPlanStatus> Client::GetCollectionPlan(const ListOptions& options) {
  v1::GetCollectionPlanRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Upkeep::GetCollectionPlan, request));
  CollectionPlanStatus out;
  out.job = JobOf(response.job());
  out.variants = response.variants();
  out.variant_bytes = response.variant_bytes();
  out.figures = wire::From(response.figures());
  for (const v1::CollectableVariant& item : response.items()) {
    DML_ASSIGN_OR_RETURN(VariantName name, Answered(VariantName::Parse(item.name())));
    out.page.items.push_back({std::move(name), item.payload_size(), item.reason()});
  }
  out.page.next_page_token = response.next_page_token();
  return out;
}

absl::StatusOr<JobStatus> Client::StartScrub(uint64_t bytes_per_second) {
  v1::StartScrubRequest request;
  request.set_bytes_per_second(bytes_per_second);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Upkeep::StartScrub, request));
  return JobOf(response.job());
}

absl::StatusOr<ScrubStatus> Client::GetScrub() {
  v1::GetScrubRequest request;
  request.set_page_size(kMaxDamagedTold);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Upkeep::GetScrub, request));
  ScrubStatus out;
  out.job = JobOf(response.job());
  out.record.running = out.job.running;
  out.record.start_time = wire::From(response.start_time());
  out.record.finish_time = wire::From(response.finish_time());
  out.record.chunks = response.chunks();
  out.record.bytes = response.bytes();
  out.record.damaged_count = response.damaged_count();
  for (const v1::DamagedChunk& item : response.damaged()) {
    DML_ASSIGN_OR_RETURN(DamagedChunk damaged, Answered(wire::From(item)));
    out.record.damaged.push_back(std::move(damaged));
  }
  return out;
}

absl::StatusOr<JobStatus> Client::StartMeasurement() {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection().Call(&Upkeep::StartMeasurement, v1::StartMeasurementRequest()));
  return JobOf(response.job());
}

absl::StatusOr<StorageStatus> Client::GetStorageFigures() {
  DML_ASSIGN_OR_RETURN(
      auto response, connection().Call(&Upkeep::GetStorageFigures, v1::GetStorageFiguresRequest()));
  return StorageStatus{JobOf(response.job()), wire::From(response.figures())};
}

}  // namespace dml
