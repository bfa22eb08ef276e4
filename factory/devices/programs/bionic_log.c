// Android's liblog.so, as far as libtensorflowlite_jni.so calls it: lines to standard error.

#include <stdarg.h>
#include <stdio.h>

int __android_log_vprint(int priority, const char* tag, const char* format, va_list values) {
  (void)priority;
  fprintf(stderr, "%s: ", tag);
  const int written = vfprintf(stderr, format, values);
  fputc('\n', stderr);
  return written;
}
