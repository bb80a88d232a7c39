#include "store/s3/client.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "servers/minio_server.h"
#include "support.h"

/// Links that anybody may use for a while.
namespace simpleim::test {
namespace {

struct Fetched {
  std::string status;
  std::string body;
};

Fetched fetch(const TempDir& dir, const std::string& url) {
  const auto out = dir.file("body");
  const auto status = dir.file("status");
  const auto command = "curl -s -o '" + out + "' -w '%{http_code} %{content_type}' '" + url + "' > '" + status + "'";
  EXPECT_EQ(std::system(command.c_str()), 0);
  const auto read = [](const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  return {read(status), read(out)};
}

TEST(S3Client, ALinkGivesOneObjectForAWhile) {
  const base::SystemClock clock;
  const TempDir dir;
  auto options = MinioServer::shared().options();
  options.public_endpoint = options.endpoint;
  store::s3::Client client(options, clock);
  client.open_bucket();
  client.put("a key/with +signs&", "what it says");
  const auto link = client.link("a key/with +signs&", 60, 1, {{"response-content-type", "text/x-simpleim"}});
  const auto fetched = fetch(dir, link);
  EXPECT_EQ(fetched.status, "200 text/x-simpleim");
  EXPECT_EQ(fetched.body, "what it says");
  auto other = link;
  other.replace(other.find("signs"), 5, "singS");
  EXPECT_TRUE(fetch(dir, other).status.starts_with("403")) << "it is for one object";
  auto longer = link;
  longer.replace(longer.find("X-Amz-Expires=60"), 16, "X-Amz-Expires=99");
  EXPECT_TRUE(fetch(dir, longer).status.starts_with("403")) << "and for as long as it says";
}

TEST(S3Client, TheBucketMayBeInTheHostsName) {
  const base::SystemClock clock;
  const TempDir dir;
  auto options = MinioServer::shared().options();
  const auto in_path = options;
  options.endpoint = "http://" + options.bucket + ".localhost:" + std::to_string(MinioServer::shared().port());
  options.public_endpoint = options.endpoint;
  options.bucket_in_host = true;
  store::s3::Client client(options, clock);
  client.open_bucket();
  client.open_bucket();  // it is there
  client.put("a key/x", "what it says");
  client.touch("a key/x");
  EXPECT_EQ(client.get("a key/x", 5, 100), "it says");
  ASSERT_EQ(client.list("", "", 10).objects.size(), 1U);
  EXPECT_EQ(client.list("", "", 10).objects.front().key, "a key/x");
  const auto link = client.link("a key/x", 60, 1, {});
  EXPECT_TRUE(link.starts_with("http://" + options.bucket + ".localhost:")) << link;
  EXPECT_EQ(fetch(dir, link).body, "what it says");
  EXPECT_EQ(store::s3::Client(in_path, clock).get("a key/x", 0, 4), "what") << "both are the same bucket";
}

}  // namespace
}  // namespace simpleim::test
