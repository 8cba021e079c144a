#include "core/license/notice.h"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/text.h"

namespace dml {
namespace {

using Json = nlohmann::ordered_json;

constexpr ErrorReason kInvalid("NOTICE_INVALID");

std::set<std::string> IdsOf(const NoticeInput& input) { return LicenseTextIds(input.components); }

std::string Join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

// One line of a text document: what would break the line, or move a terminal's cursor, is '?'.
std::string OneLine(std::string_view text) { return Excerpt(text, text.size()); }

// Lines stay lines; other control characters go.
std::string Lines(std::string_view text) {
  std::string out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line(text.substr(begin, end - begin));
    if (line.ends_with('\r')) line.pop_back();
    std::ranges::replace(line, '\t', ' ');
    out += OneLine(line) + "\n";
    begin = end + 1;
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

std::string Html(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string WithVersion(const NoticeComponent& component) {
  return component.version.empty() ? component.name : component.name + " " + component.version;
}

std::string DataLine(const NoticeInput& input) {
  return fmt::format(
      "Written {} for {}. License list: {}. License properties: {}.", FormatTime(input.time),
      input.context.ToString(), OneLine(input.list_version),
      input.properties_version.empty() ? std::string("none") : OneLine(input.properties_version));
}

std::string WriteText(const NoticeInput& input) {
  const std::string rule(78, '=');
  std::string out =
      OneLine(input.title) + "\n" + DataLine(input) + "\n\n" + rule + "\nSoftware\n\n";
  for (const NoticeComponent& component : input.components) {
    out += OneLine(WithVersion(component)) + "\n  License: " + component.license.ToString() + "\n";
    for (const std::string& copyright : component.copyrights) {
      out += "  " + OneLine(copyright) + "\n";
    }
  }
  if (!input.obligations.empty()) out += "\n" + rule + "\nObligations\n\n";
  for (const SetObligation& obligation : input.obligations) {
    out += fmt::format("{}: {}\n  Licenses: {}\n  Software: {}\n", obligation.word, obligation.text,
                       OneLine(Join(obligation.licenses)), OneLine(Join(obligation.components)));
  }
  for (const std::string& id : IdsOf(input)) {
    out += "\n" + rule + "\n" + id + "\n\n" + Lines(input.texts.at(id));
  }
  return out;
}

std::string WriteHtml(const NoticeInput& input) {
  const std::string title = Html(OneLine(input.title));
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{}</title>\n"
      "</head>\n<body>\n<h1>{}</h1>\n<p>{}</p>\n<h2>Software</h2>\n<ul>\n",
      title, title, Html(DataLine(input)));
  for (const NoticeComponent& component : input.components) {
    out += fmt::format("<li><b>{}</b>: {}", Html(OneLine(WithVersion(component))),
                       Html(component.license.ToString()));
    for (const std::string& copyright : component.copyrights) {
      out += "<br>" + Html(OneLine(copyright));
    }
    out += "</li>\n";
  }
  out += "</ul>\n";
  if (!input.obligations.empty()) out += "<h2>Obligations</h2>\n<dl>\n";
  for (const SetObligation& obligation : input.obligations) {
    out += fmt::format("<dt>{}: {}</dt>\n<dd>Licenses: {}<br>Software: {}</dd>\n",
                       Html(obligation.word), Html(obligation.text),
                       Html(OneLine(Join(obligation.licenses))),
                       Html(OneLine(Join(obligation.components))));
  }
  if (!input.obligations.empty()) out += "</dl>\n";
  out += "<h2>Licenses</h2>\n";
  for (const std::string& id : IdsOf(input)) {
    // Ids have letters, digits, '-', '.' and ':' alone, all fit for an attribute.
    out += fmt::format("<h3 id=\"{}\">{}</h3>\n<pre>\n{}</pre>\n", id, id,
                       Html(Lines(input.texts.at(id))));
  }
  return out + "</body>\n</html>\n";
}

// SPDX 2.3 knows neither AdditionRef nor what stands in documents that this one does not name.
bool FitsSpdx23(const LicenseExpression& license) {
  return std::ranges::all_of(license.leaves(), [](const LicenseLeaf& leaf) {
    return !leaf.id.starts_with("DocumentRef-") && !leaf.addition.starts_with("DocumentRef-") &&
           !leaf.addition.starts_with("AdditionRef-");
  });
}

Json SpdxPackage(const NoticeComponent& component, size_t number) {
  Json package;
  package["SPDXID"] = fmt::format("SPDXRef-Package-{}", number);
  package["name"] = component.name;
  if (!component.version.empty()) package["versionInfo"] = component.version;
  package["downloadLocation"] = "NOASSERTION";
  package["filesAnalyzed"] = false;
  const bool fits = FitsSpdx23(component.license);
  package["licenseConcluded"] = fits ? component.license.ToString() : "NOASSERTION";
  package["licenseDeclared"] = "NOASSERTION";
  if (!fits) package["licenseComments"] = component.license.ToString();
  std::string copyright;
  for (const std::string& line : component.copyrights) {
    copyright += (copyright.empty() ? "" : "\n") + line;
  }
  package["copyrightText"] = copyright.empty() ? "NOASSERTION" : copyright;
  if (!component.purl.empty()) {
    package["externalRefs"] = Json::array({Json{{"referenceCategory", "PACKAGE-MANAGER"},
                                                {"referenceType", "purl"},
                                                {"referenceLocator", component.purl}}});
  }
  return package;
}

std::string WriteSpdx(const NoticeInput& input) {
  Json document;
  document["spdxVersion"] = "SPDX-2.3";
  document["dataLicense"] = "CC0-1.0";
  document["SPDXID"] = "SPDXRef-DOCUMENT";
  document["name"] = input.title;
  document["documentNamespace"] = input.document_namespace;
  document["creationInfo"] = {{"created", FormatTime(input.time)},
                              {"creators", Json::array({"Tool: dml"})},
                              {"comment", DataLine(input)}};
  document["packages"] = Json::array();
  document["relationships"] = Json::array();
  for (const NoticeComponent& component : input.components) {
    Json package = SpdxPackage(component, document["packages"].size());
    document["relationships"].push_back({{"spdxElementId", "SPDXRef-DOCUMENT"},
                                         {"relationshipType", "DESCRIBES"},
                                         {"relatedSpdxElement", package["SPDXID"]}});
    document["packages"].push_back(std::move(package));
  }
  Json extracted = Json::array();
  for (const std::string& id : IdsOf(input)) {
    if (!id.starts_with("LicenseRef-")) continue;
    extracted.push_back({{"licenseId", id}, {"name", id}, {"extractedText", input.texts.at(id)}});
  }
  if (!extracted.empty()) document["hasExtractedLicensingInfos"] = std::move(extracted);
  return document.dump(2) + "\n";
}

absl::Status CheckInput(NoticeFormat format, const NoticeInput& input) {
  size_t bytes = input.title.size();
  bool valid = Utf8Fault(input.title).empty() && Utf8Fault(input.document_namespace).empty();
  auto check = [&](const std::string& text) {
    bytes += text.size();
    valid = valid && Utf8Fault(text).empty();
  };
  for (const NoticeComponent& component : input.components) {
    for (const std::string* text : {&component.name, &component.version, &component.purl}) {
      check(*text);
    }
    for (const std::string& copyright : component.copyrights) check(copyright);
  }
  for (const auto& [id, text] : input.texts) check(text);
  if (!valid) return InvalidArgument(kInvalid, "a text for the notice is not UTF-8");
  if (bytes > kMaxNoticeBytes) {
    return InvalidArgument(kInvalid, "a notice of more than {} bytes", kMaxNoticeBytes);
  }
  if (format == NoticeFormat::kSpdx && input.document_namespace.empty()) {
    return InvalidArgument(kInvalid, "an SPDX document needs a namespace of its own, a URI");
  }
  return absl::OkStatus();
}

}  // namespace

std::set<std::string> LicenseTextIds(std::span<const NoticeComponent> components) {
  std::set<std::string> ids;
  for (const NoticeComponent& component : components) {
    for (const LicenseLeaf& leaf : component.license.leaves()) {
      ids.insert(leaf.id);
      if (!leaf.addition.empty()) ids.insert(leaf.addition);
    }
  }
  return ids;
}

std::vector<std::string> MissingLicenseTexts(const NoticeInput& input) {
  std::vector<std::string> missing;
  for (const std::string& id : IdsOf(input)) {
    auto it = input.texts.find(id);
    if (it == input.texts.end() || it->second.empty()) missing.push_back(id);
  }
  return missing;
}

absl::StatusOr<std::string> WriteNotice(NoticeFormat format, const NoticeInput& input) {
  DML_RETURN_IF_ERROR(CheckInput(format, input));
  if (const auto missing = MissingLicenseTexts(input); !missing.empty()) {
    return FailedPrecondition(ErrorReason("LICENSE_TEXT_MISSING"), "no text of {}",
                              Excerpt(Join(missing), 1024));
  }
  NoticeInput ordered = input;
  std::ranges::sort(ordered.components, [](const NoticeComponent& a, const NoticeComponent& b) {
    return std::tie(a.name, a.version, a.purl) < std::tie(b.name, b.version, b.purl);
  });
  if (format == NoticeFormat::kText) return WriteText(ordered);
  return format == NoticeFormat::kHtml ? WriteHtml(ordered) : WriteSpdx(ordered);
}

}  // namespace dml
