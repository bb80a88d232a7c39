#include "cluster/redis/connection.h"

#include <fcntl.h>
#include <hiredis/sds.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>

#include "cluster/redis/locate.h"

namespace simpleim::cluster::redis {
namespace {

timeval to_timeval(std::int64_t ms) { return {ms / 1000, static_cast<suseconds_t>(ms % 1000 * 1000)}; }

/// What finding it may leave of the deadline to connecting.
constexpr std::int64_t kLeastConnectMs = 100;

}  // namespace

Connection::Connection(const RedisOptions& options) : Connection(locate(options, options.deadline_ms), options) {}

Connection::Connection(const Location& found, const RedisOptions& options)
    : Connection(options, found.address, std::max(kLeastConnectMs, found.left_ms)) {
  set_deadline(options.deadline_ms);  // connecting had what finding it left
}

Connection::Connection(const RedisOptions& options, const base::Address& address, std::int64_t deadline_ms)
    : name_("Redis " + address.text()),
      context_(redisConnectWithTimeout(address.host.c_str(), address.port, to_timeval(deadline_ms))) {
  if (!context_) throw RedisError(name_ + ": no memory for a connection");
  if (context_->err != 0) fail("connecting");
  set_deadline(deadline_ms);
  redisEnableKeepAlive(context_.get());
  if (!options.password.empty()) {
    if (options.user.empty()) append({"AUTH", options.password});
    else append({"AUTH", options.user, options.password});
    answer();
  }
  // The kernel accepts for a server that hangs.
  append({"PING"});
  answer();
}

void Connection::set_deadline(std::int64_t ms) {
  redisSetTimeout(context_.get(), to_timeval(std::max<std::int64_t>(1, ms)));
}

void Connection::append(const std::vector<std::string_view>& command) {
  std::vector<const char*> parts;
  std::vector<std::size_t> sizes;
  parts.reserve(command.size());
  sizes.reserve(command.size());
  for (const auto part : command) {
    parts.push_back(part.data());
    sizes.push_back(part.size());
  }
  if (redisAppendCommandArgv(context_.get(), static_cast<int>(parts.size()), parts.data(), sizes.data()) != REDIS_OK)
    fail("writing a command");
}

Reply Connection::answer() {
  void* got = nullptr;
  if (redisGetReply(context_.get(), &got) != REDIS_OK) fail("waiting for an answer");
  Reply reply(static_cast<redisReply*>(got));
  if (reply->type == REDIS_REPLY_ERROR) throw RedisError(name_ + ": " + std::string(reply->str, reply->len));
  return reply;
}

void Connection::unblock() {
  const int flags = ::fcntl(context_->fd, F_GETFL);
  if (flags < 0 || ::fcntl(context_->fd, F_SETFL, flags | O_NONBLOCK) != 0) fail("preparing the socket");
  context_->flags &= ~REDIS_BLOCK;
}

bool Connection::send() {
  int done = 0;
  if (redisBufferWrite(context_.get(), &done) != REDIS_OK) fail("sending");
  return done != 0;
}

void Connection::receive() {
  if (redisBufferRead(context_.get()) != REDIS_OK) fail("receiving");
}

Reply Connection::next() {
  void* got = nullptr;
  if (redisGetReplyFromReader(context_.get(), &got) != REDIS_OK) fail("reading an answer");
  return Reply(static_cast<redisReply*>(got));
}

std::size_t Connection::unsent() const { return sdslen(context_->obuf); }

void Connection::fail(const std::string& doing) const {
  // With a deadline of the socket, hiredis reports the kernel's EAGAIN.
  const bool late = context_->err == REDIS_ERR_IO && errno == EAGAIN;
  throw RedisError(name_ + ": " + doing + ": " + (late ? "no answer in time" : context_->errstr));
}

}  // namespace simpleim::cluster::redis
