// Does this processor compute as an arm64 core does? Prints one line of JSON; exit status 1 names what is wrong.
//
// An int8 product whose result is known, by the dot product (cortex-a76) or by widening products (cortex-a53); whether
// there are scalable extensions, whose int8 outer product QEMU 7.2 computes wrongly; some 1000 instructions between two
// getppid() calls, by which a counting plug-in is checked.

#include <arm_neon.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

static const unsigned long kSme = 1ul << 23;  // HWCAP2_SME, which glibc 2.36 does not name yet

static int8_t left[16], right[16];

__attribute__((target("arch=armv8.2-a+dotprod"), noinline)) static int32_t by_dot_product(void) {
  return vaddvq_s32(vdotq_s32(vdupq_n_s32(0), vld1q_s8(left), vld1q_s8(right)));
}

__attribute__((noinline)) static int32_t by_widening(void) {
  const int16x8_t low = vmull_s8(vld1_s8(left), vld1_s8(right));
  const int16x8_t high = vmull_s8(vld1_s8(left + 8), vld1_s8(right + 8));
  return vaddvq_s32(vpadalq_s16(vpaddlq_s16(low), high));
}

// 500 turns of two instructions; with what calls and marks, 1000 and a constant.
static void thousand(void) {
  __asm__ volatile("mov x9, #500\n1: subs x9, x9, #1\nb.ne 1b\n" ::: "x9", "cc");
}

int main(void) {
  const unsigned long has = getauxval(AT_HWCAP), has2 = getauxval(AT_HWCAP2);
  int32_t expected = 0;
  for (int i = 0; i < 16; i++) {
    left[i] = (int8_t)(i * 37 - 128), right[i] = (int8_t)(101 - i * 29);
    expected += left[i] * right[i];
  }
  getppid();
  getppid();
  thousand();
  getppid();
  const int dot = (has & HWCAP_ASIMDDP) != 0, sme = (has2 & kSme) != 0, sve = (has & HWCAP_SVE) != 0;
  const int32_t found = dot ? by_dot_product() : by_widening();
  printf("{\"dot_product\": %s, \"sme\": %s, \"sve\": %s, \"product\": %d, \"expected\": %d}\n", dot ? "true" : "false",
         sme ? "true" : "false", sve ? "true" : "false", found, expected);
  if (found != expected) return fprintf(stderr, "an int8 product is %d, expected %d\n", found, expected), 1;
  return 0;
}
