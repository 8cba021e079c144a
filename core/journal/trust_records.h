// Records of trust, access and custody; see core/journal/records.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/journal/custody_entries.h"
#include "core/journal/trust_entries.h"

namespace dml {

/// One part of what the trust root lets a key vouch for.
struct KeyGrant {
  std::string role;        // A word of core/trust/signing_role.h.
  std::string delegation;  // "acme > tools", names from the root on; "": the root itself.
  std::vector<std::string> subjects;  // Patterns, any of them; none: every subject.
  bool operator==(const KeyGrant&) const = default;
};

/// A key that a trust root or delegation named. For people to read: decisions go by the documents
/// (core/trust/authority.h) and by `revoked`.
struct KeyRecord {
  std::string spki;  // DER; the key's id is its SHA-256.
  std::string holder;
  bool person = true;
  std::vector<KeyGrant> grants;   // Of the documents in force; none: no longer named.
  uint64_t registered_index = 0;  // Of the entry that first named it.
  Timestamp registered_time;
  bool revoked = false;
  uint64_t revoked_index = 0;
  std::string revoke_reason;
  bool operator==(const KeyRecord&) const = default;
};

/// Whether a key is unrevoked and has a grant of this role ("": any) that covers the subject, by
/// the last name of its delegation alone.
bool MayVouch(const KeyRecord& key, std::string_view role, std::string_view subject);

struct RootRecord {
  uint64_t version = 0;
  BlobRef envelope;
  Timestamp expires;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool operator==(const RootRecord&) const = default;
};

struct DelegationRecord {
  std::vector<std::string> chain;
  uint64_t version = 0;
  BlobRef envelope;
  Timestamp expires;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool operator==(const DelegationRecord&) const = default;
};

struct GrantRecord {
  std::string principal;
  AccessGrant grant;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool operator==(const GrantRecord&) const = default;
};

struct TokenRecord {
  std::string id;
  Digest secret;
  std::vector<AccessGrant> grants;
  Timestamp expires;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool revoked = false;
  uint64_t revoked_index = 0;
  std::string revoke_reason;
  bool operator==(const TokenRecord&) const = default;
};

struct HoldRecord {
  HoldPlaced placed;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool operator==(const HoldRecord&) const = default;
};

enum class CopyState { kIn = 1, kOut = 2, kDestroyed = 3 };

std::string_view CopyStateName(CopyState state);  // "in", "out", "destroyed".

/// Copies of an item that one entry brought where they are.
struct CopiesHeld {
  CopyRange copies;
  CopyState state = CopyState::kIn;
  std::string custodian;
  std::string location;  // Where they belong.
  std::string away;      // Where they went, of those that are out; "": not said.
  uint64_t index = 0;    // Of that entry.
  bool operator==(const CopiesHeld&) const = default;
};

struct MediaRecord {
  MediaRegistered item;          // As registered, but location and custodian as of the last entry.
  std::vector<CopiesHeld> held;  // Every copy, in the order of numbers.
  uint32_t copies_out = 0;       // Checked out.
  uint32_t copies_destroyed = 0;
  uint64_t custody_count = 0;  // Entries about it.
  uint64_t index = 0;          // Of its registration.
  Timestamp time;
  bool operator==(const MediaRecord&) const = default;
};

struct CustodyRecord {
  CustodyRecorded recorded;
  uint64_t index = 0;
  Timestamp time;
  std::string author;
  bool operator==(const CustodyRecord&) const = default;
};

}  // namespace dml
