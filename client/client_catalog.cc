#include "client/calls.h"
#include "client/client.h"
#include "dml/v1/catalog.grpc.pb.h"

namespace dml {
namespace {

using Catalog = v1::CatalogService::Stub;

constexpr size_t kMaxAttestations = 4096;
constexpr int kAttestationPage = 16;

absl::Status AddAttestation(const v1::Attestation& in, VariantDetails& out) {
  DML_ASSIGN_OR_RETURN(AttestationRecord record, Answered(wire::From(in)));
  DML_RETURN_IF_ERROR(CheckBytes("attestation", in.envelope_data(), record.ref.envelope));
  record.ref.subject = out.record.manifest.digest;
  out.attestations.push_back(std::move(record));
  out.envelopes.push_back(in.envelope_data());
  return absl::OkStatus();
}

// What GetVariant did not bring with it.
absl::Status FetchAttestations(Connection& connection, const std::string& page_token,
                               VariantDetails& out) {
  v1::ListAttestationsRequest request;
  request.set_name(out.record.name.ResourceName());
  request.set_page_size(kAttestationPage);
  request.set_page_token(page_token);
  while (!request.page_token().empty()) {
    DML_ASSIGN_OR_RETURN(v1::ListAttestationsResponse response,
                         connection.Call(&Catalog::ListAttestations, request));
    for (const v1::Attestation& attestation : response.attestations()) {
      DML_RETURN_IF_ERROR(AddAttestation(attestation, out));
    }
    bool stuck = response.attestations().empty() && !response.next_page_token().empty();
    if (stuck || out.attestations.size() > kMaxAttestations) {
      return BadAnswer("the list of attestations does not end");
    }
    request.set_page_token(response.next_page_token());
  }
  return absl::OkStatus();
}

absl::StatusOr<VariantRecord> ReadVariant(const v1::Variant& in, const VariantName& asked) {
  DML_ASSIGN_OR_RETURN(VariantRecord out, Answered(wire::From(in)));
  if (out.name != asked) {
    return BadAnswer(fmt::format("asked about {}, told about {}", asked.ResourceName(),
                                 out.name.ResourceName()));
  }
  return out;
}

}  // namespace

absl::StatusOr<Committed<NamespaceRecord>> Client::CreateNamespace(const std::string& name,
                                                                   const std::string& description,
                                                                   const Labels& labels,
                                                                   const MutationOptions& options) {
  v1::CreateNamespaceRequest request;
  request.set_namespace_(name);
  request.set_description(description);
  wire::To(labels, request.mutable_labels());
  DML_ASSIGN_OR_RETURN(auto done, Mutate<NamespaceCreated>(connection(), &Catalog::CreateNamespace,
                                                           std::move(request), options));
  DML_ASSIGN_OR_RETURN(NamespaceRecord record, Answered(wire::From(done.response.namespace_())));
  return Committed<NamespaceRecord>{std::move(record), std::move(done.commit)};
}

absl::StatusOr<NamespaceRecord> Client::GetNamespace(const std::string& ns) {
  v1::GetNamespaceRequest request;
  request.set_name(wire::NamespaceResource(ns));
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Catalog::GetNamespace, request));
  return Answered(wire::From(response.namespace_()));
}

absl::StatusOr<ListPage<NamespaceRecord>> Client::ListNamespaces(const ListOptions& options) {
  v1::ListNamespacesRequest request;
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Catalog::ListNamespaces, request));
  return ReadPage<NamespaceRecord>(response.namespaces(), response.next_page_token());
}

absl::StatusOr<PackageRecord> Client::GetPackage(const PackageName& name) {
  v1::GetPackageRequest request;
  request.set_name(name.ResourceName());
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Catalog::GetPackage, request));
  return Answered(wire::From(response.package()));
}

absl::StatusOr<ListPage<PackageRecord>> Client::ListPackages(const std::string& ns,
                                                             const ListOptions& options) {
  v1::ListPackagesRequest request;
  request.set_namespace_(ns);
  request.set_filter(options.filter);
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Catalog::ListPackages, request));
  return ReadPage<PackageRecord>(response.packages(), response.next_page_token());
}

absl::StatusOr<VariantDetails> Client::GetVariant(const VariantName& name) {
  v1::GetVariantRequest request;
  request.set_name(name.ResourceName());
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Catalog::GetVariant, request));
  VariantDetails out;
  DML_ASSIGN_OR_RETURN(out.record, ReadVariant(response.variant(), name));
  out.manifest = std::move(*response.mutable_manifest());
  out.spec = std::move(*response.mutable_spec());
  DML_RETURN_IF_ERROR(CheckBytes("manifest", out.manifest, out.record.manifest));
  DML_RETURN_IF_ERROR(CheckBytes("package spec", out.spec, out.record.spec));
  for (const v1::Attestation& attestation : response.attestations()) {
    DML_RETURN_IF_ERROR(AddAttestation(attestation, out));
  }
  DML_RETURN_IF_ERROR(FetchAttestations(connection(), response.next_attestation_page_token(), out));
  return out;
}

absl::StatusOr<ListPage<VariantRecord>> Client::ListVariants(const PackageName& package,
                                                             const ListOptions& options) {
  v1::ListVariantsRequest request;
  request.set_package(package.ResourceName());
  request.set_filter(options.filter);
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Catalog::ListVariants, request));
  return ReadPage<VariantRecord>(response.variants(), response.next_page_token());
}

absl::StatusOr<ListPage<VariantRecord>> Client::SearchVariants(const ListOptions& options) {
  v1::SearchVariantsRequest request;
  request.set_filter(options.filter);
  SetPage(options, request);
  DML_ASSIGN_OR_RETURN(auto response, connection().Call(&Catalog::SearchVariants, request));
  return ReadPage<VariantRecord>(response.variants(), response.next_page_token());
}

absl::StatusOr<Committed<VariantRecord>> Client::PublishDocuments(
    const std::string& manifest, const std::string& spec, const std::vector<std::string>& envelopes,
    const MutationOptions& options) {
  v1::PublishVersionRequest request;
  request.set_manifest(manifest);
  request.set_spec(spec);
  for (const std::string& envelope : envelopes) request.add_envelopes(envelope);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<VersionPublished>(connection(), &Catalog::PublishVersion,
                                                           std::move(request), options,
                                                           connection().options().publish_timeout));
  if (options.validate_only) {  // There is no variant yet: the answer has its name alone.
    VariantRecord planned;
    DML_ASSIGN_OR_RETURN(planned.name,
                         Answered(VariantName::Parse(done.response.variant().name())));
    planned.manifest = {Sha256(manifest), manifest.size()};
    planned.spec = {Sha256(spec), spec.size()};
    return Committed<VariantRecord>{std::move(planned), {}};
  }
  DML_ASSIGN_OR_RETURN(VariantRecord record, Answered(wire::From(done.response.variant())));
  DML_RETURN_IF_ERROR(CheckBytes("manifest", manifest, record.manifest));
  DML_RETURN_IF_ERROR(CheckBytes("package spec", spec, record.spec));
  if (done.payload.variant != record.name || done.payload.manifest != record.manifest ||
      done.payload.spec != record.spec) {
    return DataLoss(ErrorReason("RECEIPT_INVALID"),
                    "entry {} publishes something else than {} with this manifest; ask the "
                    "library's operator",
                    done.commit.index, record.name.ResourceName());
  }
  return Committed<VariantRecord>{std::move(record), std::move(done.commit)};
}

absl::StatusOr<Committed<VariantRecord>> Client::Withdraw(const VariantName& name,
                                                          const std::string& reason,
                                                          const MutationOptions& options) {
  v1::WithdrawVersionRequest request;
  request.set_name(name.ResourceName());
  request.set_reason(reason);
  DML_ASSIGN_OR_RETURN(auto done, Mutate<VersionWithdrawn>(connection(), &Catalog::WithdrawVersion,
                                                           std::move(request), options));
  DML_ASSIGN_OR_RETURN(VariantRecord record, ReadVariant(done.response.variant(), name));
  return Committed<VariantRecord>{std::move(record), std::move(done.commit)};
}

absl::StatusOr<Committed<AttestationRecord>> Client::Attach(const VariantName& name,
                                                            const std::string& envelope,
                                                            const MutationOptions& options) {
  v1::AttachAttestationRequest request;
  request.set_name(name.ResourceName());
  request.set_envelope(envelope);
  DML_ASSIGN_OR_RETURN(auto done,
                       Mutate<AttestationAttached>(connection(), &Catalog::AttachAttestation,
                                                   std::move(request), options));
  DML_ASSIGN_OR_RETURN(AttestationRecord record, Answered(wire::From(done.response.attestation())));
  DML_RETURN_IF_ERROR(CheckBytes("attestation", envelope, record.ref.envelope));
  if (!options.validate_only &&
      (done.payload.variant != name || done.payload.attestation.envelope != record.ref.envelope)) {
    return DataLoss(ErrorReason("RECEIPT_INVALID"),
                    "entry {} attaches something else than this attestation to {}; ask the "
                    "library's operator",
                    done.commit.index, name.ResourceName());
  }
  record.ref.subject = done.payload.attestation.subject;  // The answer leaves it out.
  return Committed<AttestationRecord>{std::move(record), std::move(done.commit)};
}

}  // namespace dml
