// A witness that speaks c2sp.org/tlog-witness, by the rules of its "add-checkpoint".
#pragma once

#include <optional>
#include <sstream>

#include "core/base/bytes.h"
#include "core/merkle/merkle.h"
#include "core/trust/checkpoint.h"
#include "core/trust/cosignature.h"
#include "tests/support/http_peer.h"

namespace dml::testing {

class HttpWitness {
 public:
  /// Knows one log.
  HttpWitness(std::string name, const PrivateKey& key, std::string origin, PublicKey log_key)
      : name_(std::move(name)), key_(key), origin_(std::move(origin)), log_key_(log_key) {}

  std::string url() const { return peer_.url(); }
  uint64_t size() const { return seen_.has_value() ? seen_->size : 0; }
  /// As if it had cosigned this before; not while it is asked.
  void Remember(Checkpoint seen) { seen_ = std::move(seen); }

 private:
  std::string Answer(const HttpRequest& request) {
    if (!request.head.starts_with("POST /add-checkpoint HTTP/1.1\r\n")) {
      return HttpResponse("404 Not Found", "");
    }
    const size_t split = request.body.find("\n\n");
    std::istringstream head(request.body.substr(0, split + 1));
    std::string line;
    std::getline(head, line);
    if (split == std::string::npos || !line.starts_with("old ")) {
      return HttpResponse("400 Bad Request", "");
    }
    const uint64_t old_size = std::stoull(line.substr(4));
    std::vector<Digest> proof;
    while (std::getline(head, line)) {
      proof.push_back(*Digest::FromBytes(Base64Decode(line).value_or("")));
    }
    const std::string text = request.body.substr(split + 2);
    const auto note = ParseNote(text);
    if (!note.ok() || !note->text.starts_with(origin_ + "\n")) {
      return HttpResponse("404 Not Found", "");
    }
    const auto checkpoint = OpenCheckpoint(text, origin_, log_key_);
    if (!checkpoint.ok()) return HttpResponse("403 Forbidden", "");
    if (old_size > checkpoint->size) return HttpResponse("400 Bad Request", "");
    return Cosign(*note, *checkpoint, old_size, proof);
  }

  std::string Cosign(const Note& note, const Checkpoint& checkpoint, uint64_t old_size,
                     const std::vector<Digest>& proof) {
    if (old_size != size() || (old_size == checkpoint.size && checkpoint.root != seen_->root)) {
      return HttpResponse("409 Conflict", std::to_string(size()) + "\n");
    }
    if (old_size > 0 &&
        !VerifyConsistency(old_size, seen_->root, checkpoint.size, checkpoint.root, proof).ok()) {
      return HttpResponse("422 Unprocessable Entity", "");
    }
    seen_ = checkpoint;
    const Note cosigned{note.text, {*CosignNote(note.text, name_, key_, WallClockNow())}};
    return HttpResponse("200 OK", FormatNote(cosigned).substr(note.text.size() + 1));
  }

  const std::string name_;
  const PrivateKey& key_;
  const std::string origin_;
  const PublicKey log_key_;
  std::optional<Checkpoint> seen_;
  HttpPeer peer_{[this](const HttpRequest& request) { return Answer(request); }};
};

}  // namespace dml::testing
