// One channel to a library: calls with retries, and answers of the log that are checked.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <absl/synchronization/mutex.h>
#include <grpcpp/grpcpp.h>

#include "client/backoff.h"
#include "client/client.h"
#include "client/log_verifier.h"
#include "client/status_codec.h"
#include "client/trust_memory.h"
#include "core/journal/entry.h"
#include "dml/v1/common.pb.h"

namespace dml {

/// What the log says of a mutation: the receipt with its entry, inclusion proven.
struct ProvenReceipt {
  Commit commit;
  Entry entry;
};

/// The bytes of a leaf, and the proof that was checked.
struct ProvenLeaf {
  std::string leaf;
  std::vector<Digest> proof;
};

/// Thread-safe. Owned by a Client; connects with its first call.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Create(ClientOptions options);

  const ClientOptions& options() const { return options_; }
  TrustMemory& trust() const { return *trust_; }

  /// What stubs are made with: v1::ContentService::Stub(channel()), at next to no cost. Whoever
  /// makes one includes its service's header; all of them in one place would cost every file.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  /// A connection of its own to the same library, with the same credentials.
  std::shared_ptr<grpc::Channel> NewChannel() const;

  /// Makes a unary call that may be repeated (it reads, or carries a request id), with a deadline
  /// of options().unary_timeout, or `timeout`, for each attempt:
  /// Call(&v1::KeyService::Stub::GetKey, request).
  /// The first call of all asks for the checkpoint: nothing is asked of, let alone written to, a
  /// library with another log than the pinned one, or with a log that went back or forked.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request, std::chrono::milliseconds timeout = {}) {
    DML_RETURN_IF_ERROR(EnsureLogIsOurs());
    return CallAnyLog(method, request, timeout);
  }

  /// The same, whatever log the library has: for the calls that find that out, and for one who may
  /// not ask for the log.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> CallAnyLog(grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                                      const Request& request,
                                      std::chrono::milliseconds timeout = {}) {
    if (timeout.count() == 0) timeout = options_.unary_timeout;
    Stub stub(channel_);
    Backoff backoff = NewBackoff(channel_);
    while (true) {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + timeout);
      Response response;
      absl::Status status = Received((stub.*method)(&context, request, &response));
      if (status.ok()) return response;
      if (!backoff.WaitAfter(status)) return status;
    }
  }

  /// For one call or one transfer, over channel() or a NewChannel().
  Backoff NewBackoff(const std::shared_ptr<grpc::Channel>& over) const {
    return Backoff(options_.retry, log_is_ours_, over);
  }

  /// The end of any call as an error of this project; says which server could not be reached.
  absl::Status Received(const grpc::Status& status) const;

  /// Checks a signed checkpoint against what the log has shown before (LogVerifier::Accept).
  absl::StatusOr<Checkpoint> AcceptCheckpoint(const std::string& note);

  /// Walks from the root remembered to the newest that the library has, and goes over to the key
  /// that it names for the log. FAILED_PRECONDITION (ROOT_REQUIRED) where none is pinned; the
  /// errors of WalkRoots, that it has expired unless `expired_too`. Nothing else is asked before.
  absl::StatusOr<RememberedRoot> WalkToNewestRoot(bool expired_too = false);

  /// Asks for the newest checkpoint and accepts it; with `note`, its signed note goes there.
  absl::StatusOr<Checkpoint> FetchCheckpoint(std::string* note = nullptr);

  /// Asks for the proof that the tree of `second` leaves starts with the tree of `first`; whoever
  /// asked checks it.
  absl::StatusOr<std::vector<Digest>> FetchConsistency(uint64_t first, uint64_t second);

  /// The size of the checkpoint remembered; 0 before the first.
  absl::StatusOr<uint64_t> RememberedSize();

  /// Checks the journal size that an answer was given at; `remembered` is RememberedSize() from
  /// before the call, as answers may overtake each other. DATA_LOSS (LOG_WENT_BACK) for a smaller
  /// one; for a larger one fetches a checkpoint that covers it, at most once in
  /// options().log_check_interval: UNAVAILABLE (LOG_NOT_SIGNED) where there is none after retries.
  absl::Status CheckLogSize(uint64_t remembered, uint64_t size);

  /// Fetches the leaf `index` with its proof in the tree of `at`, and checks it. `at` must have
  /// been accepted. DATA_LOSS (LOG_PROOF_INVALID) where the proof does not hold.
  absl::StatusOr<ProvenLeaf> ProveLeaf(uint64_t index, const Checkpoint& at);

  /// Checks a receipt: its checkpoint, the inclusion of its entry, and that this is the entry of
  /// the request `request_id`. DATA_LOSS (RECEIPT_INVALID) where it is not.
  absl::StatusOr<ProvenReceipt> ProveReceipt(const v1::Receipt& receipt,
                                             const std::string& request_id);

 private:
  // Whether the log has another key by now, which a trusted root names.
  bool FollowLogSigner();
  // FAILED_PRECONDITION (LOG_KEY_MISMATCH) for another library; LOG_WENT_BACK, LOG_FORKED.
  absl::Status EnsureLogIsOurs();

  using LogSigner = std::pair<std::string, Digest>;  // Its name, and its key's id.
  Connection(ClientOptions options, LogSigner signer, std::unique_ptr<LogVerifier> log,
             std::unique_ptr<TrustMemory> trust);

  const ClientOptions options_;
  const std::unique_ptr<LogVerifier> log_;
  const std::unique_ptr<TrustMemory> trust_;
  absl::Mutex signer_mutex_;
  LogSigner log_signer_ ABSL_GUARDED_BY(signer_mutex_);  // That log_ goes by.
  std::atomic<bool> log_is_ours_ = false;
  std::atomic<std::chrono::steady_clock::time_point> last_accepted_{};  // When a checkpoint was.
  const std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace dml
