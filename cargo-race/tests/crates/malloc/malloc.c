// An allocator in libc's place, behind one lock, which says so if it waits for itself. Memory that was freed isn't given out again.

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static char memory[64 << 20] __attribute__((aligned(4096)));
static size_t used;

void *memalign(size_t alignment, size_t size) {
    if (pthread_mutex_lock(&lock) != 0) {
        static const char text[] = "malloc waits for itself\n";
        (void)!write(2, text, sizeof text - 1);
        _exit(3);
    }
    if (alignment < 16)
        alignment = 16;
    // Before each block is its size.
    size_t start = (used + 16 + alignment - 1) & -alignment;
    void *block = NULL;
    if (start < sizeof memory && size < sizeof memory - start) {
        used = start + size;
        block = memory + start;
        memcpy(memory + start - sizeof size, &size, sizeof size);
    }
    pthread_mutex_unlock(&lock);
    if (block == NULL)
        errno = ENOMEM;
    return block;
}

void *malloc(size_t size) { return memalign(16, size); }

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = memalign(alignment, size);
    return *block == NULL ? ENOMEM : 0;
}

void *calloc(size_t count, size_t size) { return memalign(16, count * size); }

void free(void *block) { (void)block; }

void *realloc(void *old, size_t size) {
    void *block = memalign(16, size);
    if (old != NULL && block != NULL) {
        size_t before;
        memcpy(&before, (char *)old - sizeof before, sizeof before);
        memcpy(block, old, before < size ? before : size);
    }
    return block;
}
