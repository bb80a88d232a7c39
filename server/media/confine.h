#pragma once

namespace simpleim::media {

/// For good, for this process and the threads it makes from now on: only the descriptors that are open now can be used
/// and memory be had. No file can be opened, by Landlock where the kernel has it (5.13) and by seccomp; no socket, no
/// program, no other process reached; a call that is not in the list answers ENOSYS. Throws std::runtime_error when
/// the kernel refuses, so that nothing hostile is decoded without it.
void confine_process();

}  // namespace simpleim::media
