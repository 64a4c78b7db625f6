// Debian keeps the header in a folder of its own, which only pg_config or pkg-config know.
#if __has_include(<libpq-fe.h>)
#include <libpq-fe.h>
#else
#include <postgresql/libpq-fe.h>
#endif
