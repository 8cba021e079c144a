// The attribution document of a release or an environment: which software under which licenses is
// in it, what that obliges to, and the texts of the licenses.
//
// Everything in it comes from packages of strangers, and is escaped for the form that it is written
// in. One input gives one document, byte by byte.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/base/time.h"
#include "core/license/license_set.h"

namespace dml {

enum class NoticeFormat { kText, kHtml, kSpdx };  // kSpdx: SPDX 2.3, JSON.

struct NoticeComponent {
  std::string name;
  std::string version;
  std::string purl;  // "" where there is none.
  LicenseExpression license;
  std::vector<std::string> copyrights;
};

struct NoticeInput {
  std::string title;
  std::string document_namespace;  // A URI of this document's own; for kSpdx.
  Timestamp time{};
  LicenseContext context{};
  std::vector<NoticeComponent> components;
  std::vector<SetObligation> obligations;
  /// By license id without "+", exception id, LicenseRef or AdditionRef.
  std::map<std::string, std::string> texts;
  std::string list_version;
  std::string properties_version;
};

inline constexpr size_t kMaxNoticeBytes = 256 << 20;

/// Ids whose texts a notice of these components needs, sorted.
std::set<std::string> LicenseTextIds(std::span<const NoticeComponent> components);

/// Those of them that `texts` lacks.
std::vector<std::string> MissingLicenseTexts(const NoticeInput& input);

/// Components in the order of name and version, each text once. FAILED_PRECONDITION
/// (LICENSE_TEXT_MISSING) naming the texts that are not there: a notice without them fulfils
/// nothing. INVALID_ARGUMENT (NOTICE_INVALID): a text that is not UTF-8, a document beyond
/// kMaxNoticeBytes, no document namespace for kSpdx.
absl::StatusOr<std::string> WriteNotice(NoticeFormat format, const NoticeInput& input);

}  // namespace dml
