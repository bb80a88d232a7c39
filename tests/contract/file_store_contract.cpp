#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "contract/backends.h"
#include "store/sha256.h"
#include "store/store.h"
#include "support.h"

namespace simpleim::test {

using store::FileStore;

class FileStoreContract : public testing::TestWithParam<FileBackend> {
 protected:
  void SetUp() override {
    place_ = GetParam().make();
    store_ = place_->open();
  }
  void reopen() {
    store_.reset();
    store_ = place_->open();
  }
  static std::string hash(const std::string& bytes) {
    store::Sha256 sha;
    sha.add(bytes);
    return sha.hex();
  }
  static std::string random_bytes(std::size_t size, std::uint64_t seed = 1) {
    std::string bytes(size, '\0');
    SeededRandom(seed).fill(bytes.data(), size);
    return bytes;
  }
  store::StoredContent put(const std::string& bytes) {
    auto writer = store_->create();
    // In pieces of odd sizes, as they come from a socket.
    for (std::size_t at = 0, size = 1; at < bytes.size(); at += size, size = size * 3 + 1)
      writer->write(std::string_view(bytes).substr(at, size));
    return writer->finish();
  }
  std::string read(const std::string& sha256, std::int64_t offset = 0) {
    auto reader = store_->open(sha256, offset);
    if (!reader) return "(none)";
    std::string all;
    std::string piece(70'000, '\0');
    while (const auto got = reader->read(piece)) all.append(piece, 0, got);
    return all;
  }
  void append(const std::string& id, const std::string& bytes) {
    auto writer = store_->append_part(id);
    writer->write(bytes);
    writer->finish();
  }
  std::vector<std::string> unwanted(std::int64_t age_ms, const std::string& wanted = "") {
    return store_->unwanted(age_ms, 100, [&](const std::string& name) { return name == wanted; });
  }

  std::unique_ptr<FilePlace> place_;
  std::unique_ptr<FileStore> store_;
};

TEST_P(FileStoreContract, AContentComesBackUnderItsHash) {
  for (const std::size_t size : {0u, 1u, 70'000u, 3'000'000u, 40'000'000u}) {
    const auto bytes = random_bytes(size);
    const auto content = put(bytes);
    EXPECT_EQ(content.size, static_cast<std::int64_t>(size));
    EXPECT_EQ(content.sha256, hash(bytes));
    reopen();
    EXPECT_TRUE(read(content.sha256) == bytes) << size;
    EXPECT_EQ(store_->open(content.sha256, 0)->size(), static_cast<std::int64_t>(size));
  }
  EXPECT_EQ(store_->open(hash("never stored"), 0), nullptr);
  EXPECT_EQ(store_->open("../../etc/passwd", 0), nullptr);
}

TEST_P(FileStoreContract, ReadsFromAnywhere) {
  const auto bytes = random_bytes(2'500'000);
  const auto content = put(bytes);
  for (const std::size_t offset : {1u, 999'999u, 1'048'576u, 2'499'999u, 2'500'000u})
    EXPECT_TRUE(read(content.sha256, static_cast<std::int64_t>(offset)) == bytes.substr(offset)) << offset;
}

TEST_P(FileStoreContract, TheSameTwiceIsOnce) {
  const auto bytes = random_bytes(5000);
  EXPECT_EQ(put(bytes).sha256, put(bytes).sha256);
  EXPECT_EQ(unwanted(0).size(), 1u);
}

TEST_P(FileStoreContract, WhatIsNotFinishedIsNotThere) {
  const auto bytes = random_bytes(5000);
  { store_->create()->write(bytes); }
  EXPECT_EQ(read(hash(bytes)), "(none)");
  EXPECT_TRUE(unwanted(0).empty());
}

TEST_P(FileStoreContract, OtherProgramsReadACopy) {
  const auto bytes = random_bytes(3'000'000);
  const auto copy = store_->local_copy(put(bytes).sha256);
  std::ifstream in(copy.path(), std::ios::binary);
  EXPECT_TRUE(std::string(std::istreambuf_iterator<char>(in), {}) == bytes);
}

TEST_P(FileStoreContract, APartGrowsAndBecomesAContent) {
  EXPECT_EQ(store_->part_size("abc"), -1);
  store_->create_part("abc");
  EXPECT_EQ(store_->part_size("abc"), 0);
  const auto bytes = random_bytes(300'000);
  append("abc", bytes.substr(0, 100'000));
  EXPECT_EQ(store_->part_size("abc"), 100'000);
  {
    // The connection ended: what had come stays.
    store_->append_part("abc")->write(std::string_view(bytes).substr(100'000, 50'000));
  }
  reopen();
  EXPECT_EQ(store_->part_size("abc"), 150'000);
  append("abc", bytes.substr(150'000));
  const auto content = store_->finish_part("abc");
  EXPECT_EQ(content.sha256, hash(bytes));
  EXPECT_EQ(content.size, 300'000);
  EXPECT_TRUE(read(content.sha256) == bytes);
  EXPECT_EQ(store_->part_size("abc"), 300'000) << "it stays for whoever asks again";
  store_->remove_part("abc");
  EXPECT_EQ(store_->part_size("abc"), -1);
  EXPECT_TRUE(read(content.sha256) == bytes);
}

TEST_P(FileStoreContract, WhatNobodyWantsGoes) {
  const auto kept = put(random_bytes(1000, 1)).sha256;
  const auto unneeded = put(random_bytes(1000, 2)).sha256;
  store_->create_part("part1");
  append("part1", "bytes");
  EXPECT_TRUE(unwanted(3'600'000).empty()) << "all of it is younger than an hour";
  auto found = unwanted(0, kept);
  std::sort(found.begin(), found.end());
  auto expected = std::vector<std::string>{unneeded, "part1"};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(found, expected);
  store_->discard(unneeded, 3'600'000);
  EXPECT_NE(read(unneeded), "(none)") << "too young";
  for (const auto& name : found) store_->discard(name, 0);
  store_->empty_trash();
  EXPECT_EQ(read(unneeded), "(none)");
  EXPECT_EQ(store_->part_size("part1"), -1);
  EXPECT_NE(read(kept), "(none)");
}

INSTANTIATE_TEST_SUITE_P(Backends, FileStoreContract, testing::ValuesIn(file_backends()),
                         [](const auto& info) { return info.param.name; });

}  // namespace simpleim::test
