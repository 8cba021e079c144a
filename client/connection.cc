#include "client/connection.h"

#include "client/log_pin.h"
#include "core/merkle/merkle.h"
#include "core/wire/api.h"
#include "core/wire/entry.h"
#include "dml/v1/journal.grpc.pb.h"
#include "dml/v1/trust.grpc.pb.h"

namespace dml {
namespace {

constexpr int kMaxMessageBytes = 4 << 20;
constexpr int kKeepaliveMillis = 60'000;  // Servers end connections that ping much more often.
constexpr int kKeepaliveTimeoutMillis = 20'000;
constexpr int kFirstReconnectMillis = 100;
constexpr int kLastReconnectMillis = 2'000;
constexpr int kConnectTimeoutMillis = 10'000;
constexpr int kRootsPage = 64;

constexpr ErrorReason kReceiptInvalid("RECEIPT_INVALID");

std::shared_ptr<grpc::Channel> OpenChannel(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  // Otherwise two clients in a process share one connection, with its limits and its fate.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMillis);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMillis);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMillis);
  // In spite of its name, how long one attempt to connect may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMillis);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLastReconnectMillis);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // Backoff does that, within its limits.
  if (options.insecure_loopback) {
    return grpc::CreateCustomChannel(options.target, grpc::InsecureChannelCredentials(), arguments);
  }
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = options.ca_pem;
  tls.pem_cert_chain = options.certificate_pem;
  tls.pem_private_key = options.private_key_pem;
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::SslCredentials(tls);
  if (!options.token.empty()) {
    credentials =
        grpc::CompositeChannelCredentials(credentials, grpc::AccessTokenCredentials(options.token));
  }
  return grpc::CreateCustomChannel(options.target, credentials, arguments);
}

absl::StatusOr<std::vector<Digest>> ReadProof(
    const google::protobuf::RepeatedPtrField<std::string>& proof) {
  std::vector<Digest> out;
  for (const std::string& raw : proof) {
    absl::StatusOr<Digest> digest = Digest::FromBytes(raw);
    if (!digest.ok()) {
      return DataLoss(ErrorReason("LOG_PROOF_INVALID"),
                      "the library's proof is no list of SHA-256 hashes: {}; update the client, or "
                      "ask the library's operator",
                      Message(digest.status()));
    }
    out.push_back(*digest);
  }
  return out;
}

// Of who signs the log: its name and key.
std::pair<std::string, Digest> NameOf(const LogPin& pin) { return {pin.origin, pin.key.id()}; }

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Create(ClientOptions options) {
  DML_RETURN_IF_ERROR(options.Validate());
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  DML_RETURN_IF_ERROR(CheckCertificate(options, now).status());
  DML_ASSIGN_OR_RETURN(std::unique_ptr<TrustMemory> trust, OpenTrustMemory(options));
  DML_ASSIGN_OR_RETURN(const LogPin pin, PinOf(options, *trust));
  DML_ASSIGN_OR_RETURN(std::unique_ptr<LogVerifier> log,
                       LogVerifier::Create(pin, options.state_file));
  return std::unique_ptr<Connection>(
      new Connection(std::move(options), NameOf(pin), std::move(log), std::move(trust)));
}

Connection::Connection(ClientOptions options, LogSigner signer, std::unique_ptr<LogVerifier> log,
                       std::unique_ptr<TrustMemory> trust)
    : options_(std::move(options)),
      log_(std::move(log)),
      trust_(std::move(trust)),
      log_signer_(std::move(signer)),
      channel_(OpenChannel(options_)) {}

std::shared_ptr<grpc::Channel> Connection::NewChannel() const { return OpenChannel(options_); }

absl::Status Connection::Received(const grpc::Status& status) const {
  absl::Status out = FromGrpcStatus(status);
  if (Reason(out) != "SERVER_UNAVAILABLE" && Reason(out) != "SERVER_TIMEOUT") return out;
  const bool token_alone = options_.certificate_pem.empty() && !options_.token.empty();
  return Annotate(out, fmt::format("the library at {} cannot be reached (is dmld running there, "
                                   "and {}?)",
                                   options_.target,
                                   token_alone ? "does it take a token without a certificate, "
                                                 "auth.clientCertificates: OPTIONAL"
                                               : "do both certificates fit"));
}

absl::StatusOr<std::vector<Digest>> Connection::FetchConsistency(uint64_t first, uint64_t second) {
  v1::GetConsistencyProofRequest request;
  request.set_first_size(first);
  request.set_second_size(second);
  DML_ASSIGN_OR_RETURN(v1::GetConsistencyProofResponse response,
                       CallAnyLog(&v1::JournalService::Stub::GetConsistencyProof, request));
  return ReadProof(response.proof());
}

absl::StatusOr<RememberedRoot> Connection::WalkToNewestRoot(bool expired_too) {
  DML_ASSIGN_OR_RETURN(RememberedRoot at, trust_->Newest());
  std::vector<std::string> envelopes;
  v1::ListRootsRequest request;
  request.set_after_version(at.trusted.root.version);
  request.set_page_size(kRootsPage);
  do {
    DML_ASSIGN_OR_RETURN(auto response, CallAnyLog(&v1::TrustService::Stub::ListRoots, request));
    for (auto& root : *response.mutable_roots()) {
      if (envelopes.size() > kMaxRootSteps) break;  // The walk says what to do.
      envelopes.push_back(std::move(*root.mutable_envelope()));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty() && envelopes.size() <= kMaxRootSteps);
  DML_ASSIGN_OR_RETURN(at,
                       trust_->Walk(envelopes, expired_too ? Timestamp::min() : WallClockNow()));
  DML_ASSIGN_OR_RETURN(const LogPin pin, PinOf(options_, *trust_));
  absl::MutexLock lock(&signer_mutex_);
  if (NameOf(pin) == log_signer_) return at;
  DML_RETURN_IF_ERROR(log_->Rekey(pin));
  log_signer_ = NameOf(pin);
  return at;
}

bool Connection::FollowLogSigner() {
  if (options_.root_json.empty()) return false;
  auto current = [this] {
    absl::MutexLock lock(&signer_mutex_);
    return log_signer_;
  };
  const auto before = current();
  return WalkToNewestRoot().ok() && current() != before;
}

absl::Status Connection::EnsureLogIsOurs() {
  if (log_is_ours_) return absl::OkStatus();
  absl::Status accepted = FetchCheckpoint().status();
  // Who may not even see the log is told that; whose library it is stays unknown.
  const bool may_see = Reason(accepted) != "ROLE_REQUIRED";
  if (accepted.code() == absl::StatusCode::kPermissionDenied && may_see) {
    return FailedPrecondition(
        ErrorReason("LOG_KEY_MISMATCH"),
        "the library at {} is not {}, which the profile pins ({}): nothing was "
        "asked of it; choose the profile of this library",
        options_.target, options_.log_origin, Message(accepted));
  }
  DML_RETURN_IF_ERROR(accepted);
  log_is_ours_ = true;
  return absl::OkStatus();
}

absl::StatusOr<Checkpoint> Connection::AcceptCheckpoint(const std::string& note) {
  auto accept = [&] {
    return log_->Accept(
        note, [this](uint64_t first, uint64_t second) { return FetchConsistency(first, second); });
  };
  absl::StatusOr<Checkpoint> accepted = accept();
  // What the pinned key did not sign may be signed by the one that has followed it, or under the
  // name that the log has moved to.
  if (accepted.status().code() == absl::StatusCode::kPermissionDenied && FollowLogSigner()) {
    accepted = accept();
  }
  if (accepted.ok()) last_accepted_ = std::chrono::steady_clock::now();
  if (accepted.status().code() == absl::StatusCode::kDataLoss) log_is_ours_ = false;
  return accepted;
}

absl::StatusOr<Checkpoint> Connection::FetchCheckpoint(std::string* note) {
  DML_ASSIGN_OR_RETURN(
      v1::GetCheckpointResponse response,
      CallAnyLog(&v1::JournalService::Stub::GetCheckpoint, v1::GetCheckpointRequest()));
  if (note != nullptr) *note = response.checkpoint();
  return AcceptCheckpoint(response.checkpoint());
}

absl::StatusOr<uint64_t> Connection::RememberedSize() {
  DML_ASSIGN_OR_RETURN(std::optional<Checkpoint> remembered, log_->Remembered());
  return remembered.has_value() ? remembered->size : 0;
}

absl::Status Connection::CheckLogSize(uint64_t remembered, uint64_t size) {
  if (size < remembered) {
    DML_RETURN_IF_ERROR(FetchCheckpoint().status());  // Signed, it is the better accusation.
    return DataLoss(ErrorReason("LOG_WENT_BACK"),
                    "the library at {} answered from {} entries of {}, of which it has shown {} "
                    "before; do not rely on the answer, and ask the library's operator whether a "
                    "backup was restored",
                    options_.target, size, options_.log_origin, remembered);
  }
  DML_ASSIGN_OR_RETURN(const uint64_t remembered_by_now, RememberedSize());
  if (size <= remembered_by_now) return absl::OkStatus();
  const auto age = std::chrono::steady_clock::now() - last_accepted_.load();
  if (age < options_.log_check_interval) return absl::OkStatus();
  Backoff backoff = NewBackoff(channel_);
  while (true) {
    DML_ASSIGN_OR_RETURN(Checkpoint newest, FetchCheckpoint());
    if (size <= newest.size) return absl::OkStatus();
    // Entries can be read a moment before the checkpoint over them is signed.
    absl::Status unsigned_yet = Unavailable(
        ErrorReason("LOG_NOT_SIGNED"),
        "the library at {} answered from {} entries, and its newest checkpoint covers {}; ask "
        "again, and if that stays so, ask the library's operator",
        options_.target, size, newest.size);
    if (!backoff.WaitAfter(unsigned_yet)) return unsigned_yet;
  }
}

absl::StatusOr<ProvenLeaf> Connection::ProveLeaf(uint64_t index, const Checkpoint& at) {
  v1::GetInclusionProofRequest request;
  request.set_index(index);
  request.set_tree_size(at.size);
  DML_ASSIGN_OR_RETURN(v1::GetInclusionProofResponse response,
                       CallAnyLog(&v1::JournalService::Stub::GetInclusionProof, request));
  DML_ASSIGN_OR_RETURN(std::vector<Digest> proof, ReadProof(response.proof()));
  absl::Status proven =
      VerifyInclusion(LeafHash(AsBytes(response.leaf())), index, at.size, proof, at.root);
  if (!proven.ok()) {
    return DataLoss(ErrorReason("LOG_PROOF_INVALID"),
                    "the library does not prove that entry {} is in its log of size {}: {}; do not "
                    "rely on that entry, and ask the library's operator",
                    index, at.size, Message(proven));
  }
  return ProvenLeaf{std::move(*response.mutable_leaf()), std::move(proof)};
}

absl::StatusOr<ProvenReceipt> Connection::ProveReceipt(const v1::Receipt& receipt,
                                                       const std::string& request_id) {
  ProvenReceipt out;
  out.commit.index = receipt.index();
  out.commit.time = wire::From(receipt.time());
  out.commit.replayed = receipt.replayed();
  DML_ASSIGN_OR_RETURN(out.commit.checkpoint, AcceptCheckpoint(receipt.checkpoint()));
  if (receipt.index() >= out.commit.checkpoint.size) {
    return DataLoss(kReceiptInvalid,
                    "the receipt's checkpoint of size {} does not cover its entry {}; ask the "
                    "library's operator",
                    out.commit.checkpoint.size, receipt.index());
  }
  DML_ASSIGN_OR_RETURN(ProvenLeaf leaf, ProveLeaf(receipt.index(), out.commit.checkpoint));
  DML_ASSIGN_OR_RETURN(out.entry, wire::DecodeEntry(leaf.leaf));
  if (out.entry.index != receipt.index() || out.entry.request_id != request_id) {
    return DataLoss(kReceiptInvalid,
                    "the receipt for request {} names entry {}, which is entry {} of request {}; "
                    "ask the library's operator what happened to the request",
                    request_id, receipt.index(), out.entry.index, out.entry.request_id);
  }
  if (out.entry.time != out.commit.time) {
    return DataLoss(kReceiptInvalid,
                    "the receipt and its entry {} have different times; ask the "
                    "library's operator",
                    receipt.index());
  }
  return out;
}

}  // namespace dml
