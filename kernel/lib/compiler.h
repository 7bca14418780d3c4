// SPDX-License-Identifier: MIT
/* What we tell the compiler, and what clang 22 -Wthread-safety checks for us. */
#pragma once

#define must_check               __attribute__((warn_unused_result))
#define noreturn_                __attribute__((noreturn))
#define noinline_                __attribute__((noinline))
#define always_inline_           inline __attribute__((always_inline))
#define packed_                  __attribute__((packed))
#define aligned_(n)              __attribute__((aligned(n)))
#define section_(name)           __attribute__((section(name)))
#define used_                    __attribute__((used))
#define weak_                    __attribute__((weak))
#define printf_like(text, first) __attribute__((format(printf, text, first)))
#define likely(x)                __builtin_expect(!!(x), 1)
#define unlikely(x)              __builtin_expect(!!(x), 0)
#define fallthrough_             __attribute__((fallthrough))
#define assume(x)        ((x) ? (void)0 : __builtin_unreachable()) /* it holds always */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
/* For what is filled before it is read, where clearing it on each call would be noticed. */
#define uninitialized_   __attribute__((uninitialized))
#define STATIC_ASSERT(x) _Static_assert(x, #x)
#define CACHE_LINE       64

#if defined(__clang__) && __clang_major__ >= 22
#	define CAPABILITY(x)      __attribute__((capability(x)))
#	define GUARDED_BY(member) __attribute__((guarded_by(&member)))
#	define MUST_HOLD(...)     __attribute__((requires_capability(__VA_ARGS__)))
#	define MUST_HOLD_SHARED(...) \
		__attribute__((requires_shared_capability(__VA_ARGS__)))
#	define ACQUIRES(...) __attribute__((acquire_capability(__VA_ARGS__)))
#	define RELEASES(...) __attribute__((release_capability(__VA_ARGS__)))
#	define ACQUIRES_SHARED(...) \
		__attribute__((acquire_shared_capability(__VA_ARGS__)))
#	define RELEASES_SHARED(...) \
		__attribute__((release_shared_capability(__VA_ARGS__)))
#	define TRY_ACQUIRES(result, ...) \
		__attribute__((try_acquire_capability(result, __VA_ARGS__)))
#	define TRY_ACQUIRES_SHARED(result, ...) \
		__attribute__((try_acquire_shared_capability(result, __VA_ARGS__)))
#	define ASSERTS_HELD(...)   __attribute__((assert_capability(__VA_ARGS__)))
#	define ASSERTS_SHARED(...) __attribute__((assert_shared_capability(__VA_ARGS__)))
#	define NO_THREAD_SAFETY    __attribute__((no_thread_safety_analysis))
#else
#	define CAPABILITY(x)
#	define GUARDED_BY(member)
#	define MUST_HOLD(...)
#	define MUST_HOLD_SHARED(...)
#	define ACQUIRES(...)
#	define RELEASES(...)
#	define ACQUIRES_SHARED(...)
#	define RELEASES_SHARED(...)
#	define TRY_ACQUIRES(result, ...)
#	define TRY_ACQUIRES_SHARED(result, ...)
#	define ASSERTS_HELD(...)
#	define ASSERTS_SHARED(...)
#	define NO_THREAD_SAFETY
#endif
