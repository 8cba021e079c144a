// Exit codes, and the commands that need no server, end to end.
#include "tools/dml/app.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "core/gate/policy.h"
#include "core/os/file.h"
#include "tests/support/temp_dir.h"
#include "tests/tools/import/deb_builder.h"

namespace dml {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
  Json document() const { return Json::parse(out, nullptr, false); }
  Json error() const { return Json::parse(err, nullptr, false)["error"]; }
};

Outcome Dml(const std::vector<std::string>& args, const Terminal& terminal = {}) {
  std::ostringstream out;
  std::ostringstream err;
  Outcome run;
  run.code = RunDml(args, out, err, terminal);
  run.out = out.str();
  run.err = err.str();
  return run;
}

class AppTest : public ::testing::Test {
 protected:
  AppTest() { ::unsetenv("DML_PROFILE"); }

  std::string File(const char* name) { return dir_.path() / name; }
  std::string Write(const char* name, std::string_view text) {
    EXPECT_TRUE(WriteFileAtomically(File(name), AsBytes(text), 0600).ok());
    return File(name);
  }
  std::string Read(const std::string& path) { return ReadFile(path, 1 << 20).value(); }

 private:
  testing::TempDir dir_;
};

TEST(ExitCodeTest, FollowsCodeAndReason) {
  ErrorReason any("ANY");
  EXPECT_EQ(ExitCodeFor(Internal(any, "x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeFor(InvalidArgument(any, "x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeFor(AlreadyExists(any, "x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeFor(InvalidArgument(ErrorReason("ARGUMENT_INVALID"), "x")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeFor(DataLoss(ErrorReason("VARIANT_NOT_VERIFIED"), "x")), ExitCode::kNegative);
  EXPECT_EQ(ExitCodeFor(NotFound(any, "x")), ExitCode::kNotFound);
  EXPECT_EQ(ExitCodeFor(PermissionDenied(any, "x")), ExitCode::kNotPermitted);
  EXPECT_EQ(ExitCodeFor(Unauthenticated(any, "x")), ExitCode::kNotPermitted);
  EXPECT_EQ(ExitCodeFor(Unavailable(any, "x")), ExitCode::kUnavailable);
  EXPECT_EQ(ExitCodeFor(MakeError(absl::StatusCode::kDeadlineExceeded, any, "x")),
            ExitCode::kUnavailable);
}

TEST(ExitCodeTest, OfAMissingLocalFileIsNotThatOfTheLibrary) {
  EXPECT_EQ(ExitCodeFor(NotFound(ErrorReason("FILE_NOT_FOUND"), "x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeFor(NotFound(ErrorReason("PROFILE_NOT_FOUND"), "x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeFor(PermissionDenied(ErrorReason("FILE_PERMISSION_DENIED"), "x")),
            ExitCode::kFailed);
}

TEST_F(AppTest, WrongCommandLinesAreUsageErrors) {
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {},
           {"pakage"},
           {"package"},
           {"package", "get", "acme/api@1"},
           {"package", "list", "acme", "more"},
           {"status", "--unknown"},
           {"--output", "xml", "version"},
           {"--page-size", "0", "version"},
           {"log", "prove", "-1"},
           {"license", "eval", "MIT"},
           {"license", "eval", "MIT", "--policy", "p", "--environment", "e"},
           {"key", "register", "--owner", "pat", "--role", "publisher", "--namespace", "acme"}}) {
    Outcome run = Dml(args);
    EXPECT_EQ(run.code, 2) << ::testing::PrintToString(args);
    EXPECT_THAT(run.out, IsEmpty());
    EXPECT_THAT(run.err, HasSubstr("--help"));
  }
}

TEST_F(AppTest, UsageErrorsAreJsonWhereJsonWasAskedFor) {
  Outcome run = Dml({"package", "get", "--output", "json"});
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(run.error()["reason"], "ARGUMENT_INVALID");
  EXPECT_EQ(Dml({"--output=json", "nothing"}).error()["code"], "INVALID_ARGUMENT");
}

TEST_F(AppTest, ErrorsNeverDriveTheTerminal) {
  Outcome run = Dml({"compat", "compare", "deb", "1\x1b[2J", "1"});
  EXPECT_EQ(run.code, 2);
  EXPECT_EQ(run.err.find('\x1b'), std::string::npos);
  EXPECT_EQ(Dml({"\x1b[2J"}).err.find('\x1b'), std::string::npos);
}

TEST_F(AppTest, AMissingProfileSaysWhatToDo) {
  Outcome run = Dml({"--profile", File("none.yaml"), "status"});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("none.yaml"));
}

TEST_F(AppTest, AnUnreachableServerIsUnavailable) {
  Outcome generated = Dml({"key", "generate", "--out", File("log.key")});
  ASSERT_EQ(generated.code, 0) << generated.err;
  std::string profile = Write("profile.yaml", "server: unix:" + File("no.sock") +
                                                  "\ninsecureLoopback: true\nlogOrigin: test/log\n"
                                                  "logKeyFile: log.key.pub\n");
  Outcome run = Dml({"--profile", profile, "--output", "json", "status"});
  EXPECT_EQ(run.code, 6) << run.err;
  EXPECT_EQ(run.error()["code"], "UNAVAILABLE");
}

TEST_F(AppTest, GlobalOptionsStandBeforeAndAfterTheCommand) {
  Outcome before = Dml({"--output", "json", "compat", "compare", "deb", "1", "2"});
  Outcome after = Dml({"compat", "compare", "deb", "1", "2", "--output", "json"});
  EXPECT_EQ(before.code, 0);
  EXPECT_EQ(before.out, after.out);
  EXPECT_EQ(before.document()["order"], "LESS");
}

TEST_F(AppTest, ComparesVersions) {
  EXPECT_EQ(Dml({"compat", "compare", "deb", "1.0~rc1", "1.0"}).out, "1.0~rc1 < 1.0\n");
  EXPECT_EQ(Dml({"compat", "compare", "deb", "1:0", "2"}).out, "1:0 > 2\n");
  EXPECT_EQ(Dml({"compat", "compare", "semver", "1.0.0+a", "1.0.0+b"}).out, "1.0.0+a = 1.0.0+b\n");
  EXPECT_EQ(Dml({"compat", "compare", "rpm", "1", "2"}).code, 2);
  EXPECT_EQ(Dml({"compat", "compare", "semver", "1", "2"}).code, 2);
}

TEST_F(AppTest, ThePolicyThatInitWritesIsAPolicy) {
  EXPECT_EQ(Dml({"policy", "init"}).out, DefaultPolicyDocument());
  std::string file = File("policy.yaml");
  EXPECT_EQ(Dml({"policy", "init", "--out", file}).code, 0);
  EXPECT_EQ(Read(file), DefaultPolicyDocument());
  Outcome check = Dml({"policy", "check", file, "--output", "json"});
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_EQ(check.document()["digest"], ParsePolicy(DefaultPolicyDocument())->digest.ToString());
}

TEST_F(AppTest, PolicyCheckNamesFileAndLine) {
  std::string file = Write("bad.yaml", "schema: dml.policy/v1\ncontents: {}\n");
  Outcome run = Dml({"policy", "check", file});
  EXPECT_EQ(run.code, 1);
  EXPECT_THAT(run.err, HasSubstr("bad.yaml"));
  EXPECT_THAT(run.err, HasSubstr("line 2"));
}

TEST_F(AppTest, EvaluatesLicensesOffline) {
  std::string policy = Write("policy.yaml", DefaultPolicyDocument());
  auto eval = [&](const char* expression) {
    return Dml({"license", "eval", expression, "--policy", policy, "--output", "json"});
  };
  Outcome allowed = eval("SSPL-1.0 or mit");
  EXPECT_EQ(allowed.code, 0);
  EXPECT_EQ(allowed.document()["outcome"], "ALLOW");
  EXPECT_EQ(allowed.document()["expression"], "SSPL-1.0 OR MIT");
  EXPECT_EQ(allowed.document()["chosen"], "MIT");
  EXPECT_EQ(allowed.document()["reasons"].size(), 2u);
  EXPECT_EQ(eval("SSPL-1.0").code, 3);
  EXPECT_EQ(eval("NOASSERTION").code, 3);
  EXPECT_EQ(eval("MIT OR").code, 1);
  EXPECT_EQ(eval("MIT OR").error()["reason"], "LICENSE_EXPRESSION_INVALID");
}

TEST_F(AppTest, GeneratesKeysThatOnlyTheOwnerReads) {
  for (const char* algorithm : {"ed25519", "ecdsa-p256"}) {
    std::string file = File(algorithm);
    Outcome run =
        Dml({"key", "generate", "--algorithm", algorithm, "--out", file, "--output", "json"});
    ASSERT_EQ(run.code, 0) << run.err;
    struct stat info;
    ASSERT_EQ(::stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    Outcome shown = Dml({"key", "show", file, "--output", "json"});
    EXPECT_EQ(shown.document()["id"], run.document()["id"]);
    EXPECT_EQ(shown.document()["algorithm"], algorithm);
    Outcome shown_public = Dml({"key", "show", file + ".pub", "--output", "json"});
    EXPECT_EQ(shown_public.document()["id"], run.document()["id"]);
    EXPECT_EQ(shown_public.document()["publicKey"], Read(file + ".pub"));
  }
}

TEST_F(AppTest, GeneratedKeysReplaceNothing) {
  std::string file = Write("me.key", "precious");
  EXPECT_EQ(Dml({"key", "generate", "--out", file}).code, 1);
  EXPECT_EQ(Read(file), "precious");
  EXPECT_FALSE(std::filesystem::exists(file + ".pub"));
  std::string other = File("other");
  Write("other.pub", "public");
  Outcome run = Dml({"key", "generate", "--out", other, "--output", "json"});
  EXPECT_EQ(run.error()["reason"], "FILE_EXISTS");
  EXPECT_FALSE(std::filesystem::exists(other));
  EXPECT_EQ(Read(other + ".pub"), "public");
}

TEST_F(AppTest, GeneratedKeysAreEncryptedWithAPassphrase) {
  std::string passphrase = Write("passphrase", "open sesame\n");
  std::string file = File("me.key");
  ASSERT_EQ(Dml({"key", "generate", "--out", file, "--passphrase-file", passphrase}).code, 0);
  EXPECT_THAT(Read(file), HasSubstr("BEGIN ENCRYPTED PRIVATE KEY"));
  Outcome locked = Dml({"key", "show", file});
  EXPECT_EQ(locked.code, 1);
  EXPECT_THAT(locked.err, HasSubstr("--passphrase-file"));
  EXPECT_EQ(Dml({"key", "show", file, "--passphrase-file", passphrase}).code, 0);
}

TEST_F(AppTest, RepeatedOptionsTakeOneValueEach) {
  // With more, "--key a" would swallow the namespace that stands behind it.
  Outcome run = Dml({"package", "publish", "--key", File("none"), "--spec", File("none"), "extra"});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("extra"));
}

TEST_F(AppTest, ImportGoesOnAfterAFileThatCannotBeRead) {
  std::string broken = Write("broken.deb", "no archive");
  Outcome run = Dml({"import", "deb", broken, File("none.deb"), "--namespace", "debian",
                     "--dry-run", "--output", "json"});
  EXPECT_EQ(run.code, 1);
  Json document = run.document();
  ASSERT_EQ(document["items"].size(), 2u);
  EXPECT_EQ(document["items"][0]["error"]["reason"], "DEB_INVALID");
  EXPECT_EQ(document["items"][1]["error"]["reason"], "FILE_NOT_FOUND");
  EXPECT_EQ(document["failed"], 2);
}

TEST_F(AppTest, AStatedLicenseFillsTheGapThatTheArchiveLeaves) {
  std::string deb = Write("x.deb", testing::MakeDeb("Package: x\nVersion: 1\nArchitecture: all\n"
                                                    "Description: x\n"));
  auto license_of = [&](std::vector<std::string> more) -> std::string {
    std::vector<std::string> args = {"import", "deb",       deb,        "--namespace",
                                     "debian", "--dry-run", "--output", "json"};
    args.insert(args.end(), more.begin(), more.end());
    Outcome run = Dml(args);
    return run.code == 0 ? run.document()["items"][0]["spec"]["license"]["declared"]
                         : Json(std::to_string(run.code));
  };
  EXPECT_EQ(license_of({}), "NOASSERTION");
  EXPECT_EQ(license_of({"--license", "x=mit or isc"}), "MIT OR ISC");
  EXPECT_EQ(license_of({"--license", "y=MIT"}), "NOASSERTION") << "another package";
  EXPECT_NE(license_of({"--license", "x=No-Such"}), "No-Such");
  EXPECT_EQ(license_of({"--license", "MIT"}), "2");
}

TEST_F(AppTest, ImportNeedsAKeyUnlessItIsADryRun) {
  EXPECT_EQ(Dml({"import", "deb", "x.deb", "--namespace", "debian"}).code, 2);
}

TEST_F(AppTest, VersionNamesTheRulesBuiltIn) {
  Outcome run = Dml({"version", "--output", "json"});
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.document()["versionSchemes"][1], "deb@1");
  EXPECT_EQ(run.document()["licenseListVersion"], BundledLicenseList().version());
}

TEST_F(AppTest, ColorsOnlyOnATerminalThatWantsThem) {
  std::string policy = Write("policy.yaml", DefaultPolicyDocument());
  std::vector<std::string> args = {"policy", "check", policy};
  Terminal color{.out_is_tty = true, .err_is_tty = true, .width = 80, .color = true};
  EXPECT_NE(Dml(args, color).out.find('\x1b'), std::string::npos);
  EXPECT_EQ(Dml(args).out.find('\x1b'), std::string::npos);
  args.push_back("--no-color");
  EXPECT_EQ(Dml(args, color).out.find('\x1b'), std::string::npos);
}

TEST_F(AppTest, AnOutputThatCannotBeWrittenIsAFailure) {
  std::ostringstream out;
  std::ostringstream err;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(RunDml({"version"}, out, err), 1);
  EXPECT_THAT(err.str(), HasSubstr("cannot write"));
}

}  // namespace
}  // namespace dml
