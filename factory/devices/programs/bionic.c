// Android's C library, as far as libtensorflowlite_jni.so calls it, on glibc: built as libc.so with symbol version LIBC.
//
// Both are the C library of arm64 Linux: the kernel's structures, the calling convention and the sizes of pthread's
// objects that are only handed through are the same, so that most functions are glibc's own (FORWARD). What differs is
// written out: stdio's streams, errno, sysconf's numbers, strerror_r, the layout of a mutex's attributes.

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSIONED(name) __asm__(".symver bionic_" #name "," #name "@LIBC")
#define FORWARD(name)                                                                              \
  __asm__(".text\n.global bionic_" #name "\n.type bionic_" #name ",%function\nbionic_" #name ": b " #name "\n"); \
  VERSIONED(name)

enum { kStream = 152, kMutex = 40 };                 // bytes of bionic's FILE and pthread_mutex_t
enum { kPageSize = 0x27, kPageSize2 = 0x28, kProcessors = 0x60, kOnline = 0x61, kPages = 0x62 };  // of its sysconf

char bionic___sF[3 * kStream];
VERSIONED(__sF);

static FILE* stream(void* given) {
  const ptrdiff_t offset = (char*)given - bionic___sF;
  if (offset < 0 || offset >= 3 * kStream) return given;
  return offset < kStream ? stdin : offset < 2 * kStream ? stdout : stderr;
}

int* bionic___errno(void) { return __errno_location(); }
VERSIONED(__errno);
int bionic___system_property_get(const char* name, char* value) { return (void)name, value[0] = 0; }
VERSIONED(__system_property_get);
void bionic_android_set_abort_message(const char* message) { fprintf(stderr, "%s\n", message); }
VERSIONED(android_set_abort_message);
size_t bionic___strlen_chk(const char* text, size_t room) { return (void)room, strlen(text); }
VERSIONED(__strlen_chk);
void* bionic___memmove_chk(void* to, const void* from, size_t n, size_t room) { return (void)room, memmove(to, from, n); }
VERSIONED(__memmove_chk);
extern int __xpg_strerror_r(int, char*, size_t);
int bionic_strerror_r(int error, char* text, size_t room) { return __xpg_strerror_r(error, text, room); }
VERSIONED(strerror_r);

long bionic_sysconf(int name) {
  switch (name) {
    case kPageSize:
    case kPageSize2: return sysconf(_SC_PAGESIZE);
    case kProcessors:
    case kOnline: return 1;
    case kPages: return sysconf(_SC_PHYS_PAGES);
    default: errno = EINVAL; return -1;
  }
}
VERSIONED(sysconf);

// A bionic mutex has 40 bytes, of which glibc's plain and recursive kinds use the first 24.
int bionic_pthread_mutex_init(pthread_mutex_t* mutex, const long* attributes) {
  memset(mutex, 0, kMutex);
  if (attributes && (*attributes & 3) == PTHREAD_MUTEX_RECURSIVE) mutex->__data.__kind = PTHREAD_MUTEX_RECURSIVE;
  return 0;
}
VERSIONED(pthread_mutex_init);

int bionic_vfprintf(void* to, const char* format, va_list values) { return vfprintf(stream(to), format, values); }
VERSIONED(vfprintf);
int bionic_fprintf(void* to, const char* format, ...) {
  va_list values;
  va_start(values, format);
  const int written = vfprintf(stream(to), format, values);
  va_end(values);
  return written;
}
VERSIONED(fprintf);
size_t bionic_fwrite(const void* from, size_t size, size_t n, void* to) { return fwrite(from, size, n, stream(to)); }
VERSIONED(fwrite);
size_t bionic_fread(void* to, size_t size, size_t n, void* from) { return fread(to, size, n, stream(from)); }
VERSIONED(fread);
int bionic_fputc(int character, void* to) { return fputc(character, stream(to)); }
VERSIONED(fputc);
int bionic_fflush(void* which) { return fflush(which ? stream(which) : NULL); }
VERSIONED(fflush);
int bionic_fileno(void* which) { return fileno(stream(which)); }
VERSIONED(fileno);
int bionic_fclose(void* which) { return fclose(stream(which)); }
VERSIONED(fclose);

FORWARD(__cxa_atexit);
FORWARD(__cxa_finalize);
FORWARD(__open_2);
FORWARD(__read_chk);
FORWARD(__stack_chk_fail);
FORWARD(__vsnprintf_chk);
FORWARD(abort);
FORWARD(atan2);
FORWARD(atan2f);
FORWARD(bsearch);
FORWARD(calloc);
FORWARD(clock_gettime);
FORWARD(close);
FORWARD(closelog);
FORWARD(cos);
FORWARD(cosf);
FORWARD(dl_iterate_phdr);
FORWARD(dlclose);
FORWARD(dlerror);
FORWARD(dlopen);
FORWARD(dlsym);
FORWARD(erfcf);
FORWARD(exit);
FORWARD(exp);
FORWARD(expf);
FORWARD(expm1f);
FORWARD(flock);
FORWARD(fmodf);
FORWARD(fopen);
FORWARD(free);
FORWARD(freelocale);
FORWARD(frexp);
FORWARD(fstat);
FORWARD(fsync);
FORWARD(getauxval);
FORWARD(getenv);
FORWARD(getpagesize);
FORWARD(getuid);
FORWARD(hypot);
FORWARD(hypotf);
FORWARD(ldexp);
FORWARD(log);
FORWARD(log1p);
FORWARD(logf);
FORWARD(madvise);
FORWARD(malloc);
FORWARD(memalign);
FORWARD(memchr);
FORWARD(memcmp);
FORWARD(memcpy);
FORWARD(memmove);
FORWARD(memset);
FORWARD(mmap);
FORWARD(mprotect);
FORWARD(mremap);
FORWARD(munmap);
FORWARD(nanf);
FORWARD(newlocale);
FORWARD(open);
FORWARD(openlog);
FORWARD(posix_memalign);
FORWARD(pow);
FORWARD(powf);
FORWARD(pthread_cond_broadcast);
FORWARD(pthread_cond_destroy);
FORWARD(pthread_cond_signal);
FORWARD(pthread_cond_wait);
FORWARD(pthread_create);
FORWARD(pthread_getspecific);
FORWARD(pthread_join);
FORWARD(pthread_key_create);
FORWARD(pthread_key_delete);
FORWARD(pthread_mutex_destroy);
FORWARD(pthread_mutex_lock);
FORWARD(pthread_mutex_unlock);
FORWARD(pthread_once);
FORWARD(pthread_rwlock_rdlock);
FORWARD(pthread_rwlock_unlock);
FORWARD(pthread_rwlock_wrlock);
FORWARD(pthread_setspecific);
FORWARD(qsort);
FORWARD(read);
FORWARD(realloc);
FORWARD(rename);
FORWARD(sincos);
FORWARD(sincosf);
FORWARD(sinf);
FORWARD(snprintf);
FORWARD(strcmp);
FORWARD(strerror);
FORWARD(strlen);
FORWARD(strncmp);
FORWARD(strncpy);
FORWARD(strnlen);
FORWARD(strtod);
FORWARD(strtol);
FORWARD(strtoll_l);
FORWARD(strtoull_l);
FORWARD(syscall);
FORWARD(syslog);
FORWARD(tanhf);
FORWARD(time);
FORWARD(vasprintf);
FORWARD(vsnprintf);
FORWARD(write);
