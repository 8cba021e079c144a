// Notes on a release for those whom it concerns, from its changes and items. Pure; any thread.
#pragma once

#include <string>

#include "core/release/release.h"

namespace dml {

/// CommonMark: what is new by kind of change (security first), with the problems closed; what
/// happens to which package; when and where; the way back. Text from the document cannot become
/// markup; a link is one where it starts with "https://" or "http://", else plain text.
std::string ReleaseNotes(const Release& release);

}  // namespace dml
