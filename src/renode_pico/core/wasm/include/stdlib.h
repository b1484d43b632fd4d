/* What machine.c needs of a C library, for WebAssembly: see support.c. */
#include <stddef.h>

void *calloc(size_t count, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void free(void *memory);
