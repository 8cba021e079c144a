// Permits: given, shown, handed to nodes with all that proves them, used and revoked.
#include <algorithm>

#include "core/crypto/sha256.h"
#include "core/evidence/permit_bundle.h"
#include "core/release/baseline.h"
#include "core/wire/api_releases.h"
#include "core/wire/api_seats.h"
#include "dml/v1/permit.grpc.pb.h"
#include "server/rpc/node_caller.h"
#include "server/rpc/permit_answers.h"
#include "server/rpc/permit_issue.h"
#include "storage/library/releases.h"
#include "storage/views/library_view.h"
#include "storage/views/projector.h"

namespace dml {
namespace {

constexpr std::chrono::hours kDefaultPermitTime{24};
constexpr size_t kBundlePartBytes = 1 << 20;
constexpr int kMaxShownUses = 1000;

Timestamp WholeSeconds(Timestamp time) { return std::chrono::floor<std::chrono::seconds>(time); }

absl::StatusOr<PermitRequest> ReadRequest(const Reader& state, const Caller& caller,
                                          const v1::IssuePermitRequest& in, Timestamp now) {
  PermitRequest out;
  DML_ASSIGN_OR_RETURN(out.environment, ReadPermittedEnvironment(caller, in.environment()));
  DML_ASSIGN_OR_RETURN(const ReleaseRecord release, FindNamedRelease(state, in.release()));
  out.release = release.document.digest;
  out.nodes.assign(in.nodes().begin(), in.nodes().end());
  out.node_labels = wire::From(in.node_labels());
  out.not_before = WholeSeconds(now);
  if (in.has_not_before_time()) {
    DML_ASSIGN_OR_RETURN(out.not_before, ReadTimeField(in.not_before_time(), "not_before_time"));
    out.not_before = WholeSeconds(out.not_before);
  }
  out.expires = out.not_before + kDefaultPermitTime;
  if (in.has_expire_time()) {
    DML_ASSIGN_OR_RETURN(out.expires, ReadTimeField(in.expire_time(), "expire_time"));
    out.expires = WholeSeconds(out.expires);
  }
  constexpr auto kLongest = std::chrono::duration_cast<std::chrono::seconds>(kMaxPermitTime);
  out.max_revocation_age = std::chrono::seconds(
      std::min<uint64_t>(in.max_revocation_age_seconds(), uint64_t{12} * kLongest.count()));
  for (const v1::SeatRequest& item : in.seats()) {
    absl::StatusOr<SeatRequest> seat = wire::From(item);
    if (!seat.ok()) return AtField(seat.status(), "seats");
    out.seats.push_back(*std::move(seat));
  }
  out.deployer = NameOf(caller);
  return out;
}

class PermitServiceImpl final : public v1::PermitService::Service {
 public:
  explicit PermitServiceImpl(const ServiceContext& context) : context_(context) {}

  grpc::Status IssuePermit(grpc::ServerContext* context, const v1::IssuePermitRequest* request,
                           v1::IssuePermitResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.PermitService/IssuePermit",
                  [&](const Caller& caller) -> absl::Status {
                    PermitRequest asked;
                    {
                      const auto state = context_.library.Read();
                      DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
                      DML_ASSIGN_OR_RETURN(asked, ReadRequest(*state, caller, *request, now));
                    }
                    DML_RETURN_IF_ERROR(AskedBefore(caller, *request, asked));
                    DML_ASSIGN_OR_RETURN(
                        const IssuedPermit issued,
                        dml::IssuePermit(context_, caller, std::move(asked), request->request_id(),
                                         request->validate_only()));
                    return Fill(issued, *response);
                  });
  }

  grpc::Status GetPermit(grpc::ServerContext* context, const v1::GetPermitRequest* request,
                         v1::GetPermitResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.PermitService/GetPermit",
        [&](const Caller& caller) -> absl::Status {
          const auto state = context_.library.Read();
          DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
          DML_ASSIGN_OR_RETURN(const PermitRecord permit, Find(*state, caller, request->name()));
          DML_RETURN_IF_ERROR(FillPermit(*state, permit, now, response->mutable_permit()));
          DML_RETURN_IF_ERROR(FillFindings(*state, permit, *request, *response));
          if (permit.decided.permit.size > 0) {
            DML_ASSIGN_OR_RETURN(*response->mutable_statement(),
                                 ReadMetadata(*state, permit.decided.permit));
          }
          PageRequest page;
          page.size = kMaxShownUses;
          DML_ASSIGN_OR_RETURN(const auto uses,
                               ListView(*state).PermitUses(permit.decided.id, page));
          FillItems(uses, response->mutable_uses());
          return absl::OkStatus();
        });
  }

  grpc::Status ListPermits(grpc::ServerContext* context, const v1::ListPermitsRequest* request,
                           v1::ListPermitsResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.PermitService/ListPermits",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(const std::string environment,
                                         ReadPermittedEnvironment(caller, request->environment()));
                    return List(caller, environment, *request, *response);
                  });
  }

  grpc::Status GetPermitBundle(grpc::ServerContext* context,
                               const v1::GetPermitBundleRequest* request,
                               grpc::ServerWriter<v1::GetPermitBundleResponse>* stream) override {
    return Handle(context_.guard, context, "/dml.v1.PermitService/GetPermitBundle",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(const std::string text, Bundle(caller, *request));
                    for (size_t at = 0; at < text.size(); at += kBundlePartBytes) {
                      v1::GetPermitBundleResponse part;
                      part.set_data(text.substr(at, kBundlePartBytes));
                      if (stream->Write(part)) continue;
                      return absl::CancelledError("the caller went away");
                    }
                    return absl::OkStatus();
                  });
  }

  grpc::Status RevokePermit(grpc::ServerContext* context, const v1::RevokePermitRequest* request,
                            v1::RevokePermitResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.PermitService/RevokePermit",
        [&](const Caller& caller) -> absl::Status {
          DML_ASSIGN_OR_RETURN(const PermitRecord permit,
                               Find(*context_.library.Read(), caller, request->name()));
          DML_RETURN_IF_ERROR(Answer(context_, caller, *request, *response,
                                     PermitRevoked{permit.decided.id, request->reason()}));
          return FillNow(permit.decided.id, response->mutable_permit());
        });
  }

  grpc::Status GetRevocationList(grpc::ServerContext* context, const v1::GetRevocationListRequest*,
                                 v1::GetRevocationListResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.PermitService/GetRevocationList",
                  [&](const Caller&) -> absl::Status {
                    DML_RETURN_IF_ERROR(RequireKey());
                    const auto state = context_.library.Read();
                    DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
                    DML_ASSIGN_OR_RETURN(SignedRevocations list,
                                         SignRevocations(*state, context_.library.origin(),
                                                         *context_.permit_key, now));
                    response->set_envelope(std::move(list.envelope));
                    response->set_number(list.number);
                    wire::To(list.time, response->mutable_time());
                    return absl::OkStatus();
                  });
  }

  grpc::Status UsePermit(grpc::ServerContext* context, const v1::UsePermitRequest* request,
                         v1::UsePermitResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.PermitService/UsePermit",
        [&](const Caller& caller) -> absl::Status { return Use(caller, *request, *response); });
  }

  grpc::Status ReadPermitDocument(grpc::ServerContext* context,
                                  const v1::ReadPermitDocumentRequest* request,
                                  v1::ReadPermitDocumentResponse* response) override {
    return Handle(context_.guard, context, "/dml.v1.PermitService/ReadPermitDocument",
                  [&](const Caller& caller) -> absl::Status {
                    DML_ASSIGN_OR_RETURN(*response->mutable_data(), Document(caller, *request));
                    return absl::OkStatus();
                  });
  }

  grpc::Status BatchEvaluate(grpc::ServerContext* context, const v1::BatchEvaluateRequest* request,
                             v1::BatchEvaluateResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.PermitService/BatchEvaluate",
        [&](const Caller& caller) { return AnswerBatch(context_, caller, *request, *response); });
  }

  grpc::Status WhatIf(grpc::ServerContext* context, const v1::WhatIfRequest* request,
                      v1::WhatIfResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.PermitService/WhatIf",
        [&](const Caller& caller) { return AnswerWhatIf(context_, caller, *request, *response); });
  }

  grpc::Status ExplainDenial(grpc::ServerContext* context, const v1::ExplainDenialRequest* request,
                             v1::ExplainDenialResponse* response) override {
    return Handle(
        context_.guard, context, "/dml.v1.PermitService/ExplainDenial",
        [&](const Caller& caller) { return AnswerExplain(context_, caller, *request, *response); });
  }

 private:
  absl::Status RequireKey() const {
    if (context_.permit_key != nullptr) return absl::OkStatus();
    return FailedPrecondition(ErrorReason("PERMIT_KEY_MISSING"),
                              "this library has no key to sign permits with");
  }

  // Permission comes before existence.
  static absl::StatusOr<PermitRecord> Find(const Reader& state, const Caller& caller,
                                           const std::string& name) {
    caller.WillSeeEach();
    absl::StatusOr<std::string> id = wire::ParsePermitResource(name);
    if (!id.ok()) return AtField(id.status(), "name");
    DML_ASSIGN_OR_RETURN(auto found, LibraryView(state).FindPermit(*id));
    const bool is_seen = found.has_value() &&
                         caller.Sees(wire::EnvironmentResource(found->decided.environment)) &&
                         SeesPermit(caller, *found);
    if (is_seen) return *std::move(found);
    DML_RETURN_IF_ERROR(caller.MayIn(""));
    return NotFound(ErrorReason("PERMIT_NOT_FOUND"), "no permit {}", *id);
  }

  // Times that a retry leaves out are those of the first request.
  absl::Status AskedBefore(const Caller& caller, const v1::IssuePermitRequest& request,
                           PermitRequest& asked) const {
    const bool has_times = request.has_not_before_time() && request.has_expire_time();
    if (request.request_id().empty() || has_times) return absl::OkStatus();
    const auto state = context_.library.Read();
    const LibraryView view(*state);
    DML_ASSIGN_OR_RETURN(const auto before,
                         view.FindRequest(caller.principal(), request.request_id()));
    if (!before.has_value()) return absl::OkStatus();
    DML_ASSIGN_OR_RETURN(const StoredEntry stored, JournalView(*state).At(before->index));
    const auto* decided = std::get_if<PermitDecided>(&stored.entry.payload);
    if (decided == nullptr) return absl::OkStatus();
    if (!request.has_not_before_time()) asked.not_before = decided->not_before;
    if (!request.has_expire_time()) asked.expires = decided->expires;
    return absl::OkStatus();
  }

  absl::Status Fill(const IssuedPermit& issued, v1::IssuePermitResponse& out) const {
    const auto state = context_.library.Read();
    DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
    out.set_decision(issued.permit.decided.allowed ? v1::DECISION_ALLOW : v1::DECISION_DENY);
    DML_RETURN_IF_ERROR(FillPermit(*state, issued.permit, now, out.mutable_permit()));
    for (size_t i = 0; i < std::min(issued.findings.size(), kMaxShownFindings); ++i) {
      wire::To(issued.findings[i], out.add_findings());
    }
    out.set_finding_count(issued.findings.size());
    if (issued.approved_findings != Digest()) {
      out.set_approved_findings(issued.approved_findings.ToString());
    }
    if (issued.receipt.has_value()) To(*issued.receipt, out.mutable_receipt());
    if (!issued.back_out.has_value()) return absl::OkStatus();
    return FillPermit(*state, *issued.back_out, now, out.mutable_back_out());
  }

  static absl::Status FillFindings(const Reader& state, const PermitRecord& permit,
                                   const v1::GetPermitRequest& request,
                                   v1::GetPermitResponse& response) {
    auto findings = FindingsOf(state, permit.decided);
    // What is not kept is not shown; the permit says so by its size.
    if (Reason(findings.status()) == "FINDINGS_NOT_KEPT") return absl::OkStatus();
    DML_RETURN_IF_ERROR(findings.status());
    DML_ASSIGN_OR_RETURN(const Slice slice,
                         ReadSlice(request.page_size(), request.page_token(), findings->size()));
    for (size_t i = slice.begin; i < slice.end; ++i) {
      wire::To((*findings)[i], response.add_findings());
    }
    response.set_next_page_token(slice.next_page_token);
    response.set_finding_count(findings->size());
    return absl::OkStatus();
  }

  absl::Status List(const Caller& caller, const std::string& environment,
                    const v1::ListPermitsRequest& request,
                    v1::ListPermitsResponse& response) const {
    DML_ASSIGN_OR_RETURN(const PageRequest page,
                         ReadPage(request.page_size(), request.page_token()));
    const auto state = context_.library.Read();
    DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
    std::optional<Digest> release;
    if (!request.release().empty()) {
      DML_ASSIGN_OR_RETURN(const ReleaseRecord record, FindNamedRelease(*state, request.release()));
      release = record.document.digest;
    }
    const auto is_wanted = [&](const PermitRecord& permit) {
      const PermitState stands = permit.StateAt(now);
      const bool is_valid = stands == PermitState::kOpen || stands == PermitState::kPending;
      return (!request.only_valid() || is_valid) &&
             (!release.has_value() || permit.decided.release == *release) &&
             (request.node().empty() || permit.IsFor(request.node())) && SeesPermit(caller, permit);
    };
    DML_ASSIGN_OR_RETURN(
        const auto found,
        ListView(*state).PermitsIn(environment, request.only_valid() ? now : Timestamp(), page,
                                   is_wanted));
    for (const PermitRecord& permit : found.items) {
      DML_RETURN_IF_ERROR(FillPermit(*state, permit, now, response.add_permits()));
    }
    response.set_next_page_token(PageToken(found.next_key));
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Bundle(const Caller& caller,
                                     const v1::GetPermitBundleRequest& request) const {
    DML_RETURN_IF_ERROR(RequireKey());
    if (request.history_sizes_size() > static_cast<int>(kMaxBundleHistories)) {
      return AtField(InvalidArgument(ErrorReason("TOO_MANY_SIZES"), "{} sizes; at most {}",
                                     request.history_sizes_size(), kMaxBundleHistories),
                     "history_sizes");
    }
    const auto state = context_.library.Read();
    DML_ASSIGN_OR_RETURN(const PermitRecord permit, Find(*state, caller, request.name()));
    DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
    const BundleWishes wishes{{request.history_sizes().begin(), request.history_sizes().end()},
                              request.after_root()};
    DML_ASSIGN_OR_RETURN(
        const PermitBundle bundle,
        AssemblePermitBundle(context_.library, *state, permit, *context_.permit_key, wishes, now));
    return FormatPermitBundle(bundle);
  }

  // What a permit's release names, while somebody is to act on it.
  absl::StatusOr<std::string> Document(const Caller& caller,
                                       const v1::ReadPermitDocumentRequest& request) const {
    const auto state = context_.library.Read();
    DML_ASSIGN_OR_RETURN(const PermitRecord permit, Find(*state, caller, request.name()));
    DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
    DML_RETURN_IF_ERROR(permit.CheckValid(now));
    const absl::StatusOr<Digest> digest = Digest::Parse(request.digest());
    if (!digest.ok()) return AtField(digest.status(), "digest");
    DML_ASSIGN_OR_RETURN(const Release release, LoadRelease(*state, permit.decided.release));
    for (const ReleaseItem& item : release.items) {
      if (item.manifest.digest == *digest) return ReadMetadata(*state, item.manifest);
      if (item.configuration.has_value() && item.configuration->digest == *digest) {
        return ReadMetadata(*state, *item.configuration);
      }
      DML_ASSIGN_OR_RETURN(const auto variant, LibraryView(*state).FindVariant(item.variant));
      if (variant.has_value() && variant->spec.digest == *digest) {
        return ReadMetadata(*state, variant->spec);
      }
    }
    return AtField(
        NotFound(ErrorReason("DOCUMENT_NOT_FOUND"), "the release of permit {} names no document {}",
                 permit.decided.id, digest->ToString()),
        "digest");
  }

  absl::Status Use(const Caller& caller, const v1::UsePermitRequest& request,
                   v1::UsePermitResponse& response) const {
    DML_ASSIGN_OR_RETURN(const PermitRecord permit,
                         Find(*context_.library.Read(), caller, request.name()));
    if (IsOnlyNodeIn(caller, permit.decided.environment) && request.node() != NameOf(caller)) {
      return PermissionDenied(ErrorReason("NODE_UNEXPECTED"),
                              "a node acts on permits for itself: {} is not '{}'", NameOf(caller),
                              request.node());
    }
    DML_ASSIGN_OR_RETURN(std::vector<VariantName> variants,
                         ReadVariants(request.baseline(), "baseline"));
    DML_ASSIGN_OR_RETURN(std::string baseline, FormatBaseline(std::move(variants)));
    Command command;
    PermitUsed used{permit.decided.id, request.node(), {}};
    if (!baseline.empty()) {
      used.baseline = {Sha256(baseline), baseline.size()};
      command.metadata = {std::move(baseline)};
    }
    command.payload = std::move(used);
    DML_ASSIGN_OR_RETURN(const Receipt receipt,
                         CommitAs(context_, caller, request.request_id(), request.validate_only(),
                                  std::move(command)));
    To(receipt, response.mutable_receipt());
    return FillNow(permit.decided.id, response.mutable_permit());
  }

  absl::Status FillNow(const std::string& id, v1::Permit* out) const {
    const auto state = context_.library.Read();
    DML_ASSIGN_OR_RETURN(const Timestamp now, context_.library.TimeOf(*state));
    DML_ASSIGN_OR_RETURN(const auto found, LibraryView(*state).FindPermit(id));
    return found.has_value() ? FillPermit(*state, *found, now, out) : absl::OkStatus();
  }

  const ServiceContext context_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakePermitService(const ServiceContext& context) {
  return std::make_unique<PermitServiceImpl>(context);
}

}  // namespace dml
