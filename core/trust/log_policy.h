// Policies for checkpoints (c2sp.org/tlog-policy): which logs are known, which witnesses, and whose
// cosignatures are enough; and keys as the people of such policies write them.
//
//   log <vkey> [<url>]
//   witness <name> <vkey> [<url>]
//   group <name> all|any|<k> <name>...      of witnesses and groups of lines before
//   quorum <name>|none                      exactly one such line
//
// Words are separated by spaces and tabs; empty lines and those that begin with '#' say nothing.
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/trust/cosignature.h"

namespace dml {

inline constexpr size_t kMaxLogPolicyBytes = 64 * 1024;
inline constexpr size_t kMaxLogPolicyNames = 256;  // Logs; and witnesses and groups together.

/// A key with its name and what it is for: "<name>+<key id, 8 hex digits>+<base64(type || key)>"
/// (c2sp.org/signed-note, "Verifier keys").
struct VerifierKey {
  std::string name;
  PublicKey key;  // Ed25519.
  NoteKeyType type = NoteKeyType::kEd25519;
};

/// INVALID_ARGUMENT (VERIFIER_KEY_INVALID) for anything else, an id of another key among it.
absl::StatusOr<VerifierKey> ParseVerifierKey(std::string_view text);
std::string FormatVerifierKey(const VerifierKey& key);

struct LogPolicy {
  struct Log {
    std::string origin;
    PublicKey key;
    std::string url;  // "": none was given.
  };
  struct Member {  // A witness, or a group of members.
    std::string name;
    std::optional<Witness> witness;  // Its holder is the name.
    std::string url;                 // Where a witness takes checkpoints; "": none was given.
    std::vector<size_t> of;          // Of a group: places in `members`, all before this one.
    uint32_t threshold = 0;          // Of a group.
  };
  std::vector<Log> logs;
  std::vector<Member> members;
  std::optional<size_t> quorum;  // A place in `members`; nullopt: none is demanded.

  std::vector<Witness> witnesses() const;
};

/// INVALID_ARGUMENT (LOG_POLICY_INVALID) naming the line: a word that is none, a name that is not
/// defined on a line before, or twice, or that counts in two groups; the same key twice; a
/// threshold that is not from 1 to the number of members; no quorum line, or two.
absl::StatusOr<LogPolicy> ParseLogPolicy(std::string_view text);

/// That the note's cosignatures, none before `not_before` and none after `not_after`, make the
/// quorum; returns them. Whether
/// the log signed the note is not looked at. PERMISSION_DENIED (WITNESSES_MISSING) saying who has
/// cosigned; the errors of ReadCosignatures.
absl::StatusOr<std::vector<Cosignature>> RequireQuorum(const Note& note, const LogPolicy& policy,
                                                       Timestamp not_before,
                                                       Timestamp not_after = Timestamp::max());

}  // namespace dml
