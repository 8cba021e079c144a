#include "tools/import/rpm_import.h"

#include <gmock/gmock.h>

#include "tests/tools/import/archive_builder.h"
#include "tools/import/rpm_header.h"

namespace dml {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::TempFile;

std::string Big(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out;
}

// The file format, from its description.
class RpmBuilder {
 public:
  RpmBuilder& Text(RpmTag tag, const std::string& text, uint32_t type = 6) {
    return Add(tag, type, 1, text + '\0');
  }
  RpmBuilder& Texts(RpmTag tag, const std::vector<std::string>& texts) {
    std::string data;
    for (const std::string& text : texts) data += text + '\0';
    return Add(tag, 8, static_cast<uint32_t>(texts.size()), data);
  }
  RpmBuilder& Numbers(RpmTag tag, const std::vector<uint32_t>& numbers) {
    while (data_.size() % 4 != 0) data_ += '\0';
    std::string data;
    for (uint32_t number : numbers) data += Big(number);
    return Add(tag, 4, static_cast<uint32_t>(numbers.size()), data);
  }
  RpmBuilder& Relations(RpmTag name, RpmTag flags, RpmTag version,
                        const std::vector<std::tuple<std::string, uint32_t, std::string>>& of) {
    std::vector<std::string> names;
    std::vector<std::string> versions;
    std::vector<uint32_t> senses;
    for (const auto& [n, f, v] : of) {
      names.push_back(n);
      senses.push_back(f);
      versions.push_back(v);
    }
    return Texts(name, names).Numbers(flags, senses).Texts(version, versions);
  }
  RpmBuilder& Add(RpmTag tag, uint32_t type, uint32_t count, const std::string& data) {
    index_ += Big(static_cast<uint32_t>(tag)) + Big(type) +
              Big(static_cast<uint32_t>(data_.size())) + Big(count);
    data_ += data;
    ++tags_;
    return *this;
  }
  std::string Header() const {
    return std::string("\x8e\xad\xe8\x01\0\0\0\0", 8) + Big(tags_) +
           Big(static_cast<uint32_t>(data_.size())) + index_ + data_;
  }
  // A signature header of five bytes of data, which padding follows.
  std::string Build() const {
    std::string lead("\xed\xab\xee\xdb\x03\0\0\0", 8);
    lead.resize(96, '\0');
    RpmBuilder signature;
    signature.Text(static_cast<RpmTag>(1000), "sig.");
    return lead + signature.Header() + std::string(3, '\0') + Header() + "payload";
  }

 private:
  uint32_t tags_ = 0;
  std::string index_;
  std::string data_;
};

RpmBuilder Minimal(const std::string& name = "demo", const std::string& arch = "x86_64") {
  RpmBuilder out;
  out.Text(RpmTag::kName, name)
      .Text(RpmTag::kVersion, "1.2")
      .Text(RpmTag::kRelease, "3.fc40")
      .Text(RpmTag::kArch, arch)
      .Text(RpmTag::kSourceRpm, "demo-1.2-3.fc40.src.rpm")
      .Text(RpmTag::kLicense, "MIT");
  return out;
}

absl::StatusOr<PackageImport> Import(const std::string& bytes) {
  TempFile file(bytes);
  return ReadRpm(file.path(), "fedora");
}
std::string ReasonOf(const RpmBuilder& rpm) {
  return std::string(Reason(Import(rpm.Build()).status()));
}
std::vector<std::string> Requirements(const PackageSpec& spec) {
  std::vector<std::string> out;
  for (const Requirement& requirement : spec.requires_all) {
    std::string text;
    for (const RelationTarget& target : requirement.any_of) {
      text += fmt::format("{}{} {} {}", text.empty() ? "" : " | ", RelationKindName(target.kind),
                          target.name, target.range.ToVers());
    }
    out.push_back(text);
  }
  return out;
}
std::vector<std::string> Provisions(const PackageSpec& spec) {
  std::vector<std::string> out;
  for (const Provision& provision : spec.provides) {
    out.push_back(fmt::format("{} {} {}", RelationKindName(provision.kind), provision.name,
                              provision.version.has_value() ? provision.version->text() : "-"));
  }
  return out;
}

TEST(RpmImport, MapsWhatAPackageSays) {
  RpmBuilder rpm = Minimal("ImageTools");
  rpm.Numbers(RpmTag::kEpoch, {2})
      .Text(RpmTag::kSummary, "Tools for images", 9)
      .Text(RpmTag::kDescription, "Many\ntools.", 9)
      .Text(RpmTag::kUrl, "https://images.example")
      .Text(RpmTag::kGroup, "Applications/Multimedia", 9)
      .Relations(RpmTag::kRequireName, RpmTag::kRequireFlags, RpmTag::kRequireVersion,
                 {{"bash", 0, ""},
                  {"bash", 0, ""},
                  {"libc.so.6(GLIBC_2.34)(64bit)", 0, ""},
                  {"/usr/bin/perl", 0x100, ""},
                  {"ImageTools-libs", 8, "2:1.2-3.fc40"},
                  {"zlib", 12, "1.2.11"},
                  {"old", 2, "2"},
                  {"(mta or postfix >= 3)", 0, ""},
                  {"(a if b)", 0, ""},
                  {"rpmlib(PayloadIsZstd)", 0x100000a, "5.4.18-1"}})
      .Relations(RpmTag::kProvideName, RpmTag::kProvideFlags, RpmTag::kProvideVersion,
                 {{"ImageTools", 8, "2:1.2-3.fc40"},
                  {"ImageTools(x86-64)", 8, "2:1.2-3.fc40"},
                  {"image-viewer", 0, ""}})
      .Relations(RpmTag::kConflictName, RpmTag::kConflictFlags, RpmTag::kConflictVersion,
                 {{"gimp", 2, "2.10"}})
      .Relations(RpmTag::kObsoleteName, RpmTag::kObsoleteFlags, RpmTag::kObsoleteVersion,
                 {{"imgtools", 10, "1.0-1"}})
      .Texts(RpmTag::kBaseNames, {"it", "it.conf", "itd"})
      .Texts(RpmTag::kDirNames, {"/usr/bin/", "/etc/", "/usr/sbin/"})
      .Numbers(RpmTag::kDirIndexes, {0, 1, 2})
      .Texts(RpmTag::kRecommendName, {"fonts"});
  const auto import = Import(rpm.Build());
  ASSERT_TRUE(import.ok()) << import.status();
  const PackageSpec& spec = import->spec;
  EXPECT_EQ(spec.package.ToString(), "fedora/imagetools");
  EXPECT_EQ(spec.labels.at("rpm-name"), "ImageTools");
  EXPECT_EQ(spec.labels.at("source"), "demo-1.2-3.fc40.src.rpm");
  EXPECT_EQ(spec.labels.at("group"), "Applications/Multimedia");
  EXPECT_EQ(spec.version.text(), "2:1.2-3.fc40");
  EXPECT_EQ(spec.version.scheme(), VersionScheme::kRpm);
  EXPECT_EQ(spec.platform.VariantId(), "linux-amd64");
  EXPECT_EQ(spec.purl, "pkg:rpm/fedora/ImageTools@1.2-3.fc40?arch=x86_64&epoch=2");
  EXPECT_EQ(spec.title, "Tools for images");
  EXPECT_EQ(spec.description, "Many\ntools.");
  EXPECT_EQ(spec.homepage, "https://images.example");
  EXPECT_EQ(spec.declared_license, "MIT");
  EXPECT_EQ(import->file_name, "ImageTools-1.2-3.fc40.x86_64.rpm");
  EXPECT_THAT(
      Requirements(spec),
      ElementsAre("PACKAGE fedora/bash vers:all/*",
                  "CAPABILITY libc.so.6(GLIBC_2.34)(64bit) vers:all/*",
                  "CAPABILITY /usr/bin/perl vers:all/*",
                  HasSubstr("PACKAGE fedora/imagetools-libs vers:rpm/2:1.2-3.fc40"),
                  HasSubstr("PACKAGE fedora/zlib vers:rpm/>=1.2.11"),
                  HasSubstr("PACKAGE fedora/old vers:rpm/<2"),
                  HasSubstr("PACKAGE fedora/mta vers:all/* | PACKAGE fedora/postfix vers:rpm/>=3"),
                  "CAPABILITY rich-dependency vers:none/*"));
  EXPECT_EQ(spec.requires_all[4].source, "Requires: zlib >= 1.2.11");
  EXPECT_THAT(
      Provisions(spec),
      ElementsAre("CAPABILITY ImageTools(x86-64) 2:1.2-3.fc40", "PACKAGE fedora/image-viewer -",
                  "CAPABILITY /usr/bin/it -", "CAPABILITY /usr/sbin/itd -"));
  ASSERT_EQ(spec.conflicts.size(), 1U);
  EXPECT_EQ(spec.conflicts[0].target.name, "fedora/gimp");
  EXPECT_EQ(spec.conflicts[0].source, "Conflicts: gimp < 2.10");
  ASSERT_EQ(spec.replaces.size(), 1U);
  EXPECT_EQ(spec.replaces[0].source, "Obsoletes: imgtools <= 1.0-1");
  EXPECT_THAT(import->unmapped,
              ElementsAre(HasSubstr("NAME: ImageTools is called imagetools"),
                          HasSubstr("(a if b): a rich dependency"),
                          HasSubstr("rpmlib(PayloadIsZstd)"), HasSubstr("RECOMMENDS: fonts")));
}

TEST(RpmImport, BadPackagesAreRefused) {
  EXPECT_EQ(ReasonOf(Minimal()), "");
  EXPECT_EQ(ReasonOf(Minimal("demo", "noarch")), "");
  EXPECT_EQ(ReasonOf(Minimal("demo", "m68k")), "RPM_ARCHITECTURE_UNKNOWN");
  EXPECT_EQ(ReasonOf(Minimal("../etc")), "NAME_INVALID");
  EXPECT_EQ(ReasonOf(Minimal("")), "RPM_INVALID");
  RpmBuilder source = Minimal();
  source.Numbers(RpmTag::kSourcePackage, {1});
  EXPECT_EQ(ReasonOf(source), "RPM_SOURCE");
  RpmBuilder twice = Minimal();
  twice.Text(RpmTag::kName, "other");
  EXPECT_EQ(ReasonOf(twice), "RPM_INVALID") << "attack 40: two names";
  RpmBuilder number = Minimal();
  number.Text(RpmTag::kEpoch, "1");
  EXPECT_EQ(ReasonOf(number), "RPM_INVALID") << "a number that is a text";
  RpmBuilder uneven = Minimal();
  uneven.Texts(RpmTag::kRequireName, {"a", "b"}).Numbers(RpmTag::kRequireFlags, {0});
  EXPECT_EQ(ReasonOf(uneven), "RPM_INVALID");
  RpmBuilder nowhere = Minimal();
  nowhere.Texts(RpmTag::kBaseNames, {"a"})
      .Texts(RpmTag::kDirNames, {"/"})
      .Numbers(RpmTag::kDirIndexes, {1});
  EXPECT_EQ(ReasonOf(nowhere), "RPM_INVALID");
  RpmBuilder latin = Minimal();
  latin.Text(RpmTag::kSummary, "caf\xe9");
  EXPECT_EQ(ReasonOf(latin), "RPM_INVALID");
  RpmBuilder rich = Minimal();
  rich.Relations(RpmTag::kConflictName, RpmTag::kConflictFlags, RpmTag::kConflictVersion,
                 {{"(a or b)", 0, ""}});
  EXPECT_EQ(ReasonOf(rich), "RPM_INVALID") << "what must not be there is not left out";
  EXPECT_EQ(Reason(ReadRpm("/nowhere.rpm", "fedora").status()), "FILE_NOT_FOUND");
  EXPECT_EQ(Reason(ReadRpm("/tmp", "fedora").status()), "FILE_NOT_REGULAR");
}

TEST(RpmImport, HeadersThatLieAreRefused) {
  const std::string good = Minimal().Build();
  EXPECT_TRUE(Import(good).ok());
  for (size_t size : {size_t{0}, size_t{95}, size_t{96}, size_t{110}, good.size() - 100}) {
    EXPECT_EQ(Reason(Import(good.substr(0, size)).status()), "RPM_INVALID") << size;
  }
  // attack 28: sizes that are stated and not there; nothing is allocated for them.
  const size_t header = good.find("\x8e\xad\xe8\x01", 100);
  for (const size_t at : {header + 8, header + 12, size_t{96 + 8}, size_t{96 + 12}}) {
    for (const uint32_t value : {0xffffffffU, 0x7fffffffU, 65'536U}) {
      std::string bytes = good;
      bytes.replace(at, 4, Big(value));
      EXPECT_EQ(Reason(Import(bytes).status()), "RPM_INVALID") << at << " " << value;
    }
  }
  // An offset and a count beyond the data, of each tag.
  for (size_t entry = header + 16; entry < header + 16 + 6 * 16; entry += 16) {
    for (const size_t field : {8, 12}) {
      std::string bytes = good;
      bytes.replace(entry + field, 4, Big(1 << 20));
      EXPECT_FALSE(Import(bytes).ok()) << entry << " " << field;
    }
  }
}

}  // namespace
}  // namespace dml
