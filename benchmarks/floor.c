/*
 * The floor: what a C program needs that only receives pictures, encodes them and sends them on.
 *
 *   floor PORT PICTURES [DOWNLOADS=64] [POSTS=8]
 *
 * Built with -DHASH and -lcrypto it takes SHA-256 of each picture as well, as whoever wants to know what
 * was paid for before has to.
 *
 * No journal, no checks, no labels read, nothing stored. Epoll, plain sockets, base64 by the
 * widest instructions there are. Prints JSON: microseconds of CPU per picture, after a warm-up.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <immintrin.h>
#ifdef HASH
#include <openssl/evp.h>
#endif
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 16, MOST_PICTURE = 1 << 20, EVENTS = 256 };

typedef struct {
    int fd, posting, writing;
    char head[2048];
    size_t have, want;             /* of the answer's body; want 0: still in the head */
    uint8_t *body;                 /* a picture being received */
    struct Batch *batch;           /* what is being posted */
    size_t sent;
} Connection;

typedef struct Batch {
    char *text;
    size_t length;
    int images;
    struct Batch *next;
} Batch;

static int loop, port, pictures, warm, started, received, posted;
static Batch *filling, *full, *spare;
static Connection *idle[64];
static int idle_count;
static const char TABLE[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char LEAD[] = "{\"requests\":[{\"image\":{\"content\":\"";
static const char BETWEEN[] = "\"},\"features\":[{\"type\":\"LABEL_DETECTION\",\"maxResults\":10}]},{\"image\":{\"content\":\"";
static const char TAIL[] = "\"},\"features\":[{\"type\":\"LABEL_DETECTION\",\"maxResults\":10}]}]}";
static struct rusage at_warm;
static double wall_warm;

static size_t encode_scalar(const uint8_t *in, size_t n, char *out) {
    char *start = out;
    for (; n >= 3; n -= 3, in += 3) {
        uint32_t v = in[0] << 16 | in[1] << 8 | in[2];
        *out++ = TABLE[v >> 18]; *out++ = TABLE[v >> 12 & 63]; *out++ = TABLE[v >> 6 & 63]; *out++ = TABLE[v & 63];
    }
    if (n) {
        uint32_t v = in[0] << 16 | (n > 1 ? in[1] << 8 : 0);
        *out++ = TABLE[v >> 18]; *out++ = TABLE[v >> 12 & 63]; *out++ = n > 1 ? TABLE[v >> 6 & 63] : '='; *out++ = '=';
    }
    return out - start;
}

/*
 * The upper halves of the registers are cleared behind a picture: left in use, all that follows, in the kernel
 * as well, took a quarter more (measured). GCC 12 does not see to it where one function alone is wide.
 */
__attribute__((target("avx512f,avx512bw,avx512vbmi")))
static size_t encode_wide(const uint8_t *in, size_t n, char *out) {
    char *start = out;
    uint8_t order[64];
    for (int i = 0; i < 16; i++) {
        order[4 * i] = 3 * i + 1; order[4 * i + 1] = 3 * i; order[4 * i + 2] = 3 * i + 2; order[4 * i + 3] = 3 * i + 1;
    }
    __m512i pick = _mm512_loadu_si512(order), letters = _mm512_loadu_si512(TABLE);
    __m512i shifts = _mm512_set1_epi64(0x3036242a1016040aLL);
    for (; n >= 64; n -= 48, in += 48, out += 64) {
        __m512i bytes = _mm512_permutexvar_epi8(pick, _mm512_loadu_si512(in));
        __m512i sixes = _mm512_multishift_epi64_epi8(shifts, bytes);
        _mm512_storeu_si512(out, _mm512_permutexvar_epi8(sixes, letters));
    }
    _mm256_zeroupper();
    return out - start + encode_scalar(in, n, out);
}

/* Six bits are letters, small letters, digits or signs: what is added to them is looked up by which. */
__attribute__((target("avx2")))
static size_t encode_half(const uint8_t *in, size_t n, char *out) {
    char *start = out;
    const __m256i pick = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10,
                                          1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
    const __m256i add = _mm256_setr_epi8('a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                                         '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0,
                                         'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                                         '0' - 52, '0' - 52, '0' - 52, '+' - 62, '/' - 63, 'A', 0, 0);
    for (; n >= 28; n -= 24, in += 24, out += 32) {
        __m256i bytes = _mm256_loadu2_m128i((const __m128i *)(in + 12), (const __m128i *)in);
        bytes = _mm256_shuffle_epi8(bytes, pick);
        __m256i first = _mm256_mulhi_epu16(_mm256_and_si256(bytes, _mm256_set1_epi32(0x0fc0fc00)), _mm256_set1_epi32(0x04000040));
        __m256i second = _mm256_mullo_epi16(_mm256_and_si256(bytes, _mm256_set1_epi32(0x003f03f0)), _mm256_set1_epi32(0x01000010));
        __m256i sixes = _mm256_or_si256(first, second);
        __m256i capital = _mm256_cmpgt_epi8(_mm256_set1_epi8(26), sixes);
        __m256i kind = _mm256_or_si256(_mm256_subs_epu8(sixes, _mm256_set1_epi8(51)), _mm256_and_si256(capital, _mm256_set1_epi8(13)));
        _mm256_storeu_si256((__m256i *)out, _mm256_add_epi8(sixes, _mm256_shuffle_epi8(add, kind)));
    }
    _mm256_zeroupper();
    return out - start + encode_scalar(in, n, out);
}

static size_t encode(const uint8_t *in, size_t n, char *out) {
    if (__builtin_cpu_supports("avx512vbmi")) return encode_wide(in, n, out);
    return __builtin_cpu_supports("avx2") ? encode_half(in, n, out) : encode_scalar(in, n, out);
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void watch(Connection *c, int write) {
    if (c->writing == write) return;
    struct epoll_event event = {.events = write ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &event);
    c->writing = write;
}

static void fail(const char *what) { perror(what); exit(1); }

static Connection *dial(int posting) {
    Connection *c = calloc(1, sizeof *c);
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&place, sizeof place)) fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->posting = posting;
    if (!posting) c->body = malloc(MOST_PICTURE);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(loop, EPOLL_CTL_ADD, c->fd, &event);
    return c;
}

static void ask(Connection *c) {
    char text[256];
    if (started >= pictures) return;
    int n = sprintf(text, "GET /65535/%ld_287a9eb07a_z.jpg HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: */*\r\n\r\n",
                    51000000000L + started++, port);
    if (send(c->fd, text, n, 0) != n) fail("send");
}

static void flush(Connection *c) {
    Batch *b = c->batch;
    while (c->sent < b->length) {
        ssize_t n = send(c->fd, b->text + c->sent, b->length - c->sent, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) { watch(c, 1); return; }
        if (n <= 0) fail("post");
        c->sent += n;
    }
    watch(c, 0);
}

static void post(Connection *c, Batch *b) {
    char text[256];
    int n = sprintf(text, "POST /v1/images:annotate HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                    "Content-Length: %zu\r\n\r\n", port, b->length);
    if (send(c->fd, text, n, MSG_MORE) != n) fail("send");
    c->batch = b;
    c->sent = 0;
    flush(c);
}

static void close_batch(void) {
    Batch *b = filling;
    memcpy(b->text + b->length, TAIL, sizeof TAIL - 1);
    b->length += sizeof TAIL - 1;
    filling = NULL;
    if (idle_count) post(idle[--idle_count], b);
    else { b->next = full; full = b; }
}

static void hash(const uint8_t *picture, size_t length) {
#ifdef HASH
    static volatile unsigned char seen;
    unsigned char digest[EVP_MAX_MD_SIZE];
    EVP_Digest(picture, length, digest, NULL, EVP_sha256(), NULL);
    seen ^= digest[0];
#else
    (void)picture, (void)length;
#endif
}

static void take(const uint8_t *picture, size_t length) {
    hash(picture, length);
    if (!filling) {
        filling = spare ? spare : calloc(1, sizeof *filling);
        spare = spare ? spare->next : NULL;
        if (!filling->text) filling->text = malloc(BATCH * (MOST_PICTURE / 3 * 4 + 256));
        filling->length = filling->images = 0;
    }
    const char *lead = filling->images ? BETWEEN : LEAD;
    memcpy(filling->text + filling->length, lead, strlen(lead));
    filling->length += strlen(lead);
    filling->length += encode(picture, length, filling->text + filling->length);
    if (++filling->images == BATCH) close_batch();
    if (++received == pictures && filling) close_batch();
    if (received == warm) { getrusage(RUSAGE_SELF, &at_warm); wall_warm = seconds(); }
}

static void answered(Connection *c) {
    c->have = c->want = 0;
    if (!c->posting) {
        ask(c);
        return;
    }
    posted += c->batch->images;
    c->batch->next = spare;
    spare = c->batch;
    c->batch = NULL;
    if (full) { Batch *b = full; full = b->next; post(c, b); }
    else idle[idle_count++] = c;
}

static void readable(Connection *c) {
    for (;;) {
        ssize_t n;
        if (!c->want) {
            n = recv(c->fd, c->head + c->have, sizeof c->head - 1 - c->have, MSG_DONTWAIT);
            if (n <= 0) break;
            c->have += n;
            c->head[c->have] = 0;
            char *end = strstr(c->head, "\r\n\r\n"), *length = strcasestr(c->head, "\r\nContent-Length:");
            if (!end) continue;
            c->want = atol(length + 17);
            size_t extra = c->have - (end + 4 - c->head);
            if (!c->posting) memcpy(c->body, end + 4, extra);
            c->have = extra;
        } else {
            static char trash[1 << 16];
            n = c->posting ? recv(c->fd, trash, sizeof trash, MSG_DONTWAIT)
                           : recv(c->fd, c->body + c->have, c->want - c->have, MSG_DONTWAIT);
            if (n <= 0) break;
            c->have += n;
        }
        if (c->want && c->have >= c->want) {
            if (!c->posting) take(c->body, c->want);
            answered(c);
            return;
        }
    }
    if (errno != EAGAIN) fail("receive");
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    port = atoi(argv[1]);
    pictures = atoi(argv[2]);
    int downloads = argc > 3 ? atoi(argv[3]) : 64, posts = argc > 4 ? atoi(argv[4]) : 8;
    warm = pictures / 5;
    loop = epoll_create1(0);
    for (int i = 0; i < posts && i < 64; i++) idle[idle_count++] = dial(1);
    for (int i = 0; i < downloads; i++) ask(dial(0));
    struct epoll_event events[EVENTS];
    while (posted < pictures) {
        int count = epoll_wait(loop, events, EVENTS, 10000);
        if (count <= 0) fail("nothing comes");
        for (int i = 0; i < count; i++) {
            Connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) flush(c); else readable(c);
        }
    }
    struct rusage end;
    getrusage(RUSAGE_SELF, &end);
    double cpu = (end.ru_utime.tv_sec - at_warm.ru_utime.tv_sec) + (end.ru_stime.tv_sec - at_warm.ru_stime.tv_sec)
        + (end.ru_utime.tv_usec - at_warm.ru_utime.tv_usec + end.ru_stime.tv_usec - at_warm.ru_stime.tv_usec) / 1e6;
    double wall = seconds() - wall_warm;
    printf("{\"cpu_us\":%.2f,\"pictures_per_second\":%.1f,\"rss_mb\":%.1f,\"simd\":%s}\n", cpu * 1e6 / (pictures - warm),
        (pictures - warm) / wall, end.ru_maxrss / 1024.0, __builtin_cpu_supports("avx2") ? "true" : "false");
    return 0;
}
