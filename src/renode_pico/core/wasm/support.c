/* The core as WebAssembly, for machines without a compiled library: memory, and the way out to Python.
 *
 * One instance holds one machine. Memory that is freed is used again for what is as large.
 */
#include <stdlib.h>
#include <string.h>

#include "../pico.h"

#define API __attribute__((visibility("default")))
#define HOST(name) __attribute__((import_module("host"), import_name(name)))

enum { PAGE = 65536, ALIGNMENT = 64 };

struct block { /* in front of what is handed out */
    size_t size;
    struct block *next;
    u8 padding[ALIGNMENT - sizeof(size_t) - sizeof(struct block *)];
};

extern u8 __heap_base;
static struct block *freed;
static size_t top;

API void *pico_alloc(size_t size)
{
    size_t whole = (size + sizeof(struct block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, end;
    struct block *block;
    for (struct block **at = &freed; *at; at = &(*at)->next)
        if ((*at)->size == whole) {
            block = *at;
            *at = block->next;
            memset(block + 1, 0, whole - sizeof *block);
            return block + 1;
        }
    if (!top)
        top = ((size_t)&__heap_base + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    end = top + whole;
    if (end > __builtin_wasm_memory_size(0) * PAGE
        && __builtin_wasm_memory_grow(0, (end - __builtin_wasm_memory_size(0) * PAGE + PAGE - 1) / PAGE) == (size_t)-1)
        return NULL;
    block = (struct block *)top;
    block->size = whole;
    top = end;
    return block + 1; /* fresh pages are zero */
}

API void pico_release(void *memory)
{
    if (memory) {
        struct block *block = (struct block *)memory - 1;
        block->next = freed;
        freed = block;
    }
}

void *calloc(size_t count, size_t size) { return pico_alloc(count * size); }
void *aligned_alloc(size_t alignment, size_t size) { return alignment <= ALIGNMENT ? pico_alloc(size) : NULL; }
void free(void *memory) { pico_release(memory); }

__attribute__((no_builtin("memset"))) void *memset(void *to, int value, size_t size)
{
    for (u8 *at = to; size; size--)
        *at++ = (u8)value;
    return to;
}

__attribute__((no_builtin("memcpy"))) void *memcpy(void *to, const void *from, size_t size)
{
    u8 *at = to;
    for (const u8 *source = from; size; size--)
        *at++ = *source++;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const u8 *x = a, *y = b;
    for (; size && *x == *y; size--)
        x++, y++;
    return size ? *x - *y : 0;
}

HOST("read") u32 host_read(u32 block, u32 offset);
HOST("write") void host_write(u32 block, u32 offset, u32 raw, u32 alias);
HOST("dpsram_written") void host_dpsram_written(u32 offset);
HOST("pins_changed") void host_pins_changed(u32 changed, u32 levels);
HOST("flash_ignores") void host_flash_ignores(u32 command, u32 why);
HOST("dormant_wake") void host_dormant_wake(void);
HOST("unmodelled") void host_unmodelled(u32 address, u32 is_write);

struct pico *pico_new(u32 (*read)(u32, u32), void (*write)(u32, u32, u32, u32), void (*dpsram_written)(u32),
                      void (*pins_changed)(u32, u32), void (*flash_ignores)(u32, u32), void (*dormant_wake)(void),
                      void (*unmodelled)(u32, u32));

API struct pico *pico_new_here(void)
{
    return pico_new(host_read, host_write, host_dpsram_written, host_pins_changed, host_flash_ignores, host_dormant_wake,
                    host_unmodelled);
}
