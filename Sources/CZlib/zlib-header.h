#include <zlib.h>

// The functions that start a stream are macros in C, which Swift does not see.
static inline int meterstone_inflate_gzip_init(z_streamp stream) {
    return inflateInit2(stream, 16 + MAX_WBITS);
}

static inline int meterstone_deflate_gzip_init(z_streamp stream) {
    return deflateInit2(
        stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
}
