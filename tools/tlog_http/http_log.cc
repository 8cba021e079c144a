#include "tools/tlog_http/http_log.h"

#include <algorithm>
#include <mutex>

#include <absl/strings/ascii.h>
#include <curl/curl.h>

#include "core/base/text.h"

namespace dml {
namespace {

// An answer as it comes in.
struct Incoming {
  std::string body;
  size_t max_bytes = 0;
  bool too_large = false;
};

size_t Take(char* data, size_t size, size_t count, void* to) {
  auto& incoming = *static_cast<Incoming*>(to);
  const size_t bytes = size * count;
  if (bytes > incoming.max_bytes - incoming.body.size()) {
    incoming.too_large = true;
    return 0;
  }
  incoming.body.append(data, bytes);
  return bytes;
}

absl::Status UrlInvalid(std::string_view url, std::string_view why) {
  return InvalidArgument(ErrorReason("ARGUMENT_INVALID"),
                         "'{}' is no address of a log: {}; write https://HOST[:PORT][/PATH]",
                         Excerpt(url), why);
}

absl::Status CheckUrl(const std::string& url) {
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return UrlInvalid(url, "not a URL");
  }
  auto has = [&](CURLUPart part) {
    char* text = nullptr;
    const bool found = curl_url_get(parsed.get(), part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return found;
  };
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return UrlInvalid(url, "neither https nor http");
  }
  if (has(CURLUPART_USER) || has(CURLUPART_PASSWORD)) return UrlInvalid(url, "it names a user");
  if (has(CURLUPART_QUERY) || has(CURLUPART_FRAGMENT)) return UrlInvalid(url, "it has a query");
  return absl::OkStatus();
}

// Whoever may read along could use it from then on; and a line end in it would begin a header.
absl::Status CheckToken(const std::string& token, const std::string& url) {
  constexpr ErrorReason kInvalid("ARGUMENT_INVALID");
  if (token.empty()) return absl::OkStatus();
  const bool is_token = std::ranges::all_of(token, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-._~+/=").find(c) != std::string_view::npos;
  });
  if (!is_token) {
    return InvalidArgument(kInvalid,
                           "what is to be sent to {} as a token has other characters than tokens "
                           "have; give the file that holds the token and nothing else",
                           Excerpt(url));
  }
  if (url.starts_with("https://")) return absl::OkStatus();
  return InvalidArgument(kInvalid,
                         "{} is without TLS, and whoever reads along could use the token; write "
                         "https://",
                         Excerpt(url));
}

curl_blob Blob(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

absl::Status NotFetched(const std::string& url, CURLcode code) {
  const char* const why = curl_easy_strerror(code);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return FailedPrecondition(ErrorReason("HTTP_UNEXPECTED"),
                                "{}: {}; check the authority and the certificate (--ca, "
                                "--certificate, or those of the profile)",
                                url, why);
    default:
      return Unavailable(ErrorReason("HTTP_UNAVAILABLE"), "{}: {}; try again later", url, why);
  }
}

absl::Status CheckStatus(const std::string& url, long status, std::string_view body) {
  const std::string said = body.empty() ? "" : fmt::format(": {}", Excerpt(body, 200));
  if (status == 200) return absl::OkStatus();
  if (status == 404 || status == 410) {
    return NotFound(ErrorReason("HTTP_NOT_FOUND"), "{} is not there ({}){}", url, status, said);
  }
  if (status == 401) {
    return Unauthenticated(ErrorReason("HTTP_REFUSED"), "{} wants to know who asks{}", url, said);
  }
  if (status == 403) {
    return PermissionDenied(ErrorReason("HTTP_REFUSED"), "{} is not for us{}", url, said);
  }
  if (status == 429 || status >= 500) {
    return Unavailable(ErrorReason("HTTP_UNAVAILABLE"), "{} answers {}{}", url, status, said);
  }
  return FailedPrecondition(ErrorReason("HTTP_UNEXPECTED"),
                            "{} answers {}, and is no log's then{}; check the address", url, status,
                            said);
}

}  // namespace

struct HttpLog::Handle {
  CURL* curl = curl_easy_init();
  ~Handle() { curl_easy_cleanup(curl); }
};

absl::StatusOr<std::unique_ptr<HttpLog>> HttpLog::Create(HttpLogOptions options) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  while (options.url.ends_with('/')) options.url.pop_back();
  DML_RETURN_IF_ERROR(CheckUrl(options.url));
  DML_RETURN_IF_ERROR(CheckToken(options.token, options.url));
  auto handle = std::make_unique<Handle>();
  if (handle->curl == nullptr) {
    return ResourceExhausted(ErrorReason("HTTP_UNAVAILABLE"), "no memory for a connection");
  }
  return std::unique_ptr<HttpLog>(new HttpLog(std::move(options), std::move(handle)));
}

HttpLog::HttpLog(HttpLogOptions options, std::unique_ptr<Handle> handle)
    : options_(std::move(options)), handle_(std::move(handle)) {
  CURL* const curl = handle_->curl;
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_timeout.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, options_.min_bytes_per_second);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall.count()));
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_3));
  if (!options_.ca_pem.empty()) {
    const curl_blob blob = Blob(options_.ca_pem);
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
  }
  if (!options_.certificate_pem.empty()) {
    const curl_blob certificate = Blob(options_.certificate_pem);
    const curl_blob key = Blob(options_.private_key_pem);
    curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &certificate);
    curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key);
  }
  if (!options_.token.empty()) {
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, options_.token.c_str());
  }
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Take);
}

HttpLog::~HttpLog() = default;

std::string HttpLog::UrlOf(std::string_view path) const {
  return fmt::format("{}/{}", options_.url, path);
}

absl::StatusOr<std::string> HttpLog::Get(std::string_view path, size_t max_bytes) {
  const std::string url = UrlOf(path);
  curl_easy_setopt(handle_->curl, CURLOPT_HTTPGET, 1L);
  DML_ASSIGN_OR_RETURN(HttpReply answer, Perform(url, max_bytes));
  DML_RETURN_IF_ERROR(CheckStatus(url, answer.status, answer.body));
  return std::move(answer.body);
}

absl::StatusOr<HttpReply> HttpLog::Post(std::string_view path, const std::string& body,
                                        size_t max_bytes) {
  struct Headers {
    curl_slist* list = nullptr;
    ~Headers() { curl_slist_free_all(list); }
  } headers;
  headers.list = curl_slist_append(headers.list, "Content-Type: text/plain; charset=utf-8");
  CURL* const curl = handle_->curl;
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.list);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
  absl::StatusOr<HttpReply> answer = Perform(UrlOf(path), max_bytes);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, nullptr);
  return answer;
}

absl::StatusOr<HttpReply> HttpLog::Perform(const std::string& url, size_t max_bytes) {
  CURL* const curl = handle_->curl;
  Incoming incoming{"", max_bytes, false};
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &incoming);
  const CURLcode code = curl_easy_perform(curl);
  if (incoming.too_large) {
    return DataLoss(ErrorReason("HTTP_TOO_LARGE"),
                    "{} sends more than the {} bytes that it can have; do not trust who sent it",
                    url, max_bytes);
  }
  if (code != CURLE_OK) return NotFetched(url, code);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return HttpReply{status, std::move(incoming.body)};
}

}  // namespace dml
