// Quarantine, scans, holds, media and documents.
#include "client/calls.h"
#include "client/client.h"
#include "core/wire/api_trust.h"
#include "dml/v1/admission.grpc.pb.h"
#include "dml/v1/media.grpc.pb.h"

namespace dml {
namespace {

using Admissions = v1::AdmissionService::Stub;
using MediaCalls = v1::MediaService::Stub;

constexpr auto kRead = [](const auto& item) { return wire::From(item); };

}  // namespace

absl::StatusOr<Committed<VariantRecord>> Client::DecideAdmission(const VariantName& name,
                                                                 AdmissionState admission,
                                                                 const std::string& reason,
                                                                 const MutationOptions& options) {
  v1::DecideAdmissionRequest request;
  request.set_name(name.ResourceName());
  request.set_admission(static_cast<v1::Admission>(admission));
  request.set_reason(reason);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<AdmissionDecided>(connection(), &Admissions::DecideAdmission,
                                                std::move(request), options));
  DML_ASSIGN_OR_RETURN(VariantRecord record, Answered(wire::From(done.response.variant())));
  return Committed<VariantRecord>{std::move(record), std::move(done.commit)};
}

absl::StatusOr<bool> Client::StartScan() {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection().Call(&Admissions::StartScan, v1::StartScanRequest()));
  return response.started();
}

absl::StatusOr<ScanStatus> Client::GetScan() {
  DML_ASSIGN_OR_RETURN(auto response,
                       connection().Call(&Admissions::GetScan, v1::GetScanRequest()));
  return ScanStatus{response.running(),
                    wire::From(response.start_time()),
                    wire::From(response.finish_time()),
                    response.variants(),
                    response.bytes(),
                    response.infected(),
                    response.not_fully_scanned(),
                    response.errors(),
                    response.scanner(),
                    response.signatures()};
}

absl::StatusOr<Commit> Client::PlaceHold(const HoldPlaced& hold, const MutationOptions& options) {
  v1::PlaceHoldRequest request;
  request.set_name(hold.name);
  request.set_variant(hold.variant.ResourceName());
  request.set_reason(hold.reason);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<HoldPlaced>(connection(), &Admissions::PlaceHold,
                                                     std::move(request), options));
  return std::move(done.commit);
}

absl::StatusOr<Commit> Client::ReleaseHold(const HoldReleased& hold,
                                           const MutationOptions& options) {
  v1::ReleaseHoldRequest request;
  request.set_name(hold.name);
  request.set_variant(hold.variant.ResourceName());
  request.set_reason(hold.reason);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<HoldReleased>(connection(), &Admissions::ReleaseHold,
                                                       std::move(request), options));
  return std::move(done.commit);
}

absl::StatusOr<ListPage<HoldRecord>> Client::ListHolds(const ListOptions& options) {
  v1::ListHoldsRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Admissions::ListHolds, request));
  return ReadPageBy<HoldRecord>(response.holds(), response.next_page_token(), kRead);
}

absl::StatusOr<Committed<MediaRecord>> Client::RegisterMedia(const MediaRegistered& item,
                                                             const MutationOptions& options) {
  v1::RegisterMediaRequest request;
  MediaRecord record;
  record.item = item;
  wire::To(record, request.mutable_media());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<MediaRegistered>(connection(), &MediaCalls::RegisterMedia,
                                                          std::move(request), options));
  DML_ASSIGN_OR_RETURN(record, Answered(wire::From(done.response.media())));
  return Committed<MediaRecord>{std::move(record), std::move(done.commit)};
}

absl::StatusOr<MediaRecord> Client::GetMedia(const std::string& name) {
  v1::GetMediaRequest request;
  request.set_name(wire::MediaResource(name));
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&MediaCalls::GetMedia, request));
  return Answered(wire::From(response.media()));
}

absl::StatusOr<ListPage<MediaRecord>> Client::ListMedia(const ListOptions& options) {
  v1::ListMediaRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&MediaCalls::ListMedia, request));
  return ReadPageBy<MediaRecord>(response.media(), response.next_page_token(), kRead);
}

absl::StatusOr<Committed<MediaRecord>> Client::RecordCustody(const CustodyRecorded& custody,
                                                             const MutationOptions& options) {
  v1::RecordCustodyRequest request;
  CustodyRecord record;
  record.recorded = custody;
  wire::To(record, request.mutable_custody());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<CustodyRecorded>(connection(), &MediaCalls::RecordCustody,
                                                          std::move(request), options));
  DML_ASSIGN_OR_RETURN(MediaRecord media, Answered(wire::From(done.response.media())));
  return Committed<MediaRecord>{std::move(media), std::move(done.commit)};
}

absl::StatusOr<ListPage<CustodyRecord>> Client::ListCustody(const std::string& name,
                                                            const ListOptions& options) {
  v1::ListCustodyRequest request;
  request.set_media(wire::MediaResource(name));
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&MediaCalls::ListCustody, request));
  return ReadPageBy<CustodyRecord>(response.custody(), response.next_page_token(), kRead);
}

}  // namespace dml
