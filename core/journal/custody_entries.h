// Entries about what may enter, what must stay, and things on shelves; see core/journal/entry.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.h"
#include "core/base/labels.h"
#include "core/package/names.h"

namespace dml {

/// Where a variant stands after its checks. What is refused before it is published has no entry.
enum class AdmissionState { kAccepted = 1, kQuarantined = 2, kRejected = 3 };

enum class ScanVerdict {
  kClean = 1,
  kInfected = 2,
  kNotFullyScanned = 3,  // Above the scanner's limits: nobody has looked at all of it.
  kError = 4,            // The scanner did not answer, or not with a verdict.
};

std::string_view ScanVerdictName(ScanVerdict verdict);  // "clean", "not-fully-scanned".

/// What a malware scanner said about all files of a variant: the worst of them.
struct ScanReport {
  ScanVerdict verdict = ScanVerdict::kError;
  std::string scanner;     // "ClamAV 1.0.9".
  std::string signatures;  // Version of its signature database: "27465".
  std::string finding;     // "bin/tool: Win.Test.EICAR_HDB-1"; "" where clean.
  bool operator==(const ScanReport&) const = default;
};

/// A published variant goes into quarantine, comes out of it, or never will.
struct AdmissionDecided {
  VariantName variant;
  AdmissionState admission = AdmissionState::kQuarantined;
  std::string reason;
  std::optional<ScanReport> scan;  // Where that is the reason.
  bool operator==(const AdmissionDecided&) const = default;
};

/// A further scan of a published variant that changed nothing.
struct VariantScanned {
  VariantName variant;
  ScanReport scan;
  bool operator==(const VariantScanned&) const = default;
};

/// The variant's payload stays whatever retention says, until the hold is released.
struct HoldPlaced {
  std::string name;  // Of the case: "case-4711".
  VariantName variant;
  std::string reason;
  bool operator==(const HoldPlaced&) const = default;
};

struct HoldReleased {
  std::string name;
  VariantName variant;
  std::string reason;
  bool operator==(const HoldReleased&) const = default;
};

enum class MediaKind { kMedia = 1, kDocument = 2 };

/// A physical item of the library: an installation medium, a contract on paper.
struct MediaRegistered {
  std::string name;  // As of a package: "acme/os-dvd-7".
  MediaKind kind = MediaKind::kMedia;
  std::string title;
  std::string location;   // "Vault 2, shelf 14".
  std::string custodian;  // Opaque id of whoever answers for it.
  uint32_t copies = 1;
  std::optional<Digest> content;  // SHA-256 of what is on it, where that was taken.
  Labels labels;
  bool operator==(const MediaRegistered&) const = default;
};

enum class CustodyAction { kCheckedOut = 1, kCheckedIn = 2, kMoved = 3, kDestroyed = 4 };

std::string_view CustodyActionName(CustodyAction action);  // "check-out".

/// Copies of an item by number; the first is 1.
struct CopyRange {
  uint32_t first = 1;
  uint32_t last = 1;
  auto operator<=>(const CopyRange&) const = default;
};

/// Copies of an item change hands or places.
struct CustodyRecorded {
  std::string name;
  CustodyAction action = CustodyAction::kMoved;
  uint32_t copies = 1;    // How many of them.
  std::string custodian;  // Who answers for them from here on.
  std::string location;   // Where they go; "" where they were.
  std::string note;
  /// Which ones, ascending and apart; none: those of the lowest numbers that the action can be of.
  std::vector<CopyRange> which = {};
  bool operator==(const CustodyRecorded&) const = default;
};

}  // namespace dml
