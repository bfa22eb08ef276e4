/* The calls of libcudart that jetson/cuda.py makes, over host memory. A null stream is an error, as ours must have one. */
#include <stdlib.h>
#include <string.h>

int cudaMalloc(void **pointer, size_t size) { return (*pointer = malloc(size)) ? 0 : 2; }
int cudaFree(void *pointer) { free(pointer); return 0; }
int cudaStreamCreate(void **stream) { return (*stream = malloc(1)) ? 0 : 2; }
int cudaStreamDestroy(void *stream) { free(stream); return 0; }
int cudaStreamSynchronize(void *stream) { return stream ? 0 : 400; }
int cudaMemcpyAsync(void *to, const void *from, size_t size, int kind, void *stream) {
    if (!stream || (kind != 1 && kind != 2)) return 400;
    if (getenv("FAKE_CUDA_FAILS")) return 719;
    memcpy(to, from, size);
    return 0;
}
const char *cudaGetErrorString(int code) { return code == 719 ? "unspecified launch failure" : "invalid resource handle"; }
